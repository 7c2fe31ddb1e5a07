"""Compares values with earlier ones, and mean load times with the archive: module 4's checks."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import waiting
from helpers.stores.cloudwatch import values_now
from helpers.stores.dynamodb import catalog, metric_values

from .record_outcomes import COPIES_SINCE, archived_outcomes

# A bucket may change while its last beacons are on their way, which takes a second or two.
SETTLED = timedelta(seconds=10)
# CloudWatch computes a mean from sums that consist of differences of 64-bit floats.
CLOUDWATCH_ERROR = 1e-9


@waiting("Reading the whole table")
def snapshot(cloud: Cloud, minutes: float = 60) -> pd.DataFrame:
    """Return the final values of all metrics, for a later comparison with `changed_since`.

    Values without Samples are left out: a visit that is going on changes the minute in which it
    began. So are those that `rebuild` has corrected to 0 Samples: it writes none if a row is lost.

    Args:
        cloud: where the table is.
        minutes: how far back.

    Returns:
        Columns Metric, Time (UTC), Item, Value and Samples.

    Raises:
        WorkshopError: module 2-analyze is not deployed, or there is no final value yet.

    Example:
        `before = snapshot(cloud)`
    """
    now = datetime.now(UTC)
    buckets = catalog(cloud).set_index("MetricType")["BucketSeconds"]
    values = [
        metric_values(
            cloud,
            metric,
            start=now - timedelta(minutes=minutes),
            end=now - SETTLED - timedelta(seconds=int(bucket)),
        ).assign(Metric=metric)
        for metric, bucket in buckets.items()
    ]
    rows = pd.concat(values, ignore_index=True)[["Metric", "Time", "Item", "Value", "Samples"]]
    rows = rows.dropna(subset=["Samples"]).astype({"Samples": "int64"})
    rows = rows[rows["Samples"] > 0]
    if rows.empty:
        raise WorkshopError(
            "There is no final value yet.",
            "Let the traffic run for half a minute, then run this cell again.",
        )
    return rows


def changed_since(cloud: Cloud, before: pd.DataFrame) -> pd.DataFrame:
    """Return the values of a snapshot that changed since, or are no longer in the table.

    Args:
        cloud: where the table is.
        before: the earlier values, as `snapshot` returns them.

    Returns:
        Columns Metric, Time, Item, Value and Samples (as they were), Value_now and Samples_now.

    Example:
        `changed_since(cloud, before).empty` -> `True`
    """
    start = before["Time"].min().to_pydatetime()
    keys = ["Metric", "Time", "Item"]
    now = pd.concat(
        metric_values(cloud, metric, start=start).assign(Metric=metric)
        for metric in before["Metric"].unique()
    )
    both = before.merge(
        now[[*keys, "Value", "Samples"]], on=keys, how="left", suffixes=("", "_now")
    )
    same = both["Value"].eq(both["Value_now"]) & both["Samples"].eq(both["Samples_now"])
    return both[~same].reset_index(drop=True)


def load_time_means(cloud: Cloud, since: datetime, metric: str = "avg_pg_ld") -> pd.DataFrame:
    """Return the mean page load time of each ten seconds, from three sources side by side.

    Args:
        cloud: where the archive, DynamoDB and CloudWatch are.
        since: an aware datetime, the start of a bucket, at most three hours ago.
        metric: the MetricType of the mean over all pages.

    Returns:
        Columns Time, Samples and Recounted (by pandas, from the archive), DynamoDB_Samples,
        DynamoDB and CloudWatch; missing where a source has no value.

    Example:
        `load_time_means(cloud, since).tail()`
    """
    records = archived_outcomes(cloud, since - COPIES_SINCE)
    timed = records[
        (records["outcome"] == "accepted")
        & (records["custom_metric_name"] == "page_load_time")
        & records["custom_metric_int_value"].notna()
    ]
    values = timed["custom_metric_int_value"].astype("int64").groupby(timed["Time"])
    expected = pd.DataFrame({"Samples": values.size(), "Recounted": values.mean()})
    expected = expected.rename_axis("Time")[expected.index >= since]
    stored = metric_values(cloud, metric, start=since).set_index("Time")
    shown = values_now(cloud, metric, start=since)
    shown = shown[shown["Item"] == "All Pages"].set_index("Time")["Value"]
    stored = stored[stored["Item"] == "All Pages"]
    return (
        expected.join(stored["Samples"].rename("DynamoDB_Samples"), how="outer")
        .join(stored["Value"].astype("float64").rename("DynamoDB"), how="outer")
        .join(shown.rename("CloudWatch"), how="outer")
        .reset_index()
    )


def differing(means: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `load_time_means` in which the three sources differ."""
    error = (means["CloudWatch"] - means["Recounted"]).abs() / means["Recounted"]
    same = (
        means["Samples"].eq(means["DynamoDB_Samples"])
        & means["Recounted"].eq(means["DynamoDB"])
        & error.le(CLOUDWATCH_ERROR)
    )
    return means[~same]
