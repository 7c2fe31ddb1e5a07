"""The archive, read back as a DataFrame."""

import gzip
import json
import tracemalloc
import uuid

import pandas as pd
import pytest

from helpers.core.errors import WorkshopError
from helpers.stores.archive import archived_beacons, is_beacon
from tests.unit.stores.written import at, moment

pytestmark = pytest.mark.usefixtures("now")


def record(**fields):
    return {
        "beacon_id": "web-1:12:0:00000000",
        "host": "192.0.2.1",
        "ident": None,
        "authuser": None,
        "datetime": "25/Nov/2026:00:00:00 +0000",
        "requested_at": 1795564800000,
        "request": "GET /beacon HTTP/1.1",
        "response": 200,
        "bytes": None,
        "referrer": None,
        "agent": "Mozilla/5.0",
        "event": "click",
        "clientid": "c1",
        "page": "/",
        "custom_metric_name": None,
        "custom_metric_int_value": 2**53 + 1,
        "custom_metric_float_value": 0.5,
        "custom_metric_string_value": None,
        "received_at": moment.now * 1000 + 1,
        "shipped_at": moment.now * 1000 - 999,
    } | fields


@pytest.fixture
def archive(empty):
    """Puts gzip objects of records (or raw bytes) as Firehose does; `.cloud` reads them."""
    bucket, s3 = empty.bucket("archive"), empty.client("s3")
    s3.create_bucket(Bucket=bucket)

    class Archive:
        cloud = empty

        def put(self, *lines, hour=None, compress=gzip.compress):
            when = at(hour or moment.now).strftime("year=%Y/month=%m/day=%d/hour=%H")
            body = b"".join(
                one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines
            )
            name = f"beacons/{when}/rwa-archive-1-{uuid.uuid4()}.gz"
            s3.put_object(Bucket=bucket, Key=name, Body=compress(body))

    return Archive()


def test_archived_beacons_are_the_records_with_their_copies(archive):
    archive.put(record(), record())
    archive.put(record(beacon_id="web-1:12:80:00000000", page="/é"), hour=moment.now - 900)
    frame = archived_beacons(archive.cloud)
    assert len(frame) == 3
    assert frame.beacon_id.duplicated().sum() == 1
    assert sorted(frame.page) == ["/", "/", "/é"]
    assert frame.custom_metric_int_value[0] == 2**53 + 1
    assert list(frame.columns[:20]) == list(record())
    assert frame.bytes.isna().all() and frame.referrer.isna().all()


def test_archived_beacons_keep_to_the_time_they_were_shipped(archive):
    archive.put(*(record(shipped_at=(moment.now - 60 * n) * 1000) for n in range(10)))
    assert len(archived_beacons(archive.cloud, start=at(moment.now - 300))) == 6
    frame = archived_beacons(archive.cloud, start=at(moment.now - 300), end=at(moment.now - 180))
    assert len(frame) == 2


def test_an_object_of_the_hour_before_holds_records_of_this_hour(archive):
    hour = moment.now // 3600 * 3600
    archive.put(record(shipped_at=hour * 1000 + 60_000), hour=hour - 1)
    assert len(archived_beacons(archive.cloud, start=at(hour + 30), end=at(hour + 90))) == 1
    # At the end of an hour, an object may be filed under the next.
    archive.put(record(shipped_at=hour * 1000 - 1_000), hour=hour)
    assert len(archived_beacons(archive.cloud, start=at(hour - 30), end=at(hour))) == 1


def test_odd_records_are_shown_and_do_no_harm(archive):
    odd = [
        b"not JSON\n",
        b"\xff\xfe\n",
        b"[1, 2]\n",
        b"\n",
        b'{"beacon_id": "cut off',
        b"\n",
        {},
        record(response="200", bytes="many", shipped_at=None, page=5, event={"a": 1}),
        record(custom_metric_int_value=2**70, custom_metric_float_value="x", response=True),
        {
            "beacon_id": "b",
            "rejected": "unparsable",
            "line": "x",
            "shipped_at": moment.now * 1000 - 1,
        },
    ]
    archive.put(*odd)
    frame = archived_beacons(archive.cloud)
    assert len(frame) == 8
    assert list(frame.rejected.dropna()) == ["not_a_record"] * 4 + ["unparsable"]
    assert list(frame.line.dropna())[:2] == ["not JSON", "\\xff\\xfe"]
    assert list(is_beacon(frame)) == [False] * 8
    assert list(frame.page.dropna()) == ["5", "/"]
    assert frame.response[5] == 200 and pd.isna(frame.response[6])
    assert frame.custom_metric_int_value.notna().sum() == 1


def test_an_uncompressed_object_is_read_and_a_damaged_one_is_named(archive):
    archive.put(record(), compress=bytes)
    assert len(archived_beacons(archive.cloud)) == 1
    archive.put(record(), compress=lambda body: gzip.compress(body)[:-9])
    with pytest.raises(WorkshopError, match="hour=.*damaged"):
        archived_beacons(archive.cloud)


def test_an_empty_archive_has_all_columns(archive):
    frame = archived_beacons(archive.cloud)
    assert len(frame) == 0
    archive.put(record())
    assert frame.dtypes.equals(archived_beacons(archive.cloud).dtypes)
    assert list(is_beacon(frame)) == [] and is_beacon(frame).dtype == bool


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"request": "POST /beacon HTTP/1.1"}, True),
        ({"request": "GET /beacon?x=1 HTTP/2.0"}, True),
        ({"request": "GET /beacon"}, True),
        ({"agent": None}, True),
        ({"request": "OPTIONS /beacon HTTP/1.1"}, False),
        ({"request": "GET /beacons HTTP/1.1"}, False),
        ({"request": "GET /beacon/ HTTP/1.1"}, False),
        ({"request": "GET /a?GET /beacon HTTP/1.1"}, False),
        ({"request": "get /beacon HTTP/1.1"}, False),
        ({"request": "GET /health HTTP/1.1"}, False),
        ({"request": None}, False),
        ({"response": 404}, False),
        ({"response": 200.5}, True),  # to Flink 200, too
        ({"response": 1e400}, False),
        ({"response": None}, False),
        ({"agent": "ELB-HealthChecker/2.0"}, False),
        ({"agent": "not ELB-HealthChecker"}, True),
        ({"rejected": "from_the_future"}, False),
        ({"beacon_id": None}, False),
    ],
)
def test_is_beacon(archive, fields, expected):
    archive.put(record(**fields))
    assert list(is_beacon(archived_beacons(archive.cloud))) == [expected]


@pytest.mark.parametrize("compress", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_an_object_larger_than_firehose_writes_is_named_and_not_read(
    archive, monkeypatch, compress
):
    monkeypatch.setattr("helpers.stores.archive.LARGEST_OBJECT", 10_000)
    archive.put(record())
    archive.put(b"x" * 10_001, compress=compress)
    with pytest.raises(WorkshopError, match=r"rwa-archive-1-.* has more than"):
        archived_beacons(archive.cloud)


def test_of_a_gzip_bomb_no_more_is_unpacked_than_an_object_may_hold(archive, monkeypatch):
    monkeypatch.setattr("helpers.stores.archive.LARGEST_OBJECT", 1 << 20)
    archive.put(compress=lambda _: gzip.compress(b"\n" * 50_000_000) * 4)
    tracemalloc.start()
    try:
        with pytest.raises(WorkshopError, match="has more than 1 MB"):
            archived_beacons(archive.cloud)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
