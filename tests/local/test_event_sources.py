"""Event sources of streams: real streams, real functions (a process each) and a real queue.

The quoted sentences are from the Lambda Developer Guide.
"""

import io
import json
import os
import signal
import time
import uuid
import zipfile
from types import SimpleNamespace

import pytest

from tests.catcher import until

# Sends its records' data to a queue; fails if the data require it.
HANDLER = """
import base64, json, os, time, boto3

sqs = boto3.client("sqs", endpoint_url=os.environ["ENDPOINT"])

def read(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"]["Keys"]["k"]["S"]

def handler(event, context):
    data = [read(record) for record in event["Records"]]
    body = json.dumps({"pid": os.getpid(), "data": data})
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=body)
    if "hang" in data and not os.path.exists(os.environ["FLAG"]):
        open(os.environ["FLAG"], "w").close()
        time.sleep(600)
    if "poison" in data:
        raise ValueError("poison")
    if data[-1] == "last" and len(data) > 1:
        last = event["Records"][-1]
        number = last.get("kinesis", {}).get("sequenceNumber")
        return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
"""


@pytest.fixture
def source(emulator, tmp_path):
    """A function, a queue of its calls, a queue of failures, and a way to feed it from a stream."""
    name = f"source-{uuid.uuid4().hex[:8]}"
    functions, sqs = emulator.client("lambda"), emulator.client("sqs")
    calls = sqs.create_queue(QueueName=f"{name}-calls")["QueueUrl"]
    failures = sqs.create_queue(QueueName=f"{name}-failures")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=failures, AttributeNames=["QueueArn"])
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", HANDLER)
    flag = tmp_path / "hung"
    environment = {"QUEUE": calls, "ENDPOINT": emulator.endpoint, "FLAG": str(flag)}
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="handler.handler",
        Role=f"arn:aws:iam::{emulator.account}:role/{name}",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": environment},
        Timeout=120,
    )
    sources, streams, seen = [], [], []

    def stream(shards=1):
        kinesis = emulator.client("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        streams.append(name)
        return kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]

    def feed(arn, **settings):
        settings = {"StartingPosition": "TRIM_HORIZON", "BatchSize": 100, **settings}
        made = functions.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=name,
            DestinationConfig={"OnFailure": {"Destination": attributes["Attributes"]["QueueArn"]}},
            **settings,
        )
        sources.append(made["UUID"])

    def put(*data):
        records = [{"Data": text.encode(), "PartitionKey": text} for text in data]
        emulator.client("kinesis").put_records(StreamName=name, Records=records)

    def wait(queue, enough, seconds=90):
        found = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600
            )
            found += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
            if enough(found):
                return found
        raise AssertionError(f"waited for more than {found}")

    def called(enough):
        """Wait until all calls so far are enough; return the data of each."""

        def together(found):
            return enough([call["data"] for call in seen + found])

        seen.extend(wait(calls, together))
        return [call["data"] for call in seen]

    yield SimpleNamespace(
        name=name, stream=stream, feed=feed, put=put, called=called, flag=flag, seen=seen,
        failed=lambda count: wait(failures, lambda found: len(found) >= count),
    )  # fmt: skip
    for source in sources:
        functions.delete_event_source_mapping(UUID=source)
    functions.delete_function(FunctionName=name)
    for stream_name in streams:
        emulator.client("kinesis").delete_stream(StreamName=stream_name)
    for queue in (calls, failures):
        sqs.delete_queue(QueueUrl=queue)


def test_kinesis_a_poison_record_ends_in_the_queue_alone(emulator, source):
    """'When Lambda discards a batch of records that's too old or has exhausted all retries, Lambda
    sends details about the batch to the queue or topic.'"""
    arn = source.stream()
    source.put("a", "b", "poison", "c")
    source.feed(arn, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True)
    (document,) = source.failed(1)
    where = document["KinesisBatchInfo"]
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["functionArn"].endswith(f":function:{source.name}")
    assert where["batchSize"] == 1 and where["streamArn"] == arn
    assert where["startSequenceNumber"] == where["endSequenceNumber"]
    kinesis = emulator.client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamName=source.name,
        ShardId=where["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=where["startSequenceNumber"],
    )["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"][0]["Data"] == b"poison"
    calls = source.called(lambda calls: ["c"] in calls)
    assert ["a", "b"] in calls


def test_dynamodb_a_poison_record_ends_in_the_queue_alone(emulator, source):
    dynamodb = emulator.client("dynamodb")
    dynamodb.create_table(
        TableName=source.name,
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    arn = dynamodb.describe_table(TableName=source.name)["Table"]["LatestStreamArn"]
    for key in ("a", "poison", "b"):
        dynamodb.put_item(TableName=source.name, Item={"k": {"S": key}})
    source.feed(arn, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True)
    (document,) = source.failed(1)
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["DDBStreamBatchInfo"]["streamArn"] == arn
    source.called(lambda calls: ["a"] in calls and ["b"] in calls)
    dynamodb.delete_table(TableName=source.name)


def test_a_function_that_is_killed_in_a_batch_gets_the_batch_again(source):
    source.feed(source.stream())
    source.put("a", "hang")
    first = source.called(lambda calls: any("hang" in data for data in calls))[-1]
    until(source.flag.exists)
    os.kill(source.seen[-1]["pid"], signal.SIGKILL)
    calls = source.called(lambda calls: calls.count(first) == 2)
    source.put("after")
    source.called(lambda calls: ["after"] in calls)
    assert calls[-2:] == [first, first]


def test_only_the_reported_record_is_sent_again(source):
    source.feed(source.stream(), FunctionResponseTypes=["ReportBatchItemFailures"])
    source.put("a", "b", "last")
    assert source.called(lambda calls: len(calls) == 2) == [["a", "b", "last"], ["last"]]


def test_latest_begins_after_the_records_older_than_the_mapping(source):
    """'Latest - Process new records that are added to the stream.'"""
    arn = source.stream()
    source.put("old")
    source.feed(arn, StartingPosition="LATEST")
    source.put("new")
    assert source.called(lambda calls: ["new"] in calls) == [["new"]]


def test_records_of_several_shards_all_arrive(source):
    """'Each batch contains records from a single shard/data stream.'"""
    sent = [str(n) for n in range(300)]
    source.feed(source.stream(shards=3), BatchSize=10)
    for start in range(0, 300, 30):
        source.put(*sent[start : start + 30])
    calls = source.called(lambda calls: sum(map(len, calls)) >= 300)
    assert sorted(sum(calls, []), key=int) == sent, "each once: no function failed"


def test_a_disabled_mapping_resumes_where_it_stopped(emulator, source):
    """'Set to false to stop processing records. Lambda keeps track of the last record processed and
    resumes processing from that point when it's reenabled.'"""
    functions = emulator.client("lambda")
    source.feed(source.stream())
    source.put("a")
    source.called(lambda calls: ["a"] in calls)
    (mapping,) = functions.list_event_source_mappings(FunctionName=source.name)[
        "EventSourceMappings"
    ]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    source.put("b")
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert source.called(lambda calls: ["b"] in calls) == [["a"], ["b"]]
