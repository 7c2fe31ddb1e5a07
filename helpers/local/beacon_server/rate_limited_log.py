"""Writes to standard error what goes wrong, at a limited rate, and when it is over."""

import contextlib
import sys
import time

PAUSE_SECONDS = 5


class RateLimitedLog:
    """The problems of now, each under a name of its own."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._count: dict[str, int] = {}

    def warn(self, about: str, sentence: str, count: int = 1) -> None:
        """Write what goes wrong, at most every five seconds; count it always.

        Args:
            about: the problem's name.
            sentence: what is written.
            count: how many requests it affects.
        """
        self._count[about] = self._count.get(about, 0) + count
        if time.monotonic() >= self._next.get(about, 0):
            self._next[about] = time.monotonic() + PAUSE_SECONDS
            _print(sentence)

    def over(self, about: str, sentence: str) -> None:
        """Write that a problem is over, if there was one.

        Args:
            about: the problem's name.
            sentence: what is written; `{count}` in it is how many requests were affected.
        """
        if about in self._count:
            del self._next[about]
            _print(sentence.format(count=self._count.pop(about)))


def _print(sentence: str) -> None:
    # Where the log can't be written, this file often can't either: no reason to stop answering.
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)
