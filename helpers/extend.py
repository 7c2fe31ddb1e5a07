"""What module 4 needs: a metric, a statement and a widget of the learner's own."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from .balance import archived_fates
from .cloud import Cloud
from .dashboard_body import COLUMNS, widgets
from .dashboards import dashboard_json
from .data import catalog, cloudwatch_values, metric_values
from .errors import WorkshopError
from .home import home
from .reading import reading
from .recount import COPIES_SINCE
from .stacks import explained
from .waiting import waiting

STATISTICS = ("Sum", "Average", "Maximum")
# A bucket may change while its last beacons are on their way, which takes a second or two.
SETTLED = timedelta(seconds=10)
# CloudWatch reckons a mean from sums of 64-bit floats, put as differences.
CLOUDWATCH_ERROR = 1e-9


def statements_folder() -> Path:
    """Return the folder of your own SQL files, `.workshop/sql/`, which is outside git.

    `update_analytics` adds them to the job's own, in the order of their names: `NN_name.sql`.

    Example:
        `mine = statements_folder()`
    """
    folder = home() / "sql"
    folder.mkdir(exist_ok=True)
    return folder


def add_metric(
    cloud: Cloud,
    metric: str,
    *,
    title: str,
    unit: str = "Count",
    statistic: str = "Sum",
    bucket_seconds: int = 10,
    max_items: int = 10,
) -> None:
    """Put a row for a metric into the catalog; one that is there already stays as it is.

    Do it before Flink counts: items of a metric without a row all go to `(other)`.

    Args:
        cloud: where the catalog is.
        metric: its MetricType, as the SQL says it.
        title: what a chart of it is called.
        unit: one of CloudWatch's units, e.g. `"Count"` or `"Milliseconds"`.
        statistic: how values of several buckets are put together: `"Sum"`, `"Average"` (the mean
            of all beacons, not of the buckets' means) or `"Maximum"`.
        bucket_seconds: how long one bucket is.
        max_items: how many of its items may become CloudWatch metrics ($0.30 a month each).

    Raises:
        WorkshopError: CloudWatch has no such unit or statistic; module 2-analyze is not deployed.

    Example:
        `add_metric(cloud, "avg_pg_ld", title="Load time", unit="Milliseconds",
        statistic="Average")`
    """
    units = cloud.client("cloudwatch").meta.service_model.shape_for("StandardUnit").enum
    _check("unit", unit, units)
    _check("statistic", statistic, STATISTICS)
    row = {
        "MetricType": metric,
        "Title": title,
        "Unit": unit,
        "BucketSeconds": bucket_seconds,
        "Statistic": statistic,
        "MaxItems": max_items,
        "IsWholeNumber": statistic == "Sum",
        "LatestEventTimestamp": 0,
    }
    serialize, dynamodb = TypeSerializer().serialize, cloud.client("dynamodb")
    try:
        with reading(f"The table {cloud.name('Metrics')}", "2-analyze"):
            dynamodb.put_item(
                TableName=cloud.name("Metrics"),
                Item={key: serialize(value) for key, value in row.items()},
                ConditionExpression="attribute_not_exists(MetricType)",
            )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        print(f"✓ {metric} stands in the catalog already.")
        return
    print(f"✓ {metric} is in the catalog.")


def add_widget(cloud: Cloud, properties: dict[str, Any], *, height: int = 6) -> None:
    """Put a chart at the bottom of the dashboard, or in the place of the one with the same title.

    Args:
        cloud: where the dashboard is.
        properties: a metric widget's, as CloudWatch documents them ("Dashboard Body Structure and
            Syntax"), a `title` among them; the region is added.
        height: in rows of the dashboard.

    Raises:
        WorkshopError: there is no title or no metric in it, CloudWatch refuses it, or there is no
            dashboard yet.

    Example:
        `add_widget(cloud, {"title": "Load time", "stat": "Average", "metrics": [[...]]})`
    """
    if not properties.get("title") or not properties.get("metrics"):
        raise WorkshopError(
            "This widget has no title or no metrics.", 'Give both: {"title": ..., "metrics": ...}.'
        )
    with explained():
        body = dashboard_json(cloud)
        same = [w for w in body["widgets"] if w["properties"].get("title") == properties["title"]]
        bottom = max((each.y + each.height for each in widgets(body)), default=0)
        new = {"type": "metric", "x": 0, "y": bottom, "width": COLUMNS, "height": height}
        if not same:
            body["widgets"].append(new)
        (same[0] if same else new)["properties"] = {"region": cloud.region} | properties
        try:
            cloud.client("cloudwatch").put_dashboard(
                DashboardName=cloud.name("dashboard"), DashboardBody=json.dumps(body)
            )
        except ClientError as error:
            if not error.response["Error"]["Code"].startswith("InvalidParameter"):
                raise
            raise WorkshopError(
                f"CloudWatch refuses the widget: {error.response['Error']['Message']}",
                "Correct it, then run this cell again.",
            ) from None
    print(f"✓ “{properties['title']}” is on {cloud.name('dashboard')}.")


@waiting("Reading the whole table")
def snapshot(cloud: Cloud, minutes: float = 60) -> pd.DataFrame:
    """Return the values of all metrics that nothing will change any more, to compare with later.

    Args:
        cloud: where the table is.
        minutes: how far back.

    Returns:
        Columns Metric, Time (UTC), Item, Value and Samples.

    Raises:
        WorkshopError: module 2-analyze is not deployed, or there is no such value yet.

    Example:
        `before = snapshot(cloud)`
    """
    now = datetime.now(UTC)
    buckets = catalog(cloud).set_index("MetricType")["BucketSeconds"]
    found = [
        metric_values(
            cloud,
            metric,
            start=now - timedelta(minutes=minutes),
            end=now - SETTLED - timedelta(seconds=int(bucket)),
        ).assign(Metric=metric)
        for metric, bucket in buckets.items()
    ]
    rows = pd.concat(found, ignore_index=True)[["Metric", "Time", "Item", "Value", "Samples"]]
    if rows.empty:
        raise WorkshopError(
            "There is no value yet that nothing will change any more.",
            "Let the traffic run for half a minute, then run this cell again.",
        )
    return rows


def changed_since(cloud: Cloud, before: pd.DataFrame) -> pd.DataFrame:
    """Return the values of a snapshot that are no longer in the table, or are others now.

    Args:
        cloud: where the table is.
        before: what `snapshot` returned.

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
    """Return the mean page load time of each ten seconds, from three places side by side.

    Args:
        cloud: where they are.
        since: an aware datetime on the edge of a bucket, at most three hours ago.
        metric: the MetricType of the mean over all pages.

    Returns:
        Columns Time, Samples and Recounted (by pandas, from the archive), DynamoDB_Samples,
        DynamoDB and CloudWatch; missing where a place has no such value.

    Example:
        `load_time_means(cloud, since).tail()`
    """
    records = archived_fates(cloud, since - COPIES_SINCE)
    timed = records[
        (records["fate"] == "accepted")
        & (records["custom_metric_name"] == "page_load_time")
        & records["custom_metric_int_value"].notna()
    ]
    values = timed["custom_metric_int_value"].astype("int64").groupby(timed["Time"])
    expected = pd.DataFrame({"Samples": values.size(), "Recounted": values.mean()})
    expected = expected.rename_axis("Time")[expected.index >= since]
    stored = metric_values(cloud, metric, start=since).set_index("Time")
    shown = cloudwatch_values(cloud, metric, start=since)
    shown = shown[shown["Item"] == "All Pages"].set_index("Time")["Value"]
    stored = stored[stored["Item"] == "All Pages"]
    return (
        expected.join(stored["Samples"].rename("DynamoDB_Samples"), how="outer")
        .join(stored["Value"].astype("float64").rename("DynamoDB"), how="outer")
        .join(shown.rename("CloudWatch"), how="outer")
        .reset_index()
    )


def differing(means: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `load_time_means` in which the three places disagree."""
    error = (means["CloudWatch"] - means["Recounted"]).abs() / means["Recounted"]
    same = (
        means["Samples"].eq(means["DynamoDB_Samples"])
        & means["Recounted"].eq(means["DynamoDB"])
        & error.le(CLOUDWATCH_ERROR)
    )
    return means[~same]


def _check(what: str, given: str, known: tuple[str, ...] | list[str]) -> None:
    if given not in known:
        raise WorkshopError(
            f"CloudWatch has no {what} {given!r}.", f"Use one of {', '.join(known)}."
        )
