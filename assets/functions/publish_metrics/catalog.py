"""The catalog of metrics: each metric's statistic, admitted items and last published change.

CloudWatch bills each item of a metric ($0.30 a month), and visitors choose the items: anyone can
send any page or User-Agent. So at most MaxItems items of a metric are admitted, permanently, in
order of arrival; all others are summed up under `(other)`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from dimension import OTHER

DIGITS = 40  # the longest sequence number of a DynamoDB stream
KEYS_A_CALL = 100  # BatchGetItem's limit

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
        published_up_to: the last published change, as a 40-digit sequence number.
        published_at: when that change was made, epoch seconds.
    """

    name: str
    unit: str = "None"
    statistic: str | None = None
    max_items: int = 0
    items: set[str] = field(default_factory=set)
    published_up_to: str = ""
    published_at: float = 0.0

    def was_published(self, sequence_number: str, at: float) -> bool:
        """Return whether a change was published already, by a run that Lambda repeats.

        Number and time are compared, because sequence numbers grow within a shard only; a new
        change is not older than the last one.
        """
        return sequence_number.zfill(DIGITS) <= self.published_up_to and at <= self.published_at


def read_metrics(names: Iterable[str]) -> dict[str, Metric]:
    """Read the catalog rows of metrics, by name.

    They are read for each batch (for a fraction of a write's cost): another container may have
    published the previous batch or admitted items, and a learner may have raised MaxItems.

    Args:
        names: MetricTypes.

    Raises:
        botocore.exceptions.ClientError: DynamoDB returned an error.
    """
    table, unique = os.environ["CATALOG_TABLE"], sorted(set(names))
    rows: dict[str, dict] = {}
    for start in range(0, len(unique), KEYS_A_CALL):
        keys = [{"MetricType": {"S": name}} for name in unique[start : start + KEYS_A_CALL]]
        request = {table: {"Keys": keys, "ConsistentRead": True}}
        answer = _dynamodb.batch_get_item(RequestItems=request)
        rows |= {row["MetricType"]["S"]: row for row in answer["Responses"].get(table, [])}
        # Keys that DynamoDB skipped, being throttled, are read one by one: boto3 retries those.
        for key in answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", []):
            single = _dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
            if "Item" in single:
                rows[key["MetricType"]["S"]] = single["Item"]
    return {name: _metric(name, rows.get(name)) for name in unique}


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
        metric.items = _metric(metric.name, error.response.get("Item")).items
    return dimension if dimension in metric.items else OTHER


def note_published(metric: Metric, sequence_number: str, at: float) -> None:
    """Store the last published change, so that it is not published again.

    Args:
        metric: its row.
        sequence_number: of the change.
        at: when the change was made, epoch seconds.

    Raises:
        botocore.exceptions.ClientError: DynamoDB returned an error.
    """
    if metric.statistic is None:
        return
    try:
        _dynamodb.update_item(
            TableName=os.environ["CATALOG_TABLE"],
            Key={"MetricType": {"S": metric.name}},
            UpdateExpression="SET PublishedUpTo = :number, PublishedAt = :at",
            ConditionExpression="attribute_exists(MetricType)",
            ExpressionAttributeValues={
                ":number": {"S": sequence_number.zfill(DIGITS)},
                ":at": {"N": repr(at)},
            },
        )
    except ClientError as error:
        # The row was deleted meanwhile.
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def _metric(name: str, row: dict | None) -> Metric:
    if row is None:
        return Metric(name)
    return Metric(
        name,
        unit=row.get("Unit", {}).get("S", "None"),
        statistic=row.get("Statistic", {}).get("S", "Sum"),
        max_items=int(row.get("MaxItems", {}).get("N", 20)),
        items=set(row.get("Items", {}).get("SS", [])),
        published_up_to=row.get("PublishedUpTo", {}).get("S", ""),
        published_at=float(row.get("PublishedAt", {}).get("N", 0)),
    )
