"""Says on standard error what goes wrong, never in a flood, and when it is over."""

import contextlib
import sys
import time

PAUSE_SECONDS = 5


class Troubles:
    """What goes wrong now, each trouble under a name of its own."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._count: dict[str, int] = {}

    def say(self, about: str, sentence: str, count: int = 1) -> None:
        """Say what goes wrong, at most every five seconds; count it always.

        Args:
            about: the trouble's name.
            sentence: what is said.
            count: how many requests suffer from it.
        """
        self._count[about] = self._count.get(about, 0) + count
        if time.monotonic() >= self._next.get(about, 0):
            self._next[about] = time.monotonic() + PAUSE_SECONDS
            _print(sentence)

    def over(self, about: str, sentence: str) -> None:
        """Say that a trouble is over, if there was one.

        Args:
            about: the trouble's name.
            sentence: what is said; `{count}` in it is how many requests suffered.
        """
        if about in self._count:
            del self._next[about]
            _print(sentence.format(count=self._count.pop(about)))


def _print(sentence: str) -> None:
    # Where the log can't be written, this file often can't either: no reason to stop answering.
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)
