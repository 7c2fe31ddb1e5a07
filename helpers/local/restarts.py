"""When a process that has ended, or could not be started, is started again: backoff delays."""

import time

LONGEST_DELAY, HEALTHY_SECONDS = 30, 10


def backoff_delay(failures: int) -> int:
    """Return the seconds to wait after so many failures in a row: 0, 1, 2, 4 ... 30.

    Example:
        >>> [backoff_delay(failures) for failures in (0, 1, 2, 3, 9)]
        [0, 1, 2, 4, 30]
    """
    return min(2 ** (failures - 1), LONGEST_DELAY) if failures else 0


class Backoff:
    """Failures in a row, and when the next attempt is due.

    Attributes:
        failures: how many there were; the caller sets it.
        due: when the next attempt is due (`time.monotonic()`).
    """

    def __init__(self) -> None:
        self.failures, self.due = 0, 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self.due

    def postpone(self, least: int = 0) -> int:
        """Postpone the next attempt; return by how many seconds.

        Args:
            least: the number of failures to assume at least.
        """
        delay = backoff_delay(max(self.failures, least))
        self.due = time.monotonic() + delay
        return delay


class Restarts(Backoff):
    """Counts how often a child has ended soon after its start."""

    started = 0.0

    def note_start(self) -> None:
        self.started = time.monotonic()

    def note_end(self) -> str:
        """Note that the child has ended; after a life of ten seconds it is started again at once.

        Returns:
            For the log: how long it lived, and in how many seconds it is started again.
        """
        lived = time.monotonic() - self.started
        self.failures = 0 if lived > HEALTHY_SECONDS else self.failures + 1
        return f"it lived {lived:.0f} s; again in {self.postpone()} s"
