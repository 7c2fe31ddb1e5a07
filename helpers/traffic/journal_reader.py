"""Reads the generator's files: its status, its totals, its journal as a table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core.paths import read_json
from helpers.generator.run import status_path

from .generator_process import running_pid

# The status of a generator that never ran.
NOTHING_YET: dict[str, Any] = {
    "state": "never started",
    **dict.fromkeys(("sent", "answered", "failed", "unknown", "not_sent", "altered"), 0),
    **dict.fromkeys(("late", "duplicates", "malformed"), 0),
    "expect": {},
    "seconds": 0.0,
    "rate": 0.0,
    "rate_now": 0.0,
    "lag_ms": 0,
    "pid": None,
    "started": None,
    "problem": None,
    "progress": 0.0,
    "journal": None,
}


@dataclass(frozen=True)
class Totals:
    """How many beacons one run sent, by outcome.

    Args:
        sent: over HTTP, or put directly to the stream.
        answered: of those, with status 200.
        failed: with another status, without a response, or never sent.
        unknown: of those, sent without a response: the server may have received them or not.
        late: put to the stream late, as by the agent of a server that was cut off.
        duplicates: copies that were put to the stream.
        malformed: with missing, overlong, invalid or unusual values.
        altered: changed, because HTTP can't carry their values (see the journal).
        expect: the answered beacons by expected outcome, e.g. `{"accepted": 98, "too_long": 2}`.
        seconds: how long the run took.
        state: `finished`, `stopped`, `failed` or `running`.
        journal: the file with a line for each beacon.
    """

    sent: int
    answered: int
    failed: int
    unknown: int
    late: int
    duplicates: int
    malformed: int
    altered: int
    expect: dict[str, int]
    seconds: float
    state: str
    journal: Path | None

    def __str__(self) -> str:
        return f"Beacons: {self.sent:,} sent in {self.seconds:,.0f} s, {outcomes(vars(self))}."

    __repr__ = __str__


def outcomes(counts: Mapping[str, Any]) -> str:
    """Return the counts of a status or of `Totals` as text, e.g. `1,200 answered, 0 failed`."""
    names = ("answered", "failed", "late", "duplicates", "malformed")
    always = ("answered", "failed")
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts[name] or name in always)


def totals(status: dict[str, Any]) -> Totals:
    """Return the totals in a status."""
    values = {name: status[name] for name in Totals.__dataclass_fields__}
    return Totals(**values | {"journal": status["journal"] and Path(status["journal"])})


def latest_status(role: str) -> dict[str, Any]:
    """Return the current status of the latest run of a role, `live` or `replay`."""
    running = running_pid(role) is not None
    status = NOTHING_YET | read_json(status_path(role), default={})
    if status["state"] == "running" and not running:
        # It has ended since then, or was killed: its last status shows which.
        status = NOTHING_YET | read_json(status_path(role), default={})
        if status["state"] == "running":
            status |= {"state": "stopped", "problem": "The generator was killed.", "rate_now": 0.0}
    return status


def written_since(folder: Path, since: float) -> list[Path]:
    """Return the journals of a folder that were changed since a moment.

    Args:
        folder: as `journal_folder` returns it.
        since: epoch seconds.
    """
    return [path for path in sorted(folder.glob("*.jsonl")) if path.stat().st_mtime >= since]


def frame(folder: Path, since: float = 0) -> pd.DataFrame:
    """Return journals of a folder as one table, a row for each beacon.

    Args:
        folder: as `journal_folder` returns it.
        since: leave out journals that were last changed before, epoch seconds.
    """
    rows = []
    for path in written_since(folder, since):
        with path.open(encoding="utf-8") as lines:
            # A running generator may have written only a part of its last line.
            rows += [json.loads(line) | {"run": path.stem} for line in lines if line[-1:] == "\n"]
    columns = "run sent_at kind event clientid page agent referrer source campaign status expect "
    return pd.DataFrame(rows, columns=(columns + "altered beacon_id requested_at").split())
