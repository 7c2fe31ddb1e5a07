"""Stores the newest bucket of each metric in the catalog: LatestEventTimestamp."""

import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_dynamodb = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "max_attempts": 5}))
# The values that this container wrote or found: one write for each bucket, not for each row.
_latest: dict[str, int] = {}


def note_latest(buckets: dict[str, int]) -> int:
    """Raise the LatestEventTimestamp of metrics; it never decreases.

    A metric without a catalog row does not get one here.

    Args:
        buckets: the newest bucket start of each metric, epoch seconds.

    Returns:
        The number of writes.

    Raises:
        botocore.exceptions.ClientError: DynamoDB returned an error.
    """
    grown = {metric: at for metric, at in buckets.items() if at > _latest.get(metric, -1)}
    for metric, at in grown.items():
        try:
            _dynamodb.update_item(
                TableName=os.environ["CATALOG_TABLE"],
                Key={"MetricType": {"S": metric}},
                UpdateExpression="SET LatestEventTimestamp = :at",
                ConditionExpression="attribute_exists(MetricType) AND "
                "(attribute_not_exists(LatestEventTimestamp) OR LatestEventTimestamp < :at)",
                ExpressionAttributeValues={":at": {"N": str(at)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
        _latest[metric] = at
    return len(grown)
