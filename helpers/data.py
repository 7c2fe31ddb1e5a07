"""What the pipeline wrote, as DataFrames: the tables, CloudWatch's metrics, the archive."""

import math
import time
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from boto3.dynamodb.types import TypeDeserializer

from .archive import archived_beacons, is_beacon
from .cloud import NAMESPACE, Cloud
from .epoch import times
from .errors import WorkshopError
from .reading import IncompleteError, reading, span

__all__ = ["archived_beacons", "catalog", "cloudwatch_values", "is_beacon", "metric_values"]

OTHER = "(other)"  # what publish_metrics calls the items beyond a metric's MaxItems
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
QUERIES_A_CALL = 500
SECONDS_OF_HIGH_RESOLUTION = 3 * 3600
_TIME = "datetime64[ns, UTC]"
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

    It asks for a range of keys, so its cost is what it returns, however large the table is.

    Args:
        cloud: where the table is.
        metric: a MetricType, e.g. `"event_count"`.
        minutes: how far back buckets may begin.
        start: begin here instead; an aware datetime.
        end: end here (exclusive); None for no end.

    Returns:
        Columns Time (start of the bucket, UTC), Item, Value, Samples (beacons behind it),
        NewestBeacon (when the last of them was received, UTC) and UpdatedAt (UTC), in order of
        time, then item.

    Raises:
        WorkshopError: module 2-analyze is not deployed; there is no such metric.

    Example:
        `metric_values(cloud, "event_count", minutes=5).groupby("Item").Value.sum()`
    """
    begins, ends = span(minutes, start, end)
    values = {":metric": {"S": metric}, ":first": {"S": f"{max(0, math.ceil(begins)):016d}"}}
    condition = "MetricType = :metric AND #bucket >= :first"
    if ends is not None:
        condition = "MetricType = :metric AND #bucket BETWEEN :first AND :last"
        # `0000001795500000` comes before every key of that bucket: the end is exclusive.
        values[":last"] = {"S": f"{max(0, math.ceil(ends)):016d}"}
    with reading(f"The table {cloud.name('MetricDetails')}", "2-analyze"):
        pages = cloud.client("dynamodb").get_paginator("query")
        found = pages.paginate(
            TableName=cloud.name("MetricDetails"),
            KeyConditionExpression=condition,
            ProjectionExpression=_ROW,
            ExpressionAttributeNames={"#bucket": "Bucket"},  # a reserved word of DynamoDB's
            ExpressionAttributeValues=values,
        )
        rows = [row for page in found for row in page["Items"]]
    described = _described(cloud, metric)
    if not rows:
        _refuse_unknown(cloud, metric, described)
    whole = all("UnitValueInt" in row for row in rows) if rows else described["IsWholeNumber"]
    name, kind, read = ("UnitValueInt", "int64", int) if whole else (None, "float64", float)
    return pd.DataFrame(
        {
            "Time": _times([int(row["EventTimestamp"]["N"]) for row in rows], "s"),
            "Item": pd.Series([row["MetricItem"]["S"] for row in rows], dtype=object),
            "Value": pd.Series([read(_number(row, name)) for row in rows], dtype=kind),
            "Samples": pd.Series([int(row["Samples"]["N"]) for row in rows], dtype="int64"),
            "NewestBeacon": _times([_milliseconds(row, "NewestBeacon") for row in rows], "ms"),
            "UpdatedAt": _times([_milliseconds(row, "UpdatedAt") for row in rows], "ms"),
        }
    )


def cloudwatch_values(
    cloud: Cloud,
    metric: str,
    minutes: float = 15,
    period: int = 10,
    start: datetime | None = None,
    end: datetime | None = None,
    statistic: str | None = None,
) -> pd.DataFrame:
    """Read a metric of this stack from CloudWatch, with the statistic that the catalog names.

    Which items there are is read from the catalog: CloudWatch's own list may be 15 minutes late.
    On AWS a call costs $0.01 for 1,000 items.

    Args:
        cloud: where the metrics are.
        metric: a MetricType, e.g. `"event_count"`.
        minutes: how far back.
        period: seconds in one value: 1, 5, 10, 20, 30 or a multiple of 60.
        start: begin here instead; an aware datetime.
        end: end here (exclusive); None for now.
        statistic: another one of CloudWatch's, e.g. `"SampleCount"`.

    Returns:
        Columns Time (start of the period, UTC), Item (a dimension value) and Value, in order of
        time, then item. A period without data has no row.

    Raises:
        WorkshopError: module 2-analyze is not deployed; there is no such metric; CloudWatch has no
            such period, or no longer has it.
        IncompleteError: CloudWatch gave a part of the values only.

    Example:
        `cloudwatch_values(cloud, "event_count", minutes=60, period=60)`
    """
    begins, ends = span(minutes, start, end)
    _check_period(period, begins)
    described = _described(cloud, metric)
    statistic = statistic or described["Statistic"]
    items = sorted(described["Items"] | {OTHER})
    # One period more than now: data of this moment stand at the start of theirs.
    ends = time.time() + period if ends is None else ends
    edges = {
        "StartTime": datetime.fromtimestamp(begins // period * period, UTC),
        "EndTime": datetime.fromtimestamp(-(-ends // period) * period, UTC),
    }
    points = []
    for first in range(0, len(items), QUERIES_A_CALL):
        some = items[first : first + QUERIES_A_CALL]
        queries = [
            _query(cloud, metric, item, statistic, period, f"m{n}") for n, item in enumerate(some)
        ]
        with reading(f"CloudWatch's metric {metric}", "3-visualize"):
            found = _values(cloud, MetricDataQueries=queries, **edges)
        points += [(at, some[int(name[1:])], value) for name, at, value in found]
    if not points:
        _refuse_unknown(cloud, metric, described)
    points.sort(key=lambda point: point[:2])
    whole = described["IsWholeNumber"] and statistic == "Sum"
    return pd.DataFrame(
        {
            "Time": pd.Series([at for at, _, _ in points], dtype=_TIME),
            "Item": pd.Series([item for _, item, _ in points], dtype=object),
            "Value": pd.Series(
                [round(value) if whole else value for _, _, value in points],
                dtype="int64" if whole else "float64",
            ),
        }
    )


def catalog(cloud: Cloud) -> pd.DataFrame:
    """Read the catalog: one row for each kind of metric.

    Returns:
        Columns MetricType, Title, Unit, BucketSeconds, Statistic, MaxItems, IsWholeNumber,
        LatestEventTimestamp (start of the newest bucket, UTC) and Items (those that CloudWatch
        shows by name).

    Raises:
        WorkshopError: module 2-analyze is not deployed.

    Example:
        `catalog(cloud).set_index("MetricType").Items["event_count"]`
    """
    with reading(f"The table {cloud.name('Metrics')}", "2-analyze"):
        # The catalog has a dozen rows: here a scan is right.
        pages = cloud.client("dynamodb").get_paginator("scan")
        found = pages.paginate(TableName=cloud.name("Metrics"))
        rows = [_plain(row) for page in found for row in page["Items"]]
    frame = pd.DataFrame(sorted(rows, key=lambda row: row["MetricType"]), columns=_CATALOG)
    numbers = dict.fromkeys(("BucketSeconds", "MaxItems"), "Int64")
    latest = [int(row) if row and row == row else None for row in frame["LatestEventTimestamp"]]
    return frame.astype(numbers | {"IsWholeNumber": "boolean"}).assign(
        LatestEventTimestamp=_times(latest, "s"),
        Items=[sorted(items) if isinstance(items, set) else [] for items in frame["Items"]],
    )


def _described(cloud: Cloud, metric: str) -> dict[str, Any]:
    with reading(f"The table {cloud.name('Metrics')}", "2-analyze"):
        answer = cloud.client("dynamodb").get_item(
            TableName=cloud.name("Metrics"), Key={"MetricType": {"S": metric}}
        )
    row = _plain(answer.get("Item", {}))
    known = {"exists": bool(row), "Statistic": "Sum", "IsWholeNumber": True, "Items": set()}
    return known | row


def _refuse_unknown(cloud: Cloud, metric: str, described: dict[str, Any]) -> None:
    if not described["exists"]:
        names = ", ".join(catalog(cloud)["MetricType"]) or "none yet"
        raise WorkshopError(
            f'There is no metric called "{metric}".', f"Choose one of the catalog: {names}."
        )


def _check_period(period: int, begins: float) -> None:
    if period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
        raise WorkshopError(
            f"CloudWatch has no period of {period} seconds.",
            "Use 1, 5, 10, 20, 30, or a multiple of 60.",
        )
    # Not to the second: "the last 180 minutes" is asked for a moment after it was reckoned.
    if period < 60 and time.time() - begins > SECONDS_OF_HIGH_RESOLUTION + 60:
        raise WorkshopError(
            "CloudWatch keeps values of less than a minute for three hours only.",
            "Ask for period=60, or for fewer minutes.",
        )


def _values(cloud: Cloud, **request: Any) -> list[tuple[str, datetime, float]]:  # noqa: ANN401
    """Return the id of a query, a time and a value for each datapoint."""
    found, status = [], {}
    for page in cloud.client("cloudwatch").get_paginator("get_metric_data").paginate(**request):
        for result in page["MetricDataResults"]:
            # PartialData: a further page has the rest.
            status[result["Id"]] = result["StatusCode"]
            points = zip(result["Timestamps"], result["Values"], strict=True)
            found += [(result["Id"], at, value) for at, value in points]
    unfinished = set(status.values()) - {"Complete"}
    if unfinished:
        raise IncompleteError(
            f"CloudWatch gave a part of the values only ({', '.join(sorted(unfinished))}).",
            "Run this cell again.",
        )
    return found


def _query(
    cloud: Cloud, metric: str, item: str, statistic: str, period: int, name: str
) -> dict[str, Any]:
    dimensions = [{"Name": "Stack", "Value": cloud.prefix}, {"Name": "Item", "Value": item}]
    what = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": what, "Period": period, "Stat": statistic}}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in row.items()}


def _number(row: dict[str, Any], name: str | None) -> str:
    return (row.get(name or "UnitValueFloat") or row["UnitValueInt"])["N"]


def _milliseconds(row: dict[str, Any], name: str) -> int | None:
    return int(row[name]["N"]) if name in row else None


def _times(values: list[int | None], unit: str) -> pd.Series:
    return pd.Series(times(pd.Series(values, dtype="Int64"), unit), dtype=_TIME)
