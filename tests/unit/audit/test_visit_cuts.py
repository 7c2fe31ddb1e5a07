"""Visits divided by the clock: the mistake that a gap does not make."""

import pandas as pd
import pytest

from helpers.audit import visit_cuts
from helpers.audit.recounted_visits import bounces, visits_of, with_visits
from helpers.audit.visit_cuts import clock_visits, counted_by_clock, visits_by_clock
from helpers.core.errors import WorkshopError
from helpers.stores.archive import FIELDS, field_column

HOUR = 1_795_500_000_000 // 3_600_000 * 3_600_000


def view(seconds, visitor="ben", **fields):
    """Return the click record of a page view, so many seconds after a full hour."""
    at = HOUR + seconds * 1000
    return {
        "beacon_id": f"{visitor}:{at}", "request": "GET /beacon HTTP/1.1", "response": 200,
        "clientid": visitor, "event": "pageview", "page": "/", "requested_at": at,
        "received_at": at, "shipped_at": at,
    } | fields  # fmt: skip


def frame(*records):
    return pd.DataFrame({name: field_column(list(records), name) for name in FIELDS})


def test_a_visit_across_the_full_hour_is_two_bounces_by_the_clock_and_none_by_the_gap():
    beacons = frame(view(-10), view(20))
    by_gap, by_clock = visits_of(with_visits(beacons)), clock_visits(beacons, 60)
    assert (len(by_gap), bounces(by_gap).sum()) == (1, 0)
    assert (len(by_clock), bounces(by_clock).sum()) == (2, 2)
    assert list(by_clock["first"]) == [HOUR - 10_000, HOUR + 20_000]


def test_a_click_is_no_bounce_and_a_beacon_without_visitor_no_visit():
    visits = clock_visits(frame(view(1, event="click"), view(2, clientid=None)), 60)
    assert (len(visits), bounces(visits).sum()) == (1, 0)


def test_all_rows_count_the_same_beacons_without_copies_and_bots():
    records = [view(-10), view(20), view(20), view(0, "bot", bot="curl"), view(700), view(0, "x")]
    table = counted_by_clock(pd.DataFrame(records))
    assert table.loc["a gap of 30 minutes"].tolist() == [2, 1, 50.0]
    assert table.loc["the clock hour"].tolist() == [3, 2, 66.7]
    assert table.loc["the 10 minutes of the clock", "Visits"] == 4
    assert list(table.index)[-1] == "the minute of the clock"


def test_without_records_all_counts_are_0():
    table = counted_by_clock(pd.DataFrame([], columns=list(FIELDS)))
    assert table["Visits"].sum() == 0 and len(table) == 4


def test_it_reads_the_newest_records(monkeypatch):
    asked = []
    records = pd.DataFrame([view(1)])
    monkeypatch.setattr(
        visit_cuts, "newest_records", lambda cloud, seconds: asked.append(seconds) or records
    )
    assert visits_by_clock(None, seconds=5).loc["the clock hour", "Visits"] == 1
    assert asked == [5]
    with pytest.raises(WorkshopError, match="seconds can't be 0"):
        visits_by_clock(None, seconds=0)
