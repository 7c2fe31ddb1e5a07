"""A process of the target that somebody else has started, known by the lock that it holds."""

import contextlib
import os
import signal
import subprocess
import time

from helpers.core import process_lock as locks

# Only its parent could know how it ended.
UNKNOWN = 1


class Adopted:
    """Can be ended and waited for as a `subprocess.Popen` can.

    Args:
        name: as it was given to `lifeline.start`.
        pid: the process.
    """

    stdin = None

    def __init__(self, name: str, pid: int) -> None:
        self._lock, self.pid = locks.pid_file(name), pid

    def poll(self) -> int | None:
        """Return None while it runs, else an exit code that means nothing."""
        return None if locks.holder(self._lock) == self.pid else UNKNOWN

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._send(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Args:
            timeout: seconds; None = for ever.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self._lock.name, timeout or 0)
            time.sleep(0.05)
        return UNKNOWN

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def adopt(name: str) -> Adopted | None:
    """Return the running process of a name, or None if none runs.

    Args:
        name: as it was given to `lifeline.start`.

    Example:
        `adopt("emulator")`
    """
    pid = locks.holder(locks.pid_file(name))
    return Adopted(name, pid) if pid else None
