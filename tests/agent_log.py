"""The access log that agents read in tests: lines of beacons, copytruncate, and reading."""

import os
import shutil
from pathlib import Path
from typing import Any

NEW_STATE = {"files": {}}  # of an agent that starts for the first time


def line(event: str) -> str:
    """Return a beacon's line, with its newline."""
    return (
        '203.0.113.9 - - [25/Nov/2025:00:01:00 +0000] "GET /beacon HTTP/1.1" 200 2 "-" "-" '
        f'"{event}" "c-1" "/cart" "-" "-" "-" "-" "-" "-" "-" 1764028860123\n'
    )


def append(path: Path, *events: object) -> None:
    """Append a line for each event."""
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(line(str(event)) for event in events))


def copy_and_cut(log: Path) -> None:
    """Copy and truncate the log, as logrotate's copytruncate does."""
    number = 1 + len(list(log.parent.glob(f"{log.name}-*")))
    shutil.copyfile(log, log.with_name(f"{log.name}-{number}"))
    os.truncate(log, 0)


def texts(tail: Any, limit: int = 500) -> list[str]:  # noqa: ANN401 - the agent's Tail
    """Return the texts of a tail's next lines."""
    return [line.text.decode() for line in tail.read(limit)]
