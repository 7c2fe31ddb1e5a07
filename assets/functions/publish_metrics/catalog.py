"""The catalog of metrics: each metric's statistic and its admitted items.

CloudWatch bills each item of a metric ($0.30 a month), and visitors choose the items: anyone can
send any page or User-Agent. So at most MaxItems items of a metric are admitted, permanently, in
order of arrival; all others are summed up under `(other)`.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from dimension import OTHER

KEYS_A_CALL = 100  # BatchGetItem's limit
# A row has up to 6 KB and is needed twice a second: read for each batch, it would cost as much as
# all other reads together. A learner's raised MaxItems is seen after at most so long.
SECONDS_KEPT = 5.0

_dynamodb = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "max_attempts": 5}))


@dataclass
class Metric:
    """A catalog row.

    A metric without a row is published only under `(other)`, as one billable metric. This function
    adds no row, so the metric's author can still add one.

    Args:
        name: MetricType.
        unit: CloudWatch's unit.
        statistic: `Sum`, `Average` or `Maximum`; None without a row.
        max_items: how many items may be admitted.
        items: the admitted dimension values.
        former_mark: the last published change as (sequence number, epoch seconds). Earlier versions
            of this function stored it here; `published.py` has the newer ones.
    """

    name: str
    unit: str = "None"
    statistic: str | None = None
    max_items: int = 0
    items: set[str] = field(default_factory=set)
    former_mark: tuple[str, float] = ("", 0.0)


# The rows that this container has read, and when (monotonic seconds). A metric without a row is
# read again each time: its author may add one. `admit` is exact with an older row, too: DynamoDB
# compares the number of items, and returns the newer row if it refuses.
_kept: dict[str, tuple[float, Metric]] = {}


def read_metrics(names: Iterable[str]) -> dict[str, Metric]:
    """Return the catalog rows of metrics, by name: as they were within the last SECONDS_KEPT.

    Args:
        names: MetricTypes.

    Raises:
        botocore.exceptions.ClientError: DynamoDB returned an error.
    """
    now, wanted = time.monotonic(), sorted(set(names))
    for name in [name for name, (read_at, _) in _kept.items() if now - read_at >= SECONDS_KEPT]:
        del _kept[name]
    rows = _read([name for name in wanted if name not in _kept])
    _kept.update({name: (now, _metric(name, row)) for name, row in rows.items()})
    return {name: _kept[name][1] if name in _kept else Metric(name) for name in wanted}


def _read(names: list[str]) -> dict[str, dict]:
    table = os.environ["CATALOG_TABLE"]
    rows: dict[str, dict] = {}
    for start in range(0, len(names), KEYS_A_CALL):
        keys = [{"MetricType": {"S": name}} for name in names[start : start + KEYS_A_CALL]]
        request = {table: {"Keys": keys, "ConsistentRead": True}}
        answer = _dynamodb.batch_get_item(RequestItems=request)
        rows |= {row["MetricType"]["S"]: row for row in answer["Responses"].get(table, [])}
        # Keys that DynamoDB skipped, being throttled, are read one by one: boto3 retries those.
        for key in answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", []):
            single = _dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
            if "Item" in single:
                rows[key["MetricType"]["S"]] = single["Item"]
    return rows


def admit(metric: Metric, dimension: str) -> str:
    """Return the dimension value under which an item is published: its own, or `(other)`.

    DynamoDB checks the number and adds the item in one step, so several containers together can't
    exceed MaxItems.

    Args:
        metric: its row; `items` is updated.
        dimension: the item's dimension value.
    """
    if dimension in metric.items:
        return dimension
    if dimension == OTHER or len(metric.items) >= metric.max_items:
        return OTHER
    try:
        answer = _dynamodb.update_item(
            TableName=os.environ["CATALOG_TABLE"],
            Key={"MetricType": {"S": metric.name}},
            UpdateExpression="ADD #items :one",
            ConditionExpression="attribute_exists(MetricType) AND "
            "(attribute_not_exists(#items) OR size(#items) < :most)",
            ExpressionAttributeNames={"#items": "Items"},
            ExpressionAttributeValues={
                ":one": {"SS": [dimension]},
                ":most": {"N": str(metric.max_items)},
            },
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        metric.items = set(answer["Attributes"]["Items"]["SS"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        metric.items = _metric(metric.name, error.response.get("Item", {})).items
    return dimension if dimension in metric.items else OTHER


def _metric(name: str, row: dict) -> Metric:
    return Metric(
        name,
        unit=row.get("Unit", {}).get("S", "None"),
        statistic=row.get("Statistic", {}).get("S", "Sum"),
        max_items=int(row.get("MaxItems", {}).get("N", 20)),
        items=set(row.get("Items", {}).get("SS", [])),
        former_mark=(
            row.get("PublishedUpTo", {}).get("S", ""),
            float(row.get("PublishedAt", {}).get("N", 0)),
        ),
    )
