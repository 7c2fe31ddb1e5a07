"""`archived_beacons` reads the archive's objects as a DataFrame."""

import gzip
import tracemalloc

import pandas as pd
import pytest

from helpers.core.errors import WorkshopError
from helpers.stores.archive import archived_beacons, is_beacon
from tests.unit.stores.written import at, moment, put_object

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
        "source": None,
        "campaign": None,
        "automation": None,
        "browser": "Firefox",
        "system": "Linux",
        "device": "desktop",
        "bot": None,
        "custom_metric_name": None,
        "custom_metric_int_value": 2**53 + 1,
        "custom_metric_float_value": 0.5,
        "custom_metric_string_value": None,
        "received_at": moment.now * 1000 + 1,
        "shipped_at": moment.now * 1000 - 999,
    } | fields


@pytest.fixture
def archive(empty):
    """A prefix under which only the archive's bucket exists."""
    empty.client("s3").create_bucket(Bucket=empty.bucket("archive"))
    return empty


def test_every_record_is_a_row_copies_included(archive):
    put_object(archive, record(), record())
    put_object(archive, record(beacon_id="web-1:12:80:00000000", page="/é"), hour=moment.now - 900)
    frame = archived_beacons(archive)
    assert len(frame) == 3
    assert frame.beacon_id.duplicated().sum() == 1
    assert sorted(frame.page) == ["/", "/", "/é"]
    assert frame.custom_metric_int_value[0] == 2**53 + 1
    assert list(frame.columns[:27]) == list(record())
    assert frame.bytes.isna().all() and frame.referrer.isna().all()


def test_start_and_end_select_records_by_the_time_of_shipping(archive):
    put_object(archive, *(record(shipped_at=(moment.now - 60 * n) * 1000) for n in range(10)))
    assert len(archived_beacons(archive, start=at(moment.now - 300))) == 6
    frame = archived_beacons(archive, start=at(moment.now - 300), end=at(moment.now - 180))
    assert len(frame) == 2


def test_objects_in_the_folders_of_neighbouring_hours_are_read(archive):
    hour = moment.now // 3600 * 3600
    put_object(archive, record(shipped_at=hour * 1000 + 60_000), hour=hour - 1)
    assert len(archived_beacons(archive, start=at(hour + 30), end=at(hour + 90))) == 1
    # At the end of an hour, an object may be in the next hour's folder.
    put_object(archive, record(shipped_at=hour * 1000 - 1_000), hour=hour)
    assert len(archived_beacons(archive, start=at(hour - 30), end=at(hour))) == 1


def test_invalid_records_are_rows_and_raise_no_error(archive):
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
    put_object(archive, *odd)
    frame = archived_beacons(archive)
    assert len(frame) == 8
    assert list(frame.rejected.dropna()) == ["not_a_record"] * 4 + ["unparsable"]
    assert list(frame.line.dropna())[:2] == ["not JSON", "\\xff\\xfe"]
    assert list(is_beacon(frame)) == [False] * 8
    assert list(frame.page.dropna()) == ["5", "/"]
    assert frame.response[5] == 200 and pd.isna(frame.response[6])
    assert frame.custom_metric_int_value.notna().sum() == 1


def test_an_uncompressed_object_is_read_and_a_damaged_one_raises_an_error_with_its_key(archive):
    put_object(archive, record(), compress=bytes)
    assert len(archived_beacons(archive)) == 1
    put_object(archive, record(), compress=lambda body: gzip.compress(body)[:-9])
    with pytest.raises(WorkshopError, match="hour=.*damaged"):
        archived_beacons(archive)


def test_an_empty_archive_gives_a_frame_with_all_columns(archive):
    frame = archived_beacons(archive)
    assert len(frame) == 0
    put_object(archive, record())
    assert frame.dtypes.equals(archived_beacons(archive).dtypes)
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
        ({"response": 200.5}, True),  # Flink reads 200, too
        ({"response": 1e400}, False),
        ({"response": None}, False),
        ({"agent": "ELB-HealthChecker/2.0"}, False),
        ({"agent": "not ELB-HealthChecker"}, True),
        ({"rejected": "from_the_future"}, False),
        ({"beacon_id": None}, False),
    ],
)
def test_is_beacon(archive, fields, expected):
    put_object(archive, record(**fields))
    assert list(is_beacon(archived_beacons(archive))) == [expected]


@pytest.mark.parametrize("compress", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_an_object_larger_than_firehose_writes_raises_an_error_with_its_key(
    archive, monkeypatch, compress
):
    monkeypatch.setattr("helpers.stores.archive.LARGEST_OBJECT", 10_000)
    put_object(archive, record())
    put_object(archive, b"x" * 10_001, compress=compress)
    with pytest.raises(WorkshopError, match=r"rwa-archive-1-.* has more than"):
        archived_beacons(archive)


def test_a_gzip_bomb_is_unpacked_only_up_to_the_limit_of_an_object(archive, monkeypatch):
    monkeypatch.setattr("helpers.stores.archive.LARGEST_OBJECT", 1 << 20)
    put_object(archive, compress=lambda _: gzip.compress(b"\n" * 50_000_000) * 4)
    tracemalloc.start()
    try:
        with pytest.raises(WorkshopError, match="has more than 1 MB"):
            archived_beacons(archive)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
