"""Which minutes another gap changes: those that the updated job has counted again."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from helpers.core.errors import WorkshopError
from helpers.deployment import flink_application
from helpers.experiments import gap_change
from helpers.experiments.gap_change import compared, visit_changes, visit_snapshot
from helpers.flink.replay_edge import reading_start

EDGE = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def visits(**values):
    """Return the table's rows of these minutes, e.g. `at_0930=7`."""
    times = [f"2026-11-25 {name[3:5]}:{name[5:]}" for name in values]
    frame = pd.DataFrame({"Time": times, "Value": list(values.values())})
    return frame.assign(Time=pd.to_datetime(frame["Time"], utc=True))


def test_older_minutes_keep_their_values_and_newer_ones_change():
    before = visits(at_0930=7, at_0959=2, at_1000=1, at_1030=0)
    now = visits(at_0930=7, at_0959=2, at_1000=1, at_1015=1, at_1030=1)
    table = compared(before, now, EDGE)
    assert list(table.index) == ["before 2026-11-25 10:00", "since 2026-11-25 10:00"]
    assert table.to_numpy().tolist() == [[2, 9, 9, 0], [3, 1, 3, 2]]


def test_a_job_that_was_never_updated_has_counted_all_of_them():
    table = compared(visits(at_0930=7), visits(at_0930=8), None)
    assert list(table.index) == ["before the beginning", "since the beginning"]
    assert table["Minutes"].tolist() == [0, 1] and table["Changed"].tolist() == [0, 1]


def test_it_compares_what_the_table_has_with_the_position_of_the_job(monkeypatch):
    again = [visits(at_0930=7, at_1030=number) for number in (1, 5, 5)]
    read = iter([visits(), visits(at_0930=7, at_1030=4), *again])
    monkeypatch.setattr(gap_change, "UNCHANGED_SECONDS", 0.5)
    monkeypatch.setattr(gap_change, "metric_values", lambda cloud, metric, **span: next(read))
    start = datetime.fromtimestamp(reading_start(int(EDGE.timestamp()) + 60), UTC)
    groups = {"clicks": {"source.init.timestamp": start.isoformat(timespec="milliseconds")}}
    monkeypatch.setattr(flink_application, "application_detail", lambda cloud: {})
    monkeypatch.setattr(flink_application, "property_groups", lambda detail: groups)
    with pytest.raises(WorkshopError, match="no visits yet"):
        visit_snapshot(None)
    table = visit_changes(None, visit_snapshot(None))
    assert table.loc["before 2026-11-25 10:00"].tolist() == [1, 7, 7, 0]
    assert table.loc["since 2026-11-25 10:00"].tolist() == [1, 4, 5, 1]
    groups["clicks"].clear()
    assert flink_application.counted_from(None) is None
