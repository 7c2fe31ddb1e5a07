"""Deletes the rows of the metrics' table, to show that a rebuild brings them back."""

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.waiting import waiting
from helpers.stores.dynamodb import FINAL

from .fault_injection import require_emulator

ROWS_A_CALL = 25  # BatchWriteItem's limit


@waiting("Deleting the rows of the table")
def delete_rows(cloud: Cloud) -> None:
    """Delete all rows of MetricDetails but the anomaly scores, which can't be computed again.

    Args:
        cloud: from `connect("local")`.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: the cloud is an AWS account.

    Example:
        `delete_rows(cloud)` prints `✓ 4,120 rows of rwa-MetricDetails are deleted.`
    """
    require_emulator(cloud, "The workshop deletes the rows of a table on this machine only.")
    dynamodb, table = cloud.client("dynamodb"), cloud.name("MetricDetails")
    with explained(f"The table {table}", "2-analyze"):
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=table,
            ProjectionExpression="MetricType, #bucket",
            ExpressionAttributeNames={"#bucket": "Bucket"},
        )
        keys = [item for page in pages for item in page["Items"]]
        keys = [key for key in keys if key["MetricType"]["S"] != FINAL]
        for first in range(0, len(keys), ROWS_A_CALL):
            part = keys[first : first + ROWS_A_CALL]
            requests = {table: [{"DeleteRequest": {"Key": key}} for key in part]}
            while requests:
                requests = dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
    print(f"✓ {len(keys):,} rows of {table} are deleted.")
