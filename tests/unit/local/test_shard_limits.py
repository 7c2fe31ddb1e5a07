"""A shard of the emulator has the write limits of AWS if the bench sets the variable."""

import json

import pytest
from ministack.services import kinesis

from helpers.local.emulator import shard_limits


@pytest.fixture
def stream(monkeypatch):
    ends = {"starting_hash_key": "0", "ending_hash_key": str(kinesis.MAX_HASH_KEY)}
    stream = {"StreamARN": "arn", "shards": {"shardId-0": ends}}
    monkeypatch.setattr(kinesis, "_resolve_stream", lambda request: ("clicks", stream))
    monkeypatch.setattr(shard_limits, "_capacities", {})
    monkeypatch.setattr(shard_limits, "_put_records", put)


def put(request):
    results = [{"SequenceNumber": record["Data"]} for record in request["Records"]]
    return 200, {}, json.dumps({"FailedRecordCount": 0, "Records": results}).encode()


def results(sizes, monkeypatch, at=0.0):
    monkeypatch.setattr(shard_limits.time, "monotonic", lambda: at)
    records = [{"PartitionKey": "k", "Data": "x" * size} for size in sizes]
    answer = json.loads(shard_limits.put_records({"StreamName": "s", "Records": records})[2])
    refused = [result.get("ErrorCode") for result in answer["Records"]]
    assert answer["FailedRecordCount"] == len(refused) - refused.count(None)
    return refused


def test_a_shard_accepts_1000_records_and_1_mb_a_second(stream, monkeypatch):
    too_much = "ProvisionedThroughputExceededException"
    assert results([4] * 500, monkeypatch) == [None] * 500
    assert results([4] * 500, monkeypatch) == [None] * 500
    assert results([4] * 2, monkeypatch) == [too_much] * 2
    assert results([4] * 101, monkeypatch, at=0.1) == [None] * 100 + [too_much]
    # 600,000 bytes are 800,000 characters of base64: the second of these is too much, a small
    # record after it is not.
    big = [800_000, 800_000, 4]
    assert results(big, monkeypatch, at=5.0) == [None, too_much, None]
