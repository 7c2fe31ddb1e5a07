"""Reads the metrics' values and their catalog from DynamoDB, as DataFrames."""

import math
from datetime import datetime
from typing import Any

import pandas as pd
from boto3.dynamodb.types import TypeDeserializer

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.epoch import times
from helpers.core.errors import WorkshopError
from helpers.core.time_span import span

# The metric of which no value is ever changed: a rebuild would give another one.
FINAL = "event_anomaly"
_CATALOG = ["MetricType", "Title", "Unit", "BucketSeconds", "Statistic", "MaxItems",
            "IsWholeNumber", "LatestEventTimestamp", "Items"]  # fmt: skip
_ROW = "EventTimestamp, MetricItem, UnitValueInt, UnitValueFloat, Samples, NewestBeacon, UpdatedAt"


def metric_values(
    cloud: Cloud,
    metric: str,
    minutes: float = 15,
    start: datetime | None = None,
    end: datetime | None = None,
) -> pd.DataFrame:
    """Read a metric from DynamoDB: the newest value of each bucket and item.

    It queries a range of keys, so its cost depends on the rows returned, not on the table's size.

    Args:
        cloud: where the table is.
        metric: a MetricType, e.g. `"event_count"`.
        minutes: how far back buckets may begin.
        start: begin here instead; an aware datetime.
        end: end here (exclusive); None for no end.

    Returns:
        Columns Time (start of the bucket, UTC), Item, Value, Samples (beacons behind it; missing
        for a value that may fall, as the number of visits), NewestBeacon (when the last of them was
        received, UTC) and UpdatedAt (UTC), in order of time, then item.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: there is no such metric.

    Example:
        `metric_values(cloud, "event_count", minutes=5).groupby("Item").Value.sum()`
    """
    begins, ends = span(minutes, start, end)
    rows = stored_rows(cloud, metric, begins, ends)
    if rows:
        is_whole = all("UnitValueInt" in row for row in rows)
    elif described := catalog_row(cloud, metric):
        is_whole = described.get("IsWholeNumber", True)
    else:
        raise unknown_metric(cloud, metric)
    name, kind, read = ("UnitValueInt", "int64", int) if is_whole else (None, "float64", float)
    return pd.DataFrame(
        {
            "Time": _times([int(row["EventTimestamp"]["N"]) for row in rows], "s"),
            "Item": pd.Series([row["MetricItem"]["S"] for row in rows], dtype=object),
            "Value": pd.Series([read(_number(row, name)) for row in rows], dtype=kind),
            "Samples": _samples(rows),
            "NewestBeacon": _times([_milliseconds(row, "NewestBeacon") for row in rows], "ms"),
            "UpdatedAt": _times([_milliseconds(row, "UpdatedAt") for row in rows], "ms"),
        }
    )


def _samples(rows: list[dict]) -> pd.Series:
    samples = [int(row["Samples"]["N"]) if "Samples" in row else None for row in rows]
    return pd.Series(samples, dtype="Int64" if None in samples else "int64")


def catalog(cloud: Cloud) -> pd.DataFrame:
    """Read the catalog: one row for each kind of metric.

    Returns:
        Columns MetricType, Title, Unit, BucketSeconds, Statistic, MaxItems, IsWholeNumber,
        LatestEventTimestamp (start of the newest bucket, UTC) and Items (the dimension values in
        CloudWatch).

    Raises:
        NotDeployed: module 2-analyze is not deployed.

    Example:
        `catalog(cloud).set_index("MetricType").Items["event_count"]`
    """
    with explained(f"The table {cloud.name('Metrics')}", "2-analyze"):
        # A scan, because the catalog has only a dozen rows.
        pages = cloud.client("dynamodb").get_paginator("scan")
        answers = pages.paginate(TableName=cloud.name("Metrics"))
        rows = [_plain(row) for page in answers for row in page["Items"]]
    frame = pd.DataFrame(sorted(rows, key=lambda row: row["MetricType"]), columns=_CATALOG)
    numbers = dict.fromkeys(("BucketSeconds", "MaxItems"), "Int64")
    latest = [int(row) if row and row == row else None for row in frame["LatestEventTimestamp"]]
    return frame.astype(numbers | {"IsWholeNumber": "boolean"}).assign(
        LatestEventTimestamp=_times(latest, "s"),
        Items=[sorted(items) if isinstance(items, set) else [] for items in frame["Items"]],
    )


def catalog_row(cloud: Cloud, metric: str) -> dict[str, Any]:
    """Return the catalog's row of a metric; an empty dict if it has none. Raises NotDeployed."""
    with explained(f"The table {cloud.name('Metrics')}", "2-analyze"):
        answer = cloud.client("dynamodb").get_item(
            TableName=cloud.name("Metrics"), Key={"MetricType": {"S": metric}}
        )
    return _plain(answer.get("Item", {}))


def unknown_metric(cloud: Cloud, metric: str) -> WorkshopError:
    """Return the error of a metric that has neither values nor a row in the catalog."""
    names = ", ".join(catalog(cloud)["MetricType"]) or "none yet"
    return WorkshopError(
        f'There is no metric called "{metric}".', f"Choose one from the catalog: {names}."
    )


def stored_rows(
    cloud: Cloud, metric: str, begins: float, ends: float | None, names: str = _ROW
) -> list[dict[str, Any]]:
    """Return a metric's items whose buckets begin in [begins, ends), in epoch seconds.

    Args:
        cloud: where the table is.
        metric: a MetricType.
        begins: the earliest start of a bucket.
        ends: None for no end.
        names: the attributes to read, as a ProjectionExpression.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
    """
    values = {":metric": {"S": metric}, ":first": {"S": f"{max(0, math.ceil(begins)):016d}"}}
    condition = "MetricType = :metric AND #bucket >= :first"
    if ends is not None:
        condition = "MetricType = :metric AND #bucket BETWEEN :first AND :last"
        # The end is exclusive: `0000001795500000` sorts before every key of that bucket.
        values[":last"] = {"S": f"{max(0, math.ceil(ends)):016d}"}
    with explained(f"The table {cloud.name('MetricDetails')}", "2-analyze"):
        pages = cloud.client("dynamodb").get_paginator("query")
        answers = pages.paginate(
            TableName=cloud.name("MetricDetails"),
            KeyConditionExpression=condition,
            ProjectionExpression=names,
            ExpressionAttributeNames={"#bucket": "Bucket"},  # DynamoDB reserves the word
            ExpressionAttributeValues=values,
        )
        return [row for page in answers for row in page["Items"]]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in row.items()}


def _number(row: dict[str, Any], name: str | None) -> str:
    return (row.get(name or "UnitValueFloat") or row["UnitValueInt"])["N"]


def _milliseconds(row: dict[str, Any], name: str) -> int | None:
    return int(row[name]["N"]) if name in row else None


def _times(values: list[int | None], unit: str) -> pd.Series:
    return pd.Series(times(pd.Series(values, dtype="Int64"), unit), dtype="datetime64[ns, UTC]")
