# ruff: noqa: F821
# Return the data of all records of a stream. `check` and `cloud` come from the notebook.
import time


def read_shard(kinesis, stream, shard):
    position = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while True:
        answer = kinesis.get_records(ShardIterator=position)
        yield from (record["Data"] for record in answer["Records"])
        # An empty answer does not mean that the shard has no more records.
        if answer["MillisBehindLatest"] == 0:
            return
        position = answer["NextShardIterator"]
        time.sleep(0.2)  # a shard accepts five reads a second


def read_all(kinesis, stream):
    shards = kinesis.list_shards(StreamName=stream)["Shards"]
    return [data for shard in shards for data in read_shard(kinesis, stream, shard["ShardId"])]


check.exercise(cloud, "1-3", read_all)
