"""What agents have shipped: the records of a clicks stream."""

import contextlib
import json
import uuid
from collections.abc import Iterator

from tests.catcher import until

SECONDS = 120  # how long a condition may take on a busy machine


@contextlib.contextmanager
def new_stream(cloud, shards: int = 2) -> Iterator[str]:
    """Make a stream, and delete it afterwards; its name."""
    kinesis, name = cloud.client("kinesis"), f"clicks-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    try:
        yield name
    finally:
        kinesis.delete_stream(StreamName=name)


def read_stream(cloud, stream: str) -> list[dict]:
    """Return the records that a stream holds, in the order in which they were put."""
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
    """Return what the agents have put into a stream."""
    records = read_stream(cloud, stream)
    found = [json.loads(record["Data"]) for record in records]
    assert [each["beacon_id"] for each in found] == [record["PartitionKey"] for record in records]
    return found


def wait_for(cloud, stream: str, count: int) -> list[dict]:
    """What the stream holds once there are `count` different records."""
    records: list[dict] = []

    def arrived() -> bool:
        records[:] = shipped(cloud, stream)
        return len({record["beacon_id"] for record in records}) >= count

    until(arrived, SECONDS)
    return records
