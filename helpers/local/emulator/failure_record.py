"""The document that Lambda sends to a mapping's on-failure destination about discarded records.

It contains the records' positions in the stream, not the records themselves.
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import uuid
from datetime import UTC, datetime

from .shard_reader import Batch, arrival_of, number_of


def failure_record(
    batch: Batch, condition: str, *, function: str, version: str, stream: str, shard: str
) -> dict:
    """Return the document about a discarded batch.

    Args:
        batch: its records, and how often they were tried.
        condition: `RetryAttemptsExhausted` or `RecordAgeExceeded`.
        function: the function's ARN.
        version: the version that ran, e.g. `$LATEST`.
        stream: the stream's ARN.
        shard: the shard's id.
    """
    first, last = batch.records[0], batch.records[-1]
    document = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": function,
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        }
    }
    if batch.last is not None:
        document["responseContext"] = {"statusCode": 200, "executedVersion": version}
        if batch.last.error:
            document["responseContext"]["functionError"] = "Unhandled"
    return document | {
        "version": "1.0",
        "timestamp": _time(datetime.now(UTC).timestamp()),
        "KinesisBatchInfo" if "kinesis" in first else "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": number_of(first),
            "endSequenceNumber": number_of(last),
            "approximateArrivalOfFirstRecord": _time(arrival_of(first)),
            "approximateArrivalOfLastRecord": _time(arrival_of(last)),
            "batchSize": len(batch.records),
            "streamArn": stream,
        },
    }


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
