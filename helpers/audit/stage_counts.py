"""How many beacons each stage of the journey counted, each read from that stage alone.

A stage is read as cells: a metric, the start of a bucket (epoch seconds) and an item, with the
number of beacons counted in it. Three metrics hold each beacon in one cell of theirs exactly:
referral_count the accepted ones, rejected_count and duplicate_count the others.
"""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.cloud import Cloud
from helpers.core.errors import IncompleteError
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import metric_values
from helpers.stores.kinesis import records, shards_of, stream_summary

from .record_outcomes import (
    ACCEPTED,
    ALL,
    COPIES_SINCE,
    DUPLICATES,
    LATENESS_HORIZON,
    REJECTED,
    archived_outcomes,
)
from .recount import shortened

METRIC_OF = {"accepted": ACCEPTED, "rejected": REJECTED, "duplicate": DUPLICATES}
CELL = ["Metric", "Bucket", "Item"]
# Sub-minute data live three hours in CloudWatch; the rest is for the time that reading takes.
_HIGH_RESOLUTION = timedelta(minutes=170)
# A beacon may be put an hour late, by an agent whose clock differs a little, and then be counted.
_AFTER = LATENESS_HORIZON + timedelta(minutes=10)
_CLOCK_SKEW = timedelta(minutes=1)
# assets/functions/process_metrics/store.py gives a row seven days; CloudWatch keeps minutes for 15.
_ROWS_KEPT, _MINUTES_KEPT = timedelta(days=7), timedelta(days=15)
_MARKS = tuple(f'"{metric}"'.encode() for metric in METRIC_OF.values())


@dataclass(frozen=True)
class Range:
    """The buckets that are counted: [begins, ends), in epoch seconds.

    Args:
        begins: where the first bucket begins.
        ends: where the last one ends; None for no end.
        seconds: of CloudWatch's periods, 10 or 60; both ends lie on the edge of one.
    """

    begins: int
    ends: int | None
    seconds: int = BUCKET_SECONDS

    @property
    def start(self) -> datetime:
        """The first moment, UTC."""
        return datetime.fromtimestamp(self.begins, UTC)

    @property
    def end(self) -> datetime | None:
        """The moment after the last one, UTC."""
        return None if self.ends is None else datetime.fromtimestamp(self.ends, UTC)

    def holds(self, buckets: pd.Series) -> pd.Series:
        """Return which of these buckets lie in it."""
        inside = buckets >= self.begins
        return inside if self.ends is None else inside & (buckets < self.ends)


def whole_buckets(start: datetime, end: datetime | None) -> Range:
    """Return the range of whole buckets that covers a span of time.

    Buckets are ten seconds; a minute where the range begins so long ago that CloudWatch has kept
    minutes only.

    Example:
        >>> whole_buckets(datetime(2026, 11, 25, 0, 0, 7, tzinfo=UTC), None).start.second
        0
    """
    recent = datetime.now(UTC) - start < _HIGH_RESOLUTION
    seconds = BUCKET_SECONDS if recent else 60
    ends = None if end is None else math.ceil(end.timestamp() / seconds) * seconds
    return Range(int(start.timestamp()) // seconds * seconds, ends, seconds)


def archived(cloud: Cloud, span: Range) -> pd.DataFrame:
    """Return the archived records that may count in a range, each with its cell.

    Args:
        cloud: where the archive is.
        span: the range. Some records of its neighbourhood are returned, too: see `Range.holds`.

    Returns:
        As `archived_outcomes`, with the columns Metric, Bucket and Item.

    Raises:
        WorkshopError: module 1-capture is not deployed; an object is damaged.
    """
    until = None if span.end is None else span.end + _AFTER
    now = datetime.now(UTC)
    records = archived_outcomes(
        cloud, span.start - COPIES_SINCE, None if until is None or until > now else until
    )
    accepted = records["outcome"] == "accepted"
    item = records["referrer"].fillna("(direct)").map(shortened).astype(object)
    return records.assign(
        Metric=records["outcome"].map(METRIC_OF),
        Bucket=_epoch(records["Time"]),
        Item=item.where(accepted, records["reason"]).fillna(ALL),
    ).reset_index(drop=True)


def cells(rows: pd.DataFrame, counts: pd.Series | None = None) -> pd.Series:
    """Return the number of beacons in each cell.

    Args:
        rows: with the columns Metric, Bucket and Item.
        counts: how many beacons each row stands for; None for one.
    """
    counts = pd.Series(1, index=rows.index) if counts is None else counts
    keys = [rows["Metric"].astype(object), rows["Bucket"].astype("int64"), rows["Item"]]
    return counts.astype("int64").groupby(keys, sort=False).sum()


def counted_by_flink(cloud: Cloud, span: Range) -> pd.Series:
    """Return the newest value of each cell that Flink wrote to the metrics stream.

    It is read from the stream, so it is what Flink wrote before any function saw it. On AWS the
    readers of a shard share 2 MB a second, so don't do this every second there.

    Args:
        cloud: where the stream is.
        span: the range; the stream keeps what was put in the last 24 hours.

    Raises:
        WorkshopError: module 2-analyze is not deployed.
        IncompleteError: the stream no longer has all of the range.
    """
    newest: dict[tuple[str, int, str], tuple[int, int]] = {}
    for row in _metric_rows(cloud, span):
        cell = (row["MetricType"], row["EventTimestamp"], row["MetricItem"])
        # As process_metrics: Samples only grows, so the row with most is the newest.
        if row["Samples"] >= newest.get(cell, (-1, 0))[0]:
            newest[cell] = (row["Samples"], row["UnitValueInt"])
    rows = pd.DataFrame(
        [(*cell, value) for cell, (_, value) in newest.items()], columns=[*CELL, "Value"]
    )
    rows = rows[span.holds(rows["Bucket"].astype("int64"))]
    return cells(rows, rows["Value"])


def stored(cloud: Cloud, span: Range) -> pd.Series:
    """Return the cells of a range in DynamoDB.

    Raises:
        WorkshopError: module 2-analyze is not deployed.
        IncompleteError: rows of the range have expired.
    """
    _refuse_expired("DynamoDB", span, _ROWS_KEPT)
    return _read(
        [(m, metric_values(cloud, m, start=span.start, end=span.end)) for m in METRIC_OF.values()]
    )


def shown(cloud: Cloud, span: Range) -> pd.Series:
    """Return the cells of a range in CloudWatch, where an item is a dimension value.

    Raises:
        WorkshopError: module 2-analyze or 3-visualize is not deployed.
        IncompleteError: CloudWatch gave a part only.
    """
    _refuse_expired("CloudWatch", span, _MINUTES_KEPT)
    with explained(f"The function {cloud.name('publish-metrics')}", "3-visualize"):
        # In CloudWatch, a function that is not deployed looks like one that put nothing.
        cloud.client("lambda").get_function(FunctionName=cloud.name("publish-metrics"))
    frames = [
        (m, cloudwatch_values(cloud, m, period=span.seconds, start=span.start, end=span.end))
        for m in METRIC_OF.values()
    ]
    return _read(frames)


def _read(frames: list[tuple[str, pd.DataFrame]]) -> pd.Series:
    rows = pd.concat(
        [frame.assign(Metric=metric, Bucket=_epoch(frame["Time"])) for metric, frame in frames],
        ignore_index=True,
    )
    return cells(rows, rows["Value"])


def _epoch(times: pd.Series) -> pd.Series:
    return times.dt.as_unit("s").astype("int64")


def _refuse_expired(what: str, span: Range, kept: timedelta) -> None:
    """Raise if a store has begun to forget a range: what is not there may have been."""
    if span.start < datetime.now(UTC) - kept:
        raise IncompleteError(
            f"{what} keeps {kept / timedelta(hours=1):.0f} hours, and the range began earlier.",
            "Give a later start.",
        )


def _metric_rows(cloud: Cloud, span: Range) -> Iterator[dict[str, Any]]:
    shards, stream = shards_of(cloud, "metrics"), stream_summary(cloud, "metrics")
    kept = timedelta(hours=stream["RetentionPeriodHours"])
    if stream["StreamCreationTimestamp"] < datetime.now(UTC) - kept:
        _refuse_expired("The metrics stream", span, kept)
    with ThreadPoolExecutor(max(len(shards), 1)) as pool:
        for rows in pool.map(lambda shard: _of_shard(cloud, shard, span), shards):
            yield from rows


def _of_shard(cloud: Cloud, shard: str, span: Range) -> list[dict[str, Any]]:
    # To its newest record, also where the range ended long ago: a stopped Flink counts later.
    return [
        row
        for record in records(cloud, "metrics", span.start - _CLOCK_SKEW, [shard])
        # Most rows are of other metrics: a look at the bytes is cheaper than reading JSON.
        if any(mark in record["Data"] for mark in _MARKS)
        for row in _rows(record["Data"])
    ]


def _rows(data: bytes) -> list[dict[str, Any]]:
    """Return the row that a record of the metrics stream writes; none if it writes no such row."""
    try:
        change = json.loads(data)
        row = change["after"] if change["op"] in ("c", "u") else {}
        numbers = [row.get(name) for name in ("EventTimestamp", "Samples", "UnitValueInt")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # no metric row: process_metrics sets it aside, too
    known = row.get("MetricType") in METRIC_OF.values() and isinstance(row.get("MetricItem"), str)
    return [row] if known and all(isinstance(number, int) for number in numbers) else []
