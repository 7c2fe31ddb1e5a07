"""The check of module 7: it names the first value that differs, and refuses to check nothing."""

import time

import pandas as pd
import pytest

from helpers import check
from helpers.core.errors import WorkshopError

WRONG = {"Metric": "visit_count", "Item": "All Visits", "Recounted": 1, "Stored": 3}
AGREES = pd.DataFrame([], columns=[*WRONG, "Time"])
VISITS = {"visit_count": 9, "bounce_count": 4, "conversion_count": 2}


class Stopped:
    """Traffic that was stopped."""

    state = "stopped"

    def status(self):
        return {"state": self.state, "started": time.time() - 60}


@pytest.fixture
def table(monkeypatch):
    """The table's sums and its differences from the recount, for the check."""
    found = {"wrong": AGREES, "visits": dict(VISITS), "passed": []}
    monkeypatch.setattr(check, "REPLAY_SECONDS", 0)
    monkeypatch.setattr(check, "compare", lambda cloud, since, metrics: found["wrong"])
    monkeypatch.setattr(
        check,
        "metric_values",
        lambda cloud, metric, start: pd.DataFrame({"Value": [found["visits"][metric]]}),
    )
    monkeypatch.setattr(check, "note_passed", lambda cloud, name: found["passed"].append(name))
    return found


def test_it_passes_with_the_numbers(table, capsys):
    check.visits(None, Stopped())
    printed = capsys.readouterr().out
    assert printed.startswith("✓ 9 visits began since ") and "4 of them bounces and 2" in printed
    assert table["passed"] == ["7-visits"]


def test_another_gap_is_named_as_a_likely_cause(table):
    at = pd.Timestamp("2026-11-25 10:00", tz="UTC")
    table["wrong"] = pd.DataFrame([WRONG | {"Time": at}])
    with pytest.raises(WorkshopError, match="1 values of visits differ") as error:
        check.visits(None, Stopped())
    assert "'All Visits' at 10:00:00: 3 instead of 1" in error.value.cause
    assert "07_visit_beacons.sql" in error.value.remedy and table["passed"] == []


def test_nothing_to_check_is_no_success(table):
    table["visits"] = dict.fromkeys(VISITS, 0)
    with pytest.raises(WorkshopError, match="No visit began in the last hour"):
        check.visits(None, Stopped())
    running = Stopped()
    running.state = "running"
    with pytest.raises(WorkshopError, match="still running"):
        check.visits(None, running)
    assert table["passed"] == []
