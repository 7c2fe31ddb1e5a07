"""The records that agents have put into a clicks stream."""

import contextlib
import json
import uuid
from collections.abc import Iterator

from tests.catcher import until

SECONDS = 900  # how long a condition may take on a busy machine


@contextlib.contextmanager
def new_stream(cloud, shards: int = 2) -> Iterator[str]:
    """Create a stream, yield its name, and delete it."""
    kinesis, name = cloud.client("kinesis"), f"clicks-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    try:
        yield name
    finally:
        kinesis.delete_stream(StreamName=name)


def read_stream(cloud, stream: str) -> list[dict]:
    """Return a stream's records in the order of their puts."""
    kinesis, records = cloud.client("kinesis"), []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        page = {"Records": [], "MillisBehindLatest": 1}
        while iterator and (page["Records"] or page["MillisBehindLatest"]):
            page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            records += page["Records"]
            iterator = page.get("NextShardIterator")
    return sorted(records, key=lambda record: int(record["SequenceNumber"]))


def shipped(cloud, stream: str) -> list[dict]:
    """Return the agents' click records in a stream."""
    records = read_stream(cloud, stream)
    clicks = [json.loads(record["Data"]) for record in records]
    assert [each["beacon_id"] for each in clicks] == [record["PartitionKey"] for record in records]
    return clicks


def wait_for(cloud, stream: str, count: int) -> list[dict]:
    """Wait until a stream has `count` different records; return all of its records."""
    records: list[dict] = []

    def arrived() -> bool:
        records[:] = shipped(cloud, stream)
        return len({record["beacon_id"] for record in records}) >= count

    until(arrived, SECONDS)
    return records
