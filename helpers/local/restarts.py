"""When a child that has ended is started again: the pauses grow where it ends at once."""

import time

LONGEST_PAUSE, HEALTHY_SECONDS = 30, 10


def pause_after(failures: int) -> int:
    """Return the seconds to wait after so many failures in a row: none, 1, 2, 4 ... 30.

    Example:
        >>> [pause_after(failures) for failures in (0, 1, 2, 3, 9)]
        [0, 1, 2, 4, 30]
    """
    return min(2 ** (failures - 1), LONGEST_PAUSE) if failures else 0


class Restarts:
    """Counts how often a child has ended soon after its start."""

    def __init__(self) -> None:
        self.failures, self.started, self.due = 0, 0.0, 0.0

    def is_due(self) -> bool:
        """Return whether the child may be started now."""
        return time.monotonic() >= self.due

    def note_start(self) -> None:
        """Note that the child has been started."""
        self.started = time.monotonic()

    def note_end(self) -> str:
        """Note that the child has ended; one that lived for ten seconds is started at once.

        Returns:
            For the log: how long it lived, and in how many seconds it is due again.
        """
        now = time.monotonic()
        lived = now - self.started
        self.failures = 0 if lived > HEALTHY_SECONDS else self.failures + 1
        pause = pause_after(self.failures)
        self.due = now + pause
        return f"it lived {lived:.0f} s; again in {pause} s"
