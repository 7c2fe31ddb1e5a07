"""Counts every metric again from the archive, with pandas, to check the tables.

This shares only the metrics' definitions with the Flink job, so if both agree, both are right.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.waiting import waiting
from helpers.stores.cloudwatch import values_now
from helpers.stores.dynamodb import catalog, metric_values

from . import recounted_visits
from .record_outcomes import COPIES_SINCE, archived_outcomes, decided

ITEM_CHARACTERS, ITEM_BYTES, KEPT = 255, 1000, 240  # assets/flink/sql/05_beacons.sql
HOUR = pd.Timedelta(hours=1)
METRICS = ("event_count", "hourly_events", "top_pages", "agent_count", "referral_count",
           "visitor_count", "bot_count", "rejected_count", "duplicate_count",
           *recounted_visits.METRICS)  # fmt: skip


def recount(cloud: Cloud, since: datetime) -> pd.DataFrame:
    """Count each metric's buckets that begin at or after a moment, from the archived records.

    Args:
        cloud: where the archive is.
        since: an aware datetime on the edge of a minute.

    Returns:
        Columns Metric, Time (start of the bucket, UTC), Item and Value.

    Example:
        `recount(cloud, since).groupby("Metric")["Value"].sum()`
    """
    return recounted(records_since(cloud, since), since)


def records_since(cloud: Cloud, since: datetime) -> pd.DataFrame:
    """Return the archived records, and their outcomes, that the buckets since a moment depend on.

    Args:
        cloud: where the archive is.
        since: an aware datetime on the edge of a minute.

    Returns:
        As `archived_outcomes` returns them.
    """
    # hourly_events adds up an hour, so an hour more is read. It also shows which visits began
    # before the first minute: their last beacon before it is at most half an hour older.
    return archived_outcomes(cloud, since - COPIES_SINCE - HOUR)


def recounted(records: pd.DataFrame, since: datetime) -> pd.DataFrame:
    """Count each metric's buckets that begin at or after a moment.

    Args:
        records: as `records_since` returns them, or a part of them.
        since: an aware datetime on the edge of a minute.

    Returns:
        Columns Metric, Time (start of the bucket, UTC), Item and Value.
    """
    accepted = records["outcome"] == "accepted"
    records = records.assign(
        referrer=records["referrer"].fillna("(direct)"), everything="All Beacons"
    )
    beacons = records[accepted]
    events = _counts("event_count", beacons, "event")
    parts = [
        events,
        _hours(events),
        _counts("top_pages", beacons, "page"),
        _counts("agent_count", beacons, "agent"),
        _counts("referral_count", beacons, "referrer"),
        _counts("bot_count", records[records["outcome"] == "bot"], "bot"),
        _counts("rejected_count", records[records["outcome"] == "rejected"], "reason"),
        _counts("duplicate_count", records[records["outcome"] == "duplicate"], "everything"),
        _visitors(beacons),
        recounted_visits.recounted_visits(beacons, shortened),
    ]
    counted = pd.concat(parts, ignore_index=True)
    return counted[counted["Time"] >= since].reset_index(drop=True)


@waiting("Recounting the archive")
def compare(cloud: Cloud, since: datetime, metrics: Collection[str] = METRICS) -> pd.DataFrame:
    """Return the values in which DynamoDB and the recount differ.

    Args:
        cloud: where the tables and the archive are.
        since: an aware datetime on the edge of a minute.
        metrics: the MetricTypes to compare.

    Returns:
        Columns Metric, Time, Item, Recounted and Stored (missing = no such row); empty if all
        values agree.

    Example:
        `compare(cloud, since).empty` -> `True`
    """
    records = records_since(cloud, since)
    expected = recounted(records, since)
    known = set(catalog(cloud)["MetricType"])
    stored = [
        metric_values(cloud, metric, start=since).assign(Metric=metric)
        for metric in metrics
        if metric in known
    ]
    table = pd.concat(stored, ignore_index=True)
    # A row of 0 remains of a visit that a late beacon has joined to an earlier one, and of an item
    # that a rebuild has not counted.
    table = table[table["Value"].ne(0) | table["Samples"].gt(0).fillna(False)]
    table = table[["Metric", "Time", "Item", "Value"]]
    keys = ["Metric", "Time", "Item"]
    records = records[records["Time"] >= since]
    counts = decided(
        expected.set_index(keys)["Value"], table.set_index(keys)["Value"], records, time="Time"
    )
    both = counts.rename("Recounted").reset_index()
    both = both[both["Metric"].isin(metrics)]
    both = both.merge(table.rename(columns={"Value": "Stored"}), on=keys, how="outer")
    return both[both["Recounted"] != both["Stored"]].reset_index(drop=True)


def metric_totals(cloud: Cloud, since: datetime) -> pd.DataFrame:
    """Return each summed metric's items, and its totals in DynamoDB and in CloudWatch.

    Args:
        cloud: where both are.
        since: an aware datetime, at most three hours ago; rounded down to each metric's bucket.

    Returns:
        Columns Items (how many, in DynamoDB), DynamoDB and CloudWatch; one row for each metric.

    Example:
        `metric_totals(cloud, since).loc["event_count"]`
    """
    rows = {}
    metrics = catalog(cloud).query("Statistic == 'Sum'").set_index("MetricType")
    for metric, seconds in metrics["BucketSeconds"].items():
        start = pd.Timestamp(since).floor(f"{seconds}s").to_pydatetime()
        stored = metric_values(cloud, metric, start=start)
        shown = values_now(cloud, metric, start=start)
        totals = (int(frame["Value"].sum()) for frame in (stored, shown))
        rows[metric] = (stored["Item"].nunique(), *totals)
    frame = pd.DataFrame.from_dict(
        rows, orient="index", columns=["Items", "DynamoDB", "CloudWatch"]
    )
    return frame.rename_axis("Metric")


def shortened(item: str) -> str:
    """Return an item as Flink writes it: a long item is cut, and 8 digits of its SHA-256 follow.

    Example:
        >>> len(shortened("x" * 300)), shortened("/cart")
        (248, '/cart')
    """
    if len(item) <= ITEM_CHARACTERS and len(item.encode()) <= ITEM_BYTES:
        return item
    return item[:KEPT] + hashlib.sha256(item.encode()).hexdigest()[:8]


def _counts(metric: str, rows: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = rows.dropna(subset=[column])
    counts = rows.assign(Item=rows[column].map(shortened)).groupby(["Time", "Item"]).size()
    return counts.rename("Value").reset_index().assign(Metric=metric)


def _hours(events: pd.DataFrame) -> pd.DataFrame:
    """Return, for each bucket with beacons of an event, the sum of the hour that ends with it."""
    sums = {
        item: of_event.set_index("Time")["Value"].sort_index().rolling(HOUR).sum().astype("int64")
        for item, of_event in events.groupby("Item")
    }
    if not sums:
        return events.assign(Metric="hourly_events")
    hours = pd.concat(sums, names=["Item", "Time"])
    return hours.rename("Value").reset_index().assign(Metric="hourly_events")


def _visitors(beacons: pd.DataFrame) -> pd.DataFrame:
    known = beacons.dropna(subset=["clientid"])
    visitors = known.groupby(known["Time"].dt.floor("60s"))["clientid"].nunique()
    return (
        visitors.rename("Value").reset_index().assign(Item="All Visitors", Metric="visitor_count")
    )
