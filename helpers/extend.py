"""What module 4 needs: a metric, a statement and a widget of the learner's own."""

import json
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from .cloud import Cloud
from .dashboard_body import COLUMNS, widgets
from .dashboards import dashboard_json
from .errors import WorkshopError
from .home import home
from .reading import reading
from .stacks import explained

STATISTICS = ("Sum", "Average", "Maximum")


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


def _check(what: str, given: str, known: tuple[str, ...] | list[str]) -> None:
    if given not in known:
        raise WorkshopError(
            f"CloudWatch has no {what} {given!r}.", f"Use one of {', '.join(known)}."
        )
