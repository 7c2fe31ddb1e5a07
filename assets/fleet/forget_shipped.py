"""Deletes the rotated access logs of which the stream has every line; logrotate runs it.

    python forget_shipped.py LOG STATE

The agent's state file tells, by inode, how far the stream has come in each log. The workshop's
ancestor deleted rotated logs after a minute, shipped or not.
"""

import json
import re
import sys
import time
import zlib
from pathlib import Path
from typing import Any

# For so long after a rotation, an old process of Apache may still log the request of a slow client.
QUIET_SECONDS = 600


def load(state: Path) -> dict[str, Any]:
    """Return the agent's position in each log, by inode; of none if the file can't be read.

    Args:
        state: the agent's state file.

    Example:
        `load(Path("agent.json"))["131"]["offset"]` -> `67108912`
    """
    try:
        return dict(json.loads(state.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"No rotated log is deleted, {state} can't be read: {error!r}")
        return {}


def is_shipped(path: Path, positions: dict[str, Any]) -> bool:
    """Return whether the stream has a log to its end.

    An inode is given out again after a deletion, so the file must also begin with the bytes that
    the agent remembers.

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
    """Delete the rotated logs that are shipped to their end and written to no more.

    Args:
        log: the log's path; its rotated siblings begin with the same name.
        state: the agent's state file.
        now: the time, epoch seconds.

    Returns:
        What was deleted.

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
    for gone in forget(Path(sys.argv[1]), Path(sys.argv[2]), time.time()):
        print(f"{gone} is shipped, and deleted.")
