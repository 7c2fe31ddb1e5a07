"""The original's rule, on beacons that came in time and too late for it."""

import pandas as pd

from helpers.experiments.original_comparison import original_rows
from helpers.stores.archive import FIELDS

BUCKET = pd.Timestamp("2026-11-25T12:00:10Z")


def beacons(count: int, seconds_after_the_bucket: float, page="/lab") -> list[dict]:
    shipped = BUCKET + pd.Timedelta(seconds=10 + seconds_after_the_bucket)
    one = dict.fromkeys(FIELDS) | {
        "requested_at": int(BUCKET.timestamp() * 1000) + 7_000,
        "request": "GET /beacon HTTP/1.1",
        "response": 200,
        "page": page,
        "shipped_at": int(shipped.timestamp() * 1000),
    }
    return [one | {"beacon_id": f"{seconds_after_the_bucket}:{n}"} for n in range(count)]


def rows(*groups: list[dict]) -> list[tuple]:
    frame = original_rows(pd.DataFrame([one for group in groups for one in group]))
    assert frame["Time"].eq(BUCKET).all()
    return list(frame[["Item", "Row", "Count"]].itertuples(index=False, name=None))


def test_late_beacons_make_a_row_of_their_own():
    assert rows(beacons(100, -5), beacons(7, 10)) == [("/lab", 0, 100), ("/lab", 1, 7)]
    assert rows(beacons(3, 35), beacons(2, 9.9), beacons(1, 1, "/b")) == [
        ("/b", 0, 1),
        ("/lab", 0, 2),
        ("/lab", 3, 3),
    ]


def test_what_is_no_beacon_makes_none():
    rejected = [one | {"rejected": "too_long"} for one in beacons(1, 0)]
    shop = [one | {"request": "GET / HTTP/1.1"} for one in beacons(1, 0)]
    pageless = [one | {"page": None} for one in beacons(1, 0)]
    assert rows(rejected, shop, pageless, beacons(2, 0)) == [("/lab", 0, 2)]


def test_a_copy_is_no_second_beacon():
    copies = [one | {"shipped_at": one["shipped_at"] + 30_000} for one in beacons(2, -5)]
    assert rows(copies, beacons(100, -5), beacons(7, 10)) == [("/lab", 0, 100), ("/lab", 1, 7)]
