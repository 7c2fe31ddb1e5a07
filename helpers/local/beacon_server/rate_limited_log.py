"""Logs problems and their end to standard error, at a limited rate."""

import contextlib
import sys
import time

PAUSE_SECONDS = 5


class RateLimitedLog:
    """The current problems, by their names."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._count: dict[str, int] = {}

    def warn(self, about: str, sentence: str, count: int = 1) -> None:
        """Count a problem, and log it at most every five seconds.

        Args:
            about: the problem's name.
            sentence: the text to log.
            count: how many requests it affects.
        """
        self._count[about] = self._count.get(about, 0) + count
        if time.monotonic() >= self._next.get(about, 0):
            self._next[about] = time.monotonic() + PAUSE_SECONDS
            _print(sentence)

    def over(self, about: str, sentence: str) -> None:
        """Log that a problem has ended, if there was one.

        Args:
            about: the problem's name.
            sentence: the text to log; `{count}` in it is how many requests were affected.
        """
        if about in self._count:
            del self._next[about]
            _print(sentence.format(count=self._count.pop(about)))


def _print(sentence: str) -> None:
    # A full disk may affect this file as well; the server still has to answer.
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)
