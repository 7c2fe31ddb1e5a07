"""A lock file with its holder's pid: at most one process on this machine holds it.

The kernel releases the lock however its holder ends, so a stale file or a reused pid does no harm.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from .paths import home

# `holder` takes the lock for a moment: an attempt at that time is repeated.
LOOKS, SECONDS_BETWEEN_LOOKS = 20, 0.01


def pid_file(name: str) -> Path:
    """Return the lock that a process of the local target holds while it lives.

    Args:
        name: e.g. `emulator`, `server-rwa-fleet-1`; each has one process at most.

    Example:
        `holder(pid_file("emulator"))` -> `4711`
    """
    return home() / "pids" / name


def take(path: Path, *, wait: bool = False, pid: int | None = None) -> IO | None:
    """Take a lock.

    Args:
        path: the lock's file; its folder is created.
        wait: wait while another process holds it.
        pid: the pid that `holder` returns, if the lock is held on behalf of another process.

    Returns:
        The open file, which holds the lock until it is closed; None if another process holds it.

    Example:
        `lock = take(home() / "local.lock")`
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    if wait:
        fcntl.flock(file, fcntl.LOCK_EX)
    elif not _locked(file, path):
        file.close()
        return None
    file.truncate(0)
    file.write(str(pid or os.getpid()))
    file.flush()
    return file


def _locked(file: IO, path: Path) -> bool:
    for _ in range(LOOKS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if holder(path) is not None:
                return False
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return False


def wait_until_free(path: Path) -> None:
    """Wait while another process holds a lock.

    Args:
        path: the lock's file.

    Example:
        `wait_until_free(home() / "local.lock")`
    """
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_SH)


def holder(path: Path) -> int | None:
    """Return the pid of a lock's holder, or None if it is free.

    Args:
        path: the lock's file.

    Example:
        >>> holder(Path("no-such.lock")) is None
        True
    """
    try:
        with path.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        pass
    return None
