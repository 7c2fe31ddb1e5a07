"""The recount of only those visits that meet a filter."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from helpers.audit import filtered_recount as module
from helpers.audit.filtered_recount import filtered_recount, matching_records
from helpers.core.errors import WorkshopError
from helpers.stores.archive import FIELDS, field_column

AT = 1_795_500_000_000
MINUTE = 60_000


def record(visitor, minutes, page, event="pageview", **fields):
    at = AT + int(minutes * MINUTE)
    known = {"requested_at": at, "shipped_at": at, "page": page, "event": event}
    told = {"source": "a.example", "browser": "Firefox", "system": "Linux", "device": "Computer"}
    return known | told | {"clientid": visitor, "outcome": "accepted"} | fields


# Ann buys after she has read about the café; an hour later she returns for the cart only.
RECORDS = [
    record("ann", 0, "/café"),
    record("ben", 1, "/", source="b.example"),
    record("ann", 2, "/cart", source="b.example"),
    record("ann", 3, "/cart", event="conversion"),
    record("ann", 65, "/cart", browser="Safari"),
    record("ben", 2, "/cart", source=None),
    record("bot", 1, "/café", outcome="bot", bot="Googlebot"),
    record("ann", 0, "/café", outcome="duplicate"),
]
SINCE = datetime.fromtimestamp(AT / 1000, UTC)


def archived(records=RECORDS) -> pd.DataFrame:
    frame = pd.DataFrame({field: field_column(records, field) for field in FIELDS})
    outcomes = [record["outcome"] for record in records]
    at = pd.to_datetime(frame["requested_at"].astype("int64"), unit="ms", utc=True).dt.floor("10s")
    return frame.assign(outcome=outcomes, reason=None, Time=at)


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"page": "/caf%C3%A9"}, [0, 2, 3]),
        ({"page": "/cart"}, [0, 1, 2, 3, 4, 5]),
        ({"entry": "/cart"}, [4]),
        ({"exit": "/cart", "browser": "Firefox"}, [0, 1, 2, 3, 5]),
        ({"source": "b.example"}, [1, 5]),
        ({"source": "b.example", "page": "/caf%C3%A9"}, []),
        ({"campaign": "(none)", "device": "Computer", "system": "Linux"}, [0, 1, 2, 3, 4, 5]),
        ({"page": "/café"}, []),
    ],
)
def test_all_beacons_of_the_visits_that_meet_every_filter_are_kept(filters, kept):
    assert list(matching_records(archived(), filters).index) == kept


def test_every_metric_is_counted_of_them(monkeypatch):
    monkeypatch.setattr(module, "records_since", lambda cloud, since: archived())
    counted = filtered_recount(None, SINCE, {"page": "/caf%C3%A9"})
    sums = counted.groupby(["Metric", "Item"])["Value"].sum()
    assert sums["visit_count"].to_dict() == {"All Visits": 1}
    assert sums["top_pages"].to_dict() == {"/café": 1, "/cart": 2}
    assert sums["event_count"].to_dict() == {"pageview": 2, "conversion": 1}
    assert sums["visit_seconds"].to_dict() == {"All Visits": 180}
    assert sums["source_count"].to_dict() == {"a.example": 1}
    assert "bot_count" not in sums and "duplicate_count" not in sums
    assert filtered_recount(None, SINCE, {"source": "nowhere"}).empty


def test_an_unknown_dimension_is_named():
    with pytest.raises(WorkshopError, match="can't be filtered by colour") as error:
        matching_records(archived(), {"colour": "red"})
    assert "campaign" in error.value.remedy
