"""Checkpoints of the job: which one to restart from, and which input files none of them needs.

Flink writes a checkpoint to `<job id>/chk-<n>/`, its `_metadata` last and by renaming it into
place: a checkpoint that has one is complete.
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
        try:
            metadata = (checkpoint / "_metadata").read_bytes()
        except FileNotFoundError:
            return set()  # deleted since it was listed: nothing until the next call
        counts = Counter(re.findall(rb"/(\d+-\d+-\d+\.json)", metadata))
        done = {name for name in done if counts[name.encode()] == 1}
    return done


def forget_other_jobs(folder: Path, job: Path) -> None:
    """Delete the checkpoints of all jobs but one, once that one has its own."""
    for other in folder.iterdir():
        if other != job:
            shutil.rmtree(other, ignore_errors=True)
