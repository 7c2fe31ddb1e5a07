"""The emulator's Kinesis and DynamoDB streams as event sources: shards, records, events."""

from bisect import bisect_right
from collections.abc import Callable

from ministack.core.arn import parse_arn
from ministack.services import dynamodb, kinesis

DYNAMODB_SHARD = "shardId-00000000000000000000-00000000"  # the only one of the emulator's streams


def shards(arn: str) -> list[str]:
    """Return the shards of a stream, by its ARN; none if the stream does not exist (any more)."""
    spec = parse_arn(arn)
    if spec.service == "kinesis":
        return list(_kinesis_stream(arn).get("shards", {}))
    return [DYNAMODB_SHARD] if spec.service == "dynamodb" and _table(arn) else []


def records_after(arn: str, shard: str, number: str, most: int) -> list[dict]:
    """Return records as a function gets them, oldest first.

    Args:
        arn: the stream.
        shard: the shard.
        number: the sequence number after which to begin; "" for the oldest record.
        most: the maximum number of records.
    """
    if parse_arn(arn).service == "dynamodb":
        return _after(_changes(arn), number, most, lambda r: r["dynamodb"]["SequenceNumber"])
    stored = _kinesis_stream(arn).get("shards", {}).get(shard, {}).get("records", [])
    records = _after(stored, number, most, lambda r: r["SequenceNumber"])
    return [_kinesis_event(arn, shard, record) for record in records]


def _after(records: list[dict], number: str, most: int, of: Callable[[dict], str]) -> list[dict]:
    # The emulator's numbers all have one length, so their order as text is the same.
    while True:
        start = bisect_right(records, number, key=of)
        batch = records[start : start + most]
        # If another thread has dropped expired records at the front, positions have changed.
        if start == 0 or start <= len(records) and of(records[start - 1]) <= number:
            return batch


def _kinesis_stream(arn: str) -> dict:
    spec = parse_arn(arn)
    name = spec.resource.removeprefix("stream/")
    return kinesis._streams.get_scoped(spec.account_id, spec.region, name) or {}


def _table(arn: str) -> str | None:
    """Return the table whose current stream this is."""
    spec = parse_arn(arn)
    name = spec.resource.split("/")[1]
    table = dynamodb._tables.get_scoped(spec.account_id, spec.region, name) or {}
    return name if table.get("LatestStreamArn") == arn else None


def _changes(arn: str) -> list[dict]:
    spec, table = parse_arn(arn), _table(arn)
    if table is None:
        return []
    return dynamodb.stream_live_records(table, account_id=spec.account_id, region=spec.region)


def _kinesis_event(arn: str, shard: str, record: dict) -> dict:
    spec = parse_arn(arn)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": kinesis._ensure_base64(record["Data"]),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{spec.account_id}:role/lambda-role",
        "awsRegion": spec.region,
        "eventSourceARN": arn,
    }
