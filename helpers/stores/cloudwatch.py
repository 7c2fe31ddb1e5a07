"""Reads CloudWatch metrics with GetMetricData, as a DataFrame or as points."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.cloud import NAMESPACE, Cloud
from helpers.core.errors import IncompleteError, WorkshopError
from helpers.core.time_span import span
from helpers.core.waiting import poll_until

from .dynamodb import catalog_row, stored_rows, unknown_metric

OTHER = "(other)"  # publish_metrics' dimension value of items beyond a metric's MaxItems
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
QUERIES_A_CALL = 500
SECONDS_OF_HIGH_RESOLUTION = 3 * 3600
# "When you create a new metric, it can take up to 2 minutes before you can retrieve statistics for
# the new metric" (CloudWatch User Guide, "Publish custom metrics"), and it is on its way before.
SECONDS_UNTIL_READ = 150


def cloudwatch_values(
    cloud: Cloud,
    metric: str,
    minutes: float = 15,
    period: int = 10,
    start: datetime | None = None,
    end: datetime | None = None,
    statistic: str | None = None,
) -> pd.DataFrame:
    """Read a metric of this stack from CloudWatch, with the statistic in the catalog.

    The items are read from the catalog, as CloudWatch's list may be 15 minutes late. On AWS a call
    costs $0.01 for 1,000 items.

    CloudWatch returns the values of a new item after up to two minutes. If DynamoDB has values of
    an item from the last minutes, and CloudWatch has none, this waits for them.

    Args:
        cloud: where the metrics are.
        metric: a MetricType, e.g. `"event_count"`.
        minutes: how far back.
        period: seconds in one value: 1, 5, 10, 20, 30 or a multiple of 60.
        start: begin here instead; an aware datetime.
        end: end here (exclusive); None for now.
        statistic: use this one of CloudWatch's instead, e.g. `"SampleCount"`.

    Returns:
        Columns Time (start of the period, UTC), Item (a dimension value) and Value, in order of
        time, then item. A period without data has no row. AWS bills `.attrs["metrics_read"]`.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: there is no such metric; CloudWatch has no such period, or no longer has
            data of it.
        IncompleteError: CloudWatch returned only a part of the values.

    Example:
        `cloudwatch_values(cloud, "event_count", minutes=60, period=60)`
    """

    def read() -> pd.DataFrame:
        return values_now(cloud, metric, minutes, period, start, end, statistic)

    begins, ends = span(minutes, start, end)
    return poll_until(
        read,
        lambda frame: not new_items(cloud, metric, frame, begins, ends),
        f"CloudWatch shows the new items of {metric} (on AWS after up to two minutes)",
        SECONDS_UNTIL_READ,
    )


def values_now(
    cloud: Cloud,
    metric: str,
    minutes: float = 15,
    period: int = 10,
    start: datetime | None = None,
    end: datetime | None = None,
    statistic: str | None = None,
) -> pd.DataFrame:
    """Read a metric as `cloudwatch_values` does, without waiting for new items."""
    begins, ends = span(minutes, start, end)
    _check_period(period, begins)
    described = catalog_row(cloud, metric)
    statistic = statistic or described.get("Statistic", "Sum")
    items = sorted(described.get("Items", set()) | {OTHER})
    names = {f"m{n}": item for n, item in enumerate(items)}
    # One period more than now, because a datum has the time of its bucket's start.
    ends = time.time() + period if ends is None else ends
    points_of = metric_points(
        cloud,
        [metric_query(cloud, metric, names[n], statistic, period, n) for n in names],
        begins // period * period,
        -(-ends // period) * period,
    )
    if not points_of and not described:
        raise unknown_metric(cloud, metric)
    points = sorted((at, names[n], value) for n, each in points_of.items() for at, value in each)
    times = pd.Series([at for at, _, _ in points], dtype="datetime64[ns, UTC]")
    frame = pd.DataFrame(points, columns=["Time", "Item", "Value"]).assign(Time=times)
    frame = frame.astype({"Item": object, "Value": "float64"})
    frame.attrs["metrics_read"] = len(items)
    if described.get("IsWholeNumber", True) and statistic == "Sum":
        frame["Value"] = frame["Value"].round().astype("int64")
    return frame


def new_items(
    cloud: Cloud, metric: str, frame: pd.DataFrame, begins: float, ends: float | None
) -> set[str]:
    """Return the items whose values CloudWatch has received and does not return yet.

    Args:
        cloud: where the metric is.
        metric: a MetricType.
        frame: the values that CloudWatch returned.
        begins: epoch seconds: the range's start.
        ends: its end; None for none.
    """
    admitted = catalog_row(cloud, metric).get("Items", set()) - set(frame["Item"])
    if not admitted:
        return set()
    oldest = (time.time() - SECONDS_UNTIL_READ) * 1000
    rows = stored_rows(cloud, metric, begins, ends, "MetricItem, UpdatedAt")
    recent = [row for row in rows if int(row.get("UpdatedAt", {"N": 0})["N"]) > oldest]
    return admitted & {row["MetricItem"]["S"] for row in recent}


def metric_query(
    cloud: Cloud, metric: str, item: str, statistic: str, period: int, name: str
) -> dict[str, Any]:
    """Return a query for one metric of this stack, as GetMetricData takes it.

    Args:
        cloud: where the metric is.
        metric: its name, e.g. `"event_count"`.
        item: its dimension value, e.g. `"click"`.
        statistic: CloudWatch's name of a statistic, e.g. `"Sum"` or `"p99"`.
        period: seconds in one value.
        name: the query's Id; its first character is a lower-case letter.

    Example:
        `metric_query(cloud, "event_count", "click", "Sum", 10, "clicks")`
    """
    dimensions = [{"Name": "Stack", "Value": cloud.prefix}, {"Name": "Item", "Value": item}]
    described = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": described, "Period": period, "Stat": statistic}}


def metric_points(
    cloud: Cloud, queries: Sequence[dict[str, Any]], begins: float, ends: float
) -> dict[str, list[tuple[datetime, float]]]:
    """Return each query's points, by its Id; a query without points is left out.

    Args:
        cloud: where the metrics are.
        queries: as `metric_query` returns them; 500 go into one call.
        begins: epoch seconds, the start of a period.
        ends: epoch seconds, the end of a period.

    Raises:
        IncompleteError: CloudWatch returned only a part of the values.

    Example:
        `metric_points(cloud, [query], time.time() - 60, time.time())["clicks"]`
    """
    points_of: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
    status: dict[str, str] = {}
    pages = cloud.client("cloudwatch").get_paginator("get_metric_data")
    edges = {
        "StartTime": datetime.fromtimestamp(begins, UTC),
        "EndTime": datetime.fromtimestamp(ends, UTC),
    }
    for first in range(0, len(queries), QUERIES_A_CALL):
        batch = queries[first : first + QUERIES_A_CALL]
        with explained():
            for page in pages.paginate(MetricDataQueries=batch, **edges):
                for result in page["MetricDataResults"]:
                    # PartialData: a further page has the rest.
                    status[result["Id"]] = result["StatusCode"]
                    if result["Values"]:
                        points = zip(result["Timestamps"], result["Values"], strict=True)
                        points_of[result["Id"]] += points
    unfinished = set(status.values()) - {"Complete"}
    if unfinished:
        raise IncompleteError(
            f"CloudWatch returned only a part of the values ({', '.join(sorted(unfinished))}).",
            "Run this cell again.",
        )
    return points_of


def _check_period(period: int, begins: float) -> None:
    if period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
        raise WorkshopError(
            f"CloudWatch has no period of {period} seconds.",
            "Use 1, 5, 10, 20, 30, or a multiple of 60.",
        )
    # A minute more, because a call for "the last 180 minutes" takes time until it gets here.
    if period < 60 and time.time() - begins > SECONDS_OF_HIGH_RESOLUTION + 60:
        raise WorkshopError(
            "CloudWatch keeps data with periods under a minute for three hours only.",
            "Use period=60, or fewer minutes.",
        )
