"""How much input is there for the job: files that it has not read, or that no checkpoint covers."""

import contextlib
from pathlib import Path


def has_more_bytes(folder: Path, limit: int) -> bool:
    """Return whether the files of a folder have more bytes than a limit.

    Args:
        folder: the job's input.
        limit: bytes.
    """
    total = 0
    for file in folder.glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # read, and deleted since it was listed
            total += file.stat().st_size
        if total > limit:
            return True
    return False
