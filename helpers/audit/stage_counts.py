"""Reads how many beacons each stage of the pipeline counted, independently of the other stages.

The counts are cells: a metric, the start of a bucket (epoch seconds), an item, and the number of
beacons. Four metrics together count each beacon in exactly one cell: referral_count the accepted
ones, bot_count those of bots, rejected_count and duplicate_count the others.
"""

import json
import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.cloud import Cloud
from helpers.core.errors import IncompleteError
from helpers.stores.cloudwatch import values_now
from helpers.stores.dynamodb import metric_values
from helpers.stores.kinesis import records, shards_of, stream_summary

from .record_outcomes import (
    ACCEPTED,
    ALL,
    BOTS,
    COPIES_SINCE,
    DUPLICATES,
    LATENESS_HORIZON,
    REJECTED,
    archived_outcomes,
)
from .recount import shortened

METRIC_OF = {
    "accepted": ACCEPTED, "bot": BOTS, "rejected": REJECTED, "duplicate": DUPLICATES
}  # fmt: skip
CELL = ["Metric", "Bucket", "Item"]
# CloudWatch keeps sub-minute data for three hours; ten minutes are left for reading.
_HIGH_RESOLUTION = timedelta(minutes=170)
# Flink counts a beacon that is an hour late; the agent's clock may differ a little, too.
_AFTER = LATENESS_HORIZON + timedelta(minutes=10)
_CLOCK_SKEW = timedelta(minutes=1)
# assets/functions/process_metrics/store.py gives a row seven days; CloudWatch keeps minutes for 15.
_ROWS_KEPT, _MINUTES_KEPT = timedelta(days=7), timedelta(days=15)
_MARKS = tuple(f'"{metric}"'.encode() for metric in METRIC_OF.values())


@dataclass(frozen=True)
class Range:
    """The buckets that are counted: [begins, ends), in epoch seconds.

    Args:
        begins: the start of the first bucket.
        ends: the end of the last bucket; None for no end.
        seconds: CloudWatch's period, 10 or 60; both ends are multiples of it.
    """

    begins: int
    ends: int | None
    seconds: int = BUCKET_SECONDS

    @property
    def start(self) -> datetime:
        """The start of the first bucket, UTC."""
        return datetime.fromtimestamp(self.begins, UTC)

    @property
    def end(self) -> datetime | None:
        """The end of the last bucket, UTC."""
        return None if self.ends is None else datetime.fromtimestamp(self.ends, UTC)

    def holds(self, buckets: pd.Series) -> pd.Series:
        """Return which of these buckets are in the range."""
        inside = buckets >= self.begins
        return inside if self.ends is None else inside & (buckets < self.ends)


def whole_buckets(start: datetime, end: datetime | None) -> Range:
    """Return the range of whole buckets that covers a span of time.

    A bucket is ten seconds, or a minute if the range begins so long ago that CloudWatch has only
    minutes.

    Example:
        >>> whole_buckets(datetime(2026, 11, 25, 0, 0, 7, tzinfo=UTC), None).start.second
        0
    """
    recent = datetime.now(UTC) - start < _HIGH_RESOLUTION
    seconds = BUCKET_SECONDS if recent else 60
    ends = None if end is None else math.ceil(end.timestamp() / seconds) * seconds
    return Range(int(start.timestamp()) // seconds * seconds, ends, seconds)


def archived(cloud: Cloud, span: Range) -> pd.DataFrame:
    """Return the archived records that may be counted in a range, each with its cell.

    Args:
        cloud: where the archive is.
        span: the range. Records a little outside of it are returned, too: see `Range.holds`.

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
    is_bot, accepted = (records["outcome"] == outcome for outcome in ("bot", "accepted"))
    item = records["referrer"].fillna("(direct)").where(~is_bot, records["bot"])
    item = item.map(shortened).astype(object)
    return records.assign(
        Metric=records["outcome"].map(METRIC_OF),
        Bucket=_epoch(records["Time"]),
        Item=item.where(accepted | is_bot, records["reason"]).fillna(ALL),
    ).reset_index(drop=True)


def cells(rows: pd.DataFrame, counts: pd.Series | None = None) -> pd.Series:
    """Return the number of beacons in each cell.

    Args:
        rows: with the columns Metric, Bucket and Item.
        counts: how many beacons each row represents; None for one.
    """
    counts = pd.Series(1, index=rows.index) if counts is None else counts
    keys = [rows["Metric"].astype(object), rows["Bucket"].astype("int64"), rows["Item"]]
    return counts.astype("int64").groupby(keys, sort=False).sum()


def counted_by_flink(cloud: Cloud, span: Range) -> pd.Series:
    """Return the newest value of each cell that Flink wrote to the metrics stream.

    It reads the stream, so no function has processed these values. On AWS the readers of a shard
    share 2 MB a second, so don't call it every second there.

    Args:
        cloud: where the stream is.
        span: the range; the stream keeps records for 24 hours.

    Raises:
        WorkshopError: module 2-analyze is not deployed.
        IncompleteError: the stream no longer has all of the range.
    """
    newest = _newest_rows(_metric_rows(cloud, span))
    rows = pd.DataFrame(
        [(*cell, value) for cell, value in newest.items()], columns=[*CELL, "Value"]
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
    """Return the cells of a range in CloudWatch, whose items are dimension values.

    Raises:
        WorkshopError: module 2-analyze or 3-visualize is not deployed.
        IncompleteError: CloudWatch returned only a part of the values.
    """
    _refuse_expired("CloudWatch", span, _MINUTES_KEPT)
    with explained(f"The function {cloud.name('publish-metrics')}", "3-visualize"):
        # From CloudWatch alone, a missing function looks like one that put no data.
        cloud.client("lambda").get_function(FunctionName=cloud.name("publish-metrics"))
    frames = [
        (m, values_now(cloud, m, period=span.seconds, start=span.start, end=span.end))
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


def _refuse_expired(store: str, span: Range, kept: timedelta) -> None:
    """Raise if a store may have deleted a part of a range."""
    if span.start < datetime.now(UTC) - kept:
        raise IncompleteError(
            f"{store} keeps {kept / timedelta(hours=1):.0f} hours, and the range begins earlier.",
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


def _newest_rows(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, int, str], int]:
    """Return the value of each cell, in the order of process_metrics (its `rows.py`).

    Samples only grows, so the row with the most is the newest. A rebuilt row replaces those that
    were emitted before the archive was read.
    """
    emitted: dict[tuple[str, int, str], list[tuple[int, int, int]]] = {}
    rebuilt: dict[tuple[str, int, str], tuple[int, int, int]] = {}
    for row in rows:
        cell = (row["MetricType"], row["EventTimestamp"], row["MetricItem"])
        until = row.get("ArchivedUntil")
        if until:
            rebuilt[cell] = max(rebuilt.get(cell, (0, 0, 0)), (until, *_counts(row)))
        else:
            known = emitted.get(cell, [])
            new = row.get("EmittedAt") or 0, *_counts(row)
            # A row with fewer samples matters only if it was emitted later.
            if not any(old[0] >= new[0] and old[1] > new[1] for old in known):
                kept = (old for old in known if old[0] > new[0] or old[1] > new[1])
                emitted[cell] = [new, *kept]
    newest = {}
    for cell in emitted | rebuilt:
        until, *counts = rebuilt.get(cell, (-1, -1, 0))
        later = [(samples, value) for at, samples, value in emitted.get(cell, []) if at > until]
        newest[cell] = max([tuple(counts), *later])[1]
    return newest


def _counts(row: dict[str, Any]) -> tuple[int, int]:
    return row["Samples"], row["UnitValueInt"]


def _of_shard(cloud: Cloud, shard: str, span: Range) -> list[dict[str, Any]]:
    # Up to the newest record, even if the range ended long ago: a stopped Flink counts later.
    return [
        row
        for record in records(cloud, "metrics", span.start - _CLOCK_SKEW, [shard])
        # Most rows are of other metrics, and a search in the bytes is cheaper than parsing JSON.
        if any(mark in record["Data"] for mark in _MARKS)
        for row in _rows(record["Data"])
    ]


def _rows(data: bytes) -> list[dict[str, Any]]:
    """Return the row in a record of the metrics stream, in a list; an empty list if none counts."""
    try:
        change = json.loads(data)
        row = change["after"] if change["op"] in ("c", "u") else {}
        numbers = [row.get(name) for name in ("EventTimestamp", "Samples", "UnitValueInt")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # process_metrics rejects such a record, too
    known = row.get("MetricType") in METRIC_OF.values() and isinstance(row.get("MetricItem"), str)
    return [row] if known and all(isinstance(number, int) for number in numbers) else []
