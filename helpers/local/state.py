"""The local target's state that its processes share: one lock, and one file of facts.

The process that holds the lock `.workshop/local.lock` is the target's supervisor.
"""

import shutil
import time
from pathlib import Path
from typing import IO

from helpers.core import process_lock
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
    """Take the lock of this folder's only local target; see `process_lock.take`."""
    return process_lock.take(supervisor_lock())


def holder() -> int | None:
    """Return the pid of the running target, or None if none runs.

    Example:
        >>> holder() is None or holder() > 0
        True
    """
    return process_lock.holder(supervisor_lock())


def is_there() -> bool:
    """Return whether a target runs, even if only its emulator does."""
    return (
        holder() is not None
        or process_lock.holder(process_lock.pid_file(EMULATOR_LOCK)) is not None
    )


def description() -> dict:
    """Return the facts of `local.json` about the running target; {} without that file."""
    return read_json(description_file(), default={})


def update_description(**facts: object) -> None:
    """Add facts to `local.json`."""
    write_json(description_file(), description() | facts)


def _ending_path() -> Path:
    return home() / "local.ending"


def begin_ending() -> None:
    """Note that the target is to end: no supervisor takes over from now on."""
    _ending_path().touch()


def is_ending() -> bool:
    """Return whether the target is to end."""
    return _ending_path().exists()


def forget() -> None:
    """Delete the files of an earlier target: its facts, its key, its faults, temporary files."""
    for path in (description_file(), faults_file()):
        path.unlink(missing_ok=True)
    access_key.forget()
    shutil.rmtree(temporary_folder(), ignore_errors=True)
    _ending_path().unlink(missing_ok=True)  # last: `supervisor.stop` returns when it is gone


def temporary_folder() -> Path:
    """Return the folder for files that the target's processes need only while they run.

    It is deleted when the target ends, and before the next one starts. In /tmp the files of a
    killed process would remain, under names that other users can guess.
    """
    return home() / "tmp"


def forget_jobs() -> None:
    """Delete the status files of an earlier Flink controller's jobs: none of them runs."""
    for status in home().glob(str(job_status_file("*").relative_to(home()))):
        status.unlink()


def touch() -> None:
    """Note that the target was used just now: it ends by itself after two idle hours."""
    (home() / "last-used").touch()


def idle_seconds() -> float:
    """Return for how many seconds the target has not been used."""
    try:
        return time.time() - (home() / "last-used").stat().st_mtime
    except FileNotFoundError:
        return 0.0
