"""What the notebook reads back: the status, the totals, the journal as a table."""

import json
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
    """What one run sent, and what became of it.

    Args:
        sent: beacons that left, by HTTP or straight to the stream.
        answered: of those, with answer 200.
        failed: with another answer, with none, or never sent.
        unknown: of those, sent without an answer: the server may have them or not.
        late: put to the stream late, as a cut-off server's agent does.
        duplicates: copies put to the stream.
        malformed: beacons with a missing, overlong or invalid value.
        altered: values that HTTP can't carry as they are (see the journal).
        expect: how many of the answered should become what, e.g. `{"accepted": 98, "too_long": 2}`.
        seconds: how long it took.
        state: `finished`, `stopped` or `running`.
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
        parts = [f"{self.sent:,} sent in {self.seconds:,.0f} s", f"{self.answered:,} answered"]
        counts = {
            "failed": self.failed,
            "late": self.late,
            "duplicates": self.duplicates,
            "malformed": self.malformed,
        }
        parts += [
            f"{count:,} {name}" for name, count in counts.items() if count or name == "failed"
        ]
        return "Beacons: " + ", ".join(parts) + "."

    __repr__ = __str__


def totals(status: dict[str, Any]) -> Totals:
    """Return the totals that a status tells."""
    values = {name: status[name] for name in Totals.__dataclass_fields__}
    return Totals(**values | {"journal": status["journal"] and Path(status["journal"])})


def latest_status(role: str) -> dict[str, Any]:
    """Return the status of the latest run of a role, `live` or `replay`, true to this moment."""
    running = running_pid(role) is not None
    status = NOTHING_YET | read_json(status_path(role), default={})
    if status["state"] == "running" and not running:
        # It has ended since it wrote that, or was killed: what it wrote last tells which.
        status = NOTHING_YET | read_json(status_path(role), default={})
        if status["state"] == "running":
            status |= {"state": "stopped", "problem": "The generator was killed.", "rate_now": 0.0}
    return status


def written_since(folder: Path, since: float) -> list[Path]:
    """Return the journals of a folder in which something was written since a moment.

    Args:
        folder: as `journal_folder` names it.
        since: epoch seconds.
    """
    return [path for path in sorted(folder.glob("*.jsonl")) if path.stat().st_mtime >= since]


def frame(folder: Path, since: float = 0) -> pd.DataFrame:
    """Return journals of a folder as one table, a row for each beacon.

    Args:
        folder: as `journal_folder` names it.
        since: leave out those that were finished before, epoch seconds.
    """
    rows = []
    for path in written_since(folder, since):
        with path.open(encoding="utf-8") as lines:
            # A run that flows right now may have written half of its last line.
            rows += [json.loads(line) | {"run": path.stem} for line in lines if line[-1:] == "\n"]
    columns = "run sent_at kind event clientid page agent referrer status expect altered "
    return pd.DataFrame(rows, columns=(columns + "beacon_id requested_at").split())
