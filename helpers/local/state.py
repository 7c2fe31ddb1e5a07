"""What is known of the local target between processes: one lock, and one file beside it.

The lock is the truth: whoever holds `.workshop/local.lock` is the target's supervisor.
"""

import shutil
import time
from pathlib import Path
from typing import IO

from helpers.core import process_lock as locks
from helpers.core.paths import home, read_json, write_json
from helpers.core.target_files import (
    EMULATOR_LOCK,
    description_file,
    faults_file,
    job_status_file,
    supervisor_lock,
)

from . import access_key

IDLE_SECONDS = 2 * 3600


def take_lock() -> IO | None:
    """Become the one local target of this folder; see `locks.take`."""
    return locks.take(supervisor_lock())


def holder() -> int | None:
    """Return the pid of the running target, or None if none runs.

    Example:
        >>> holder() is None or holder() > 0
        True
    """
    return locks.holder(supervisor_lock())


def is_there() -> bool:
    """Return whether a target runs, be it an emulator that is without a supervisor just now."""
    return holder() is not None or locks.holder(locks.pid_file(EMULATOR_LOCK)) is not None


def description() -> dict:
    """Return what the running target says of itself, or {} where it says nothing."""
    return read_json(description_file(), default={})


def update_description(**facts: object) -> None:
    """Add facts to `local.json`."""
    write_json(description_file(), description() | facts)


def _ending_path() -> Path:
    return home() / "local.ending"


def begin_ending() -> None:
    """Note that the target is to end: a supervisor that is killed now is not replaced."""
    _ending_path().touch()


def is_ending() -> bool:
    """Return whether the target is to end."""
    return _ending_path().exists()


def forget() -> None:
    """Delete what an earlier target said of itself and left behind, its key, and its faults."""
    for path in (_ending_path(), description_file(), faults_file()):
        path.unlink(missing_ok=True)
    access_key.forget()
    shutil.rmtree(temporary_folder(), ignore_errors=True)


def temporary_folder() -> Path:
    """Return the folder for what the target's processes need only while they run.

    What they leave there, killed or not, is deleted with the target and before the next one; in
    /tmp it would stay, under names that other users can foresee.
    """
    return home() / "tmp"


def forget_jobs() -> None:
    """Delete what the flink controller of an earlier life said of its jobs: none of them runs."""
    for status in home().glob(str(job_status_file("*").relative_to(home()))):
        status.unlink()


def touch() -> None:
    """Note that the target was used just now: it ends by itself after two idle hours."""
    (home() / "last-used").touch()


def idle_seconds() -> float:
    """Return for how many seconds nobody has used the target."""
    try:
        return time.time() - (home() / "last-used").stat().st_mtime
    except FileNotFoundError:
        return 0.0
