"""Checkpoints of the job: which one to restart from, and which input files none of them needs.

Flink writes a checkpoint to `<job id>/chk-<n>/`, its `_metadata` last and by renaming it into
place: a checkpoint that has one is complete.

Flink 2.2 restores a file that is half read only once: a reader that continues in the middle of a
file counts its position from there (DeserializationSchemaAdapter.Reader.seek does not set numRead),
so a checkpoint that it makes before the file's end would read some records again. Therefore such a
checkpoint is never restored. Until all files that were unread at a restart are read, a job that is
killed again starts from the same checkpoint as before, and none of its rows is sent
(held_output.py).
"""

import re
import shutil
from collections import Counter
from pathlib import Path


def complete(folder: Path) -> list[Path]:
    """Return the folders of all complete checkpoints, the oldest first."""
    dated = []
    for metadata in folder.glob("*/chk-*/_metadata"):
        try:
            dated.append((metadata.stat().st_mtime_ns, metadata.parent))
        except FileNotFoundError:
            continue  # Flink has just deleted it: it keeps the newest three
    return [path for _, path in sorted(dated)]


def covered(names: set[str], folder: Path) -> set[str]:
    """Return the input files that no restart needs again.

    In each checkpoint, the file source stores the path of every file that it has found, and once
    more the path of each file that is unread or half read. So a file that a checkpoint names
    exactly once was read to its end before that checkpoint: a restart from it does not open the
    file. It may be deleted when that is true of every kept checkpoint, the oldest too. (A file's
    age is no criterion: a job that catches up reads it minutes later.)

    Args:
        names: file names, each beginning with `<digits>-<digits>`.
        folder: where Flink keeps the checkpoints.
    """
    kept = complete(folder)
    done = set(names) if kept else set()
    for checkpoint in kept:
        counts = _mentions(checkpoint)
        done = {name for name in done if counts[name] == 1}
    return done


def restore_point(folder: Path) -> Path | None:
    """Return the checkpoint to restart from: the newest one of the oldest job; None without any.

    The checkpoints of a later job are deleted: `forget_former_jobs` has not allowed them.

    Args:
        folder: where Flink keeps the checkpoints.
    """
    kept = complete(folder)
    if not kept:
        return None
    oldest = kept[0].parent
    _delete_other_jobs(folder, oldest)
    return [checkpoint for checkpoint in kept if checkpoint.parent == oldest][-1]


def forget_former_jobs(folder: Path, job: Path, restored: Path | None) -> bool:
    """Delete the checkpoints of all jobs but one, once it has read what it was restored to read.

    Args:
        folder: where Flink keeps the checkpoints.
        job: the folder of the job that runs, with at least one complete checkpoint.
        restored: the checkpoint from which it was restored, if any.

    Returns:
        Whether they are deleted.
    """
    newest = [checkpoint for checkpoint in complete(folder) if checkpoint.parent == job][-1:]
    if restored and not (newest and unread(restored).isdisjoint(unread(newest[0]))):
        return False
    _delete_other_jobs(folder, job)
    return True


def _mentions(checkpoint: Path) -> Counter[str]:
    """Return how often a checkpoint names each input file; nothing if it was deleted meanwhile."""
    try:
        metadata = (checkpoint / "_metadata").read_bytes()
    except FileNotFoundError:
        return Counter()
    return Counter(name.decode() for name in re.findall(rb"/(\d+-\d+-\d+\.json)", metadata))


def unread(checkpoint: Path) -> set[str]:
    """Return the input files that were not read to their end at a checkpoint."""
    return {name for name, count in _mentions(checkpoint).items() if count > 1}


def _delete_other_jobs(folder: Path, job: Path) -> None:
    for other in folder.iterdir():
        if other != job:
            # Renamed first: a kill while it is deleted must not leave an older checkpoint of it.
            gone = folder.with_name(f"{folder.name}.old")
            shutil.rmtree(gone, ignore_errors=True)
            other.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)
