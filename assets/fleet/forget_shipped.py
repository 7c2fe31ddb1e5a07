"""Deletes rotated access logs after all of their lines were shipped; logrotate runs it.

    python forget_shipped.py LOG STATE

The agent's state file has the shipped position in each log, by inode. The original workshop deleted
rotated logs after a minute, shipped or not.
"""

import json
import re
import sys
import time
import zlib
from pathlib import Path
from typing import Any

# So long after a rotation, an old process of Apache may still log a slow client's request.
QUIET_SECONDS = 600


def load(state: Path) -> dict[str, Any]:
    """Return the agent's position in each log, by inode; {} if the file can't be read.

    Args:
        state: the agent's state file.

    Example:
        `load(Path("agent.json"))["131"]["offset"]` -> `67108912`
    """
    try:
        return dict(json.loads(state.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"No rotated log is deleted, because {state} can't be read: {error!r}")
        return {}


def is_shipped(path: Path, positions: dict[str, Any]) -> bool:
    """Return whether a log was shipped to its end.

    An inode may be reused after a deletion, so the file must also begin with the bytes of which
    the agent saved the CRC-32.

    Args:
        path: the log.
        positions: as `load` returns them.
    """
    status = path.stat()
    position = positions.get(str(status.st_ino))
    if position is None or position["offset"] < status.st_size:
        return False
    with path.open("rb") as file:
        head = file.read(position["head_bytes"])
    return zlib.crc32(head) == position["head_crc"]


def forget(log: Path, state: Path, now: float) -> list[Path]:
    """Delete the rotated logs that were shipped to their end and are not written to any more.

    Args:
        log: the log's path; its rotated siblings begin with the same name.
        state: the agent's state file.
        now: the time, epoch seconds.

    Returns:
        The deleted files.

    Example:
        `forget(Path("access.log"), Path("agent.json"), time.time())` -> `[]`
    """
    positions, deleted = load(state), []
    rotated = re.compile(re.escape(log.name) + r"[.-][0-9][0-9.-]*")
    for path in sorted(log.parent.iterdir()):
        if not rotated.fullmatch(path.name) or now - path.stat().st_mtime <= QUIET_SECONDS:
            continue
        if is_shipped(path, positions):
            path.unlink()
            deleted.append(path)
    return deleted


if __name__ == "__main__":
    for path in forget(Path(sys.argv[1]), Path(sys.argv[2]), time.time()):
        print(f"{path} was shipped and is deleted.")
