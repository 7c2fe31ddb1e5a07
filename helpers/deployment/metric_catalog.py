"""Writes the catalog: one row for each metric, with its unit, bucket and statistic."""

import json
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY

STATISTICS = ("Sum", "Average", "Maximum")


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
    """Add a metric's row to the catalog; an existing row does not change.

    Call it before Flink counts the metric: all items of a metric without a row go to `(other)`.

    Args:
        cloud: the target with the catalog.
        metric: its MetricType, as in the SQL.
        title: the title of its chart.
        unit: one of CloudWatch's units, e.g. `"Count"` or `"Milliseconds"`.
        statistic: combines the values of several buckets: `"Sum"`, `"Average"` (the mean of all
            beacons, not of the buckets' means) or `"Maximum"`.
        bucket_seconds: the length of a bucket.
        max_items: how many of its items may become CloudWatch metrics ($0.30 a month each).

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: CloudWatch has no such unit or statistic.

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
    }
    with explained(f"The table {cloud.name('Metrics')}", "2-analyze"):
        is_new = _put_if_absent(cloud, row)
    print(f"✓ {metric} is in the catalog{'' if is_new else ' already'}.")


def seed_catalog(cloud: Cloud) -> int:
    """Add the rows of `assets/catalog.json` to the catalog table; existing rows do not change.

    Returns:
        The number of new rows.

    Example:
        `seed_catalog(cloud)` -> `9`
    """
    rows = json.loads((REPOSITORY / "assets" / "catalog.json").read_text(encoding="utf-8"))
    return sum(_put_if_absent(cloud, row) for row in rows)


def _put_if_absent(cloud: Cloud, row: dict[str, Any]) -> bool:
    """Put a row unless the metric has one, which may contain a learner's settings."""
    dynamodb, serialize = cloud.client("dynamodb"), TypeSerializer().serialize
    item = row | {"LatestEventTimestamp": 0}
    try:
        dynamodb.put_item(
            TableName=cloud.name("Metrics"),
            Item={key: serialize(value) for key, value in item.items()},
            ConditionExpression="attribute_not_exists(MetricType)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _check(name: str, value: str, known: tuple[str, ...] | list[str]) -> None:
    if value not in known:
        raise WorkshopError(
            f"CloudWatch has no {name} {value!r}.", f"Use one of {', '.join(known)}."
        )
