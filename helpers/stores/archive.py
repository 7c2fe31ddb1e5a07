"""The archive's raw records: all that the agents shipped, with copies and rejected lines."""

import gzip
import io
import json
import math
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.beacon_definition import is_beacon_line
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.time_span import span
from helpers.core.waiting import waiting

# The click record's fields, in the record's order.
_TEXT, _WHOLE, _REAL = "object", "Int64", "float64"
FIELDS = {
    "beacon_id": _TEXT,
    "host": _TEXT,
    "ident": _TEXT,
    "authuser": _TEXT,
    "datetime": _TEXT,
    "requested_at": _WHOLE,
    "request": _TEXT,
    "response": _WHOLE,
    "bytes": _WHOLE,
    "referrer": _TEXT,
    "agent": _TEXT,
    "event": _TEXT,
    "clientid": _TEXT,
    "page": _TEXT,
    "source": _TEXT,
    "campaign": _TEXT,
    "automation": _TEXT,
    "browser": _TEXT,
    "system": _TEXT,
    "device": _TEXT,
    "bot": _TEXT,
    "custom_metric_name": _TEXT,
    "custom_metric_int_value": _WHOLE,
    "custom_metric_float_value": _REAL,
    "custom_metric_string_value": _TEXT,
    "received_at": _WHOLE,
    "shipped_at": _WHOLE,
    "rejected": _TEXT,
    "line": _TEXT,
}
NOT_A_RECORD = "not_a_record"
FETCHES_AT_A_TIME = 8
# Firehose buffers at most 128 MB before it writes an object, so it did not write a larger one.
LARGEST_OBJECT = 256 << 20
# An object's folder is the hour in which its oldest record arrived. Firehose buffers for at most 15
# minutes (the maximum of IntervalInSeconds).
_LONGEST_BUFFER = timedelta(minutes=15)
# The greatest difference between the clocks of servers and S3.
_CLOCK_SKEW = timedelta(minutes=2)
_CHECK_OBJECT = "Check it in S3; delete or rename it, then run this cell again."


@waiting("Reading the archive")
def archived_beacons(
    cloud: Cloud,
    minutes: float = 60,
    start: datetime | None = None,
    end: datetime | None = None,
) -> pd.DataFrame:
    """Read the archive: one row for each record that Firehose delivered.

    No record is left out: not the copies that an agent sent twice (they share a `beacon_id`), not
    rejected lines, not requests that are no beacons. Firehose delivers a record after about a
    minute.

    Args:
        cloud: where the archive is.
        minutes: how far back, by the time at which the agents shipped a record.
        start: begin here instead; an aware datetime.
        end: end here (exclusive); None for now.

    Returns:
        The fields of a click record as columns; `requested_at`, `received_at` and `shipped_at` in
        epoch milliseconds. A line that is no JSON object has `rejected` = `not_a_record`, and its
        text is in `line`.

    Raises:
        WorkshopError: module 1-capture is not deployed; an object is damaged.

    Example:
        `archived_beacons(cloud, minutes=15).beacon_id.duplicated().sum()` -> `0`
    """
    begins, ends = span(minutes, start, end)
    with explained(f"The bucket {cloud.bucket('archive')}", "1-capture"):
        keys = archived_keys(cloud, datetime.fromtimestamp(begins, UTC), ends)
        with ThreadPoolExecutor(FETCHES_AT_A_TIME) as pool:
            objects = list(pool.map(lambda key: _records(cloud, key), keys))
    records = list(chain.from_iterable(objects))
    frame = pd.DataFrame({name: field_column(records, name) for name in FIELDS})
    shipped = frame["shipped_at"]
    inside = shipped.ge(math.floor(begins * 1000))
    if ends is not None:
        inside &= shipped.lt(math.floor(ends * 1000))
    # A record without the time of shipping is included.
    return frame[inside.fillna(True).astype(bool)].reset_index(drop=True)


def field_column(records: list[dict], name: str) -> pd.Series:
    """Return one field of many records; whole numbers stay whole where others are missing.

    Args:
        records: as `read_record` returns them.
        name: one of FIELDS.

    Example:
        >>> field_column([{"bytes": 2}, {}], "bytes").dtype
        Int64Dtype()
    """
    kind = FIELDS[name]
    return pd.Series([_READ[kind](record.get(name)) for record in records], dtype=kind)


def is_beacon(frame: pd.DataFrame) -> pd.Series:
    """Return which archived records are beacons, by the rules of the SQL (03_copies.sql).

    A beacon is a GET or POST of `/beacon` that was answered 200, and no health check of the load
    balancer. Copies, late records and those of bots are beacons too; rejected lines are not. Of
    beacons with a `bot`, only the metric bot_count has a count.

    Args:
        frame: as `archived_beacons` returns it.

    Returns:
        True or False for each row.

    Example:
        `beacons = frame[is_beacon(frame)]`
    """
    status = frame["response"].astype("Int64").fillna(0)
    lines = zip(frame["request"], status, frame["agent"], strict=True)
    counted = pd.Series([is_beacon_line(*line) for line in lines], frame.index, dtype=bool)
    return (
        counted
        & frame["rejected"].isna()
        & frame["beacon_id"].notna()
        & frame["shipped_at"].notna()
    )


def archive_interval(cloud: Cloud) -> int:
    """Return the seconds between two objects of the archive.

    Args:
        cloud: where the Firehose stream is.
    """
    described = cloud.client("firehose").describe_delivery_stream(
        DeliveryStreamName=cloud.name("archive")
    )["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    return int(described.get("BufferingHints", {}).get("IntervalInSeconds", 300))


def archived_keys(cloud: Cloud, begins: datetime, ends: float | None) -> list[str]:
    """Return the objects that may have a record shipped in a range, in the order of the hours.

    Args:
        cloud: where the archive is.
        begins: an aware datetime.
        ends: the range's end, epoch seconds; None for now.
    """
    s3, bucket = cloud.client("s3"), cloud.bucket("archive")
    last = datetime.now(UTC) if ends is None else datetime.fromtimestamp(ends, UTC)
    hour = (begins - _LONGEST_BUFFER - _CLOCK_SKEW).replace(minute=0, second=0, microsecond=0)
    # A record shipped at the end may be in an object of the next hour.
    last += _LONGEST_BUFFER
    keys = []
    while hour <= last:
        prefix = hour.strftime("beacons/year=%Y/month=%m/day=%d/hour=%H/")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                # An object is written after the last of its records was shipped.
                if entry["LastModified"] >= begins - _CLOCK_SKEW:
                    keys.append(entry["Key"])
        hour += timedelta(hours=1)
    return keys


def archived_object(cloud: Cloud, key: str) -> tuple[bytes, bytes]:
    """Return an object as gzip, and its lines.

    Args:
        cloud: where the archive is.
        key: the object's.

    Raises:
        WorkshopError: it is damaged, or larger than Firehose writes one.
    """
    answer = cloud.client("s3").get_object(Bucket=cloud.bucket("archive"), Key=key)
    body = compressed = answer["Body"].read(LARGEST_OBJECT + 1)
    if body.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
                body = file.read(LARGEST_OBJECT + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise WorkshopError(
                f"The archive's object {key} is damaged: {error}.", _CHECK_OBJECT
            ) from error
    else:
        compressed = gzip.compress(body, 1)
    if len(body) > LARGEST_OBJECT:
        raise WorkshopError(
            f"The archive's object {key} has more than {LARGEST_OBJECT >> 20} MB: "
            "Firehose does not write such an object.",
            _CHECK_OBJECT,
        )
    return compressed, body


def _records(cloud: Cloud, key: str) -> list[dict]:
    body = archived_object(cloud, key)[1]
    return [read_record(line) for line in body.split(b"\n") if line.strip()]


def read_record(line: bytes) -> dict:
    """Return a line's JSON object; of another line, an object with `rejected` and the `line`.

    Args:
        line: a record of the archive or of a stream.

    Example:
        >>> read_record(b"{no")
        {'rejected': 'not_a_record', 'line': '{no'}
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict):
        return record
    return {"rejected": NOT_A_RECORD, "line": line.decode("utf-8", "backslashreplace")}


def _text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _whole(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)  # as Flink reads 200.5 into a BIGINT
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        return pd.NA
    return value


def _real(value: Any) -> float:  # noqa: ANN401 - any JSON value
    try:
        return math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


_READ = {_TEXT: _text, _WHOLE: _whole, _REAL: _real}
