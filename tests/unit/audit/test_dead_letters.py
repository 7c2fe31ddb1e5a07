"""What the functions gave up: seen, counted, and done once more."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from helpers.audit import dead_letters as dead_letter_queue
from helpers.audit import reconcile as reconciling
from helpers.audit.dead_letters import dead_letters, replay_dead_letters
from helpers.core.cloud import Cloud
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import metric_values

BUCKET = datetime.min
MOST_SECONDS = 90


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """The time of this file's first test: other files may run for half an hour before it."""
    global BUCKET
    BUCKET = datetime.fromtimestamp(time.time() // 60 * 60 - 300, UTC)


@pytest.fixture(scope="module")
def cloud(emulator) -> Cloud:
    cloud = Cloud(emulator.session, emulator.account, "letters", emulator.endpoint)
    for module in ("1-capture", "2-analyze", "3-visualize"):
        deploy(cloud, module)
    # A learner waits an hour until a batch is given up; a test does not.
    for source in cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        if ":letters-" in source["FunctionArn"]:
            cloud.client("lambda").update_event_source_mapping(
                UUID=source["UUID"], MaximumRetryAttempts=1, BisectBatchOnFunctionError=False
            )
    yield cloud
    destroy(cloud)


def send(cloud, *items: str, data: bytes | None = None) -> None:
    """Put rows of one beacon each to the metrics stream, as Flink does."""
    rows = [
        {
            "MetricType": "top_pages",
            "EventTimestamp": int(BUCKET.timestamp()),
            "MetricItem": item,
            "UnitValueInt": 1,
            "UnitValueFloat": None,
            "Samples": 1,
            "NewestBeacon": int(BUCKET.timestamp() * 1000),
            "EmittedAt": int(time.time() * 1000),
        }
        for item in items
    ]
    bodies = [json.dumps({"before": None, "after": row, "op": "c"}).encode() for row in rows]
    cloud.client("kinesis").put_records(
        StreamName=cloud.name("metrics"),
        Records=[
            {"Data": body, "PartitionKey": "top_pages"}
            for body in [*bodies, *([data] if data else [])]
        ],
    )


def broken(cloud, function: str, variable: str, value: str) -> str:
    """Give a function another table; return the one that it had."""
    client, name = cloud.client("lambda"), cloud.name(function)
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {variable: value}}
    )
    return variables[variable]


def wait_for(read, wanted):
    deadline = time.monotonic() + MOST_SECONDS
    while (found := read()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == wanted


def given_up(cloud, function: str) -> int:
    frame = dead_letters(cloud)
    return int(frame[frame["Function"] == function]["Records"].sum())


def stored(cloud) -> dict[str, int]:
    frame = metric_values(cloud, "top_pages", start=BUCKET, end=BUCKET + timedelta(seconds=1))
    return dict(zip(frame["Item"], frame["Value"], strict=True))


def shown(cloud) -> dict[str, int]:
    frame = cloudwatch_values(cloud, "top_pages", start=BUCKET, end=BUCKET + timedelta(seconds=1))
    return dict(zip(frame["Item"], frame["Value"], strict=True))


def put_letter(cloud, function: str, arrived: datetime) -> None:
    """Put a report of a batch to a function's queue, as Lambda words it."""
    at = arrived.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    letter = {
        "requestContext": {"condition": "RecordAgeExceeded", "approximateInvokeCount": 9},
        "DDBStreamBatchInfo": {
            "shardId": "shardId-0",
            "startSequenceNumber": "1",
            "endSequenceNumber": "2",
            "approximateArrivalOfFirstRecord": at,
            "approximateArrivalOfLastRecord": at,
            "batchSize": 2,
            "streamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s",
        },
    }
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=cloud.name(f"{function}-failures"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(letter))


def test_a_poisoned_row_reaches_no_queue(cloud):
    send(cloud, "/before", "/after", data=b"{no row")
    wait_for(lambda: stored(cloud), {"/before": 1, "/after": 1})
    wait_for(lambda: shown(cloud), {"/before": 1, "/after": 1})
    assert dead_letters(cloud).empty and replay_dead_letters(cloud).empty


def test_what_process_metrics_gave_up_is_read_from_the_stream_once_more(cloud):
    table = broken(cloud, "process-metrics", "DETAILS_TABLE", "no-such-table")
    send(cloud, "/a", "/b", "/c")
    wait_for(lambda: given_up(cloud, "process-metrics"), 3)
    frame = dead_letters(cloud)  # looking takes nothing away
    assert set(frame["Reason"]) == {"RetryAttemptsExhausted"} and set(frame["Tries"]) == {2}
    assert not {"/a", "/b", "/c"} & set(stored(cloud))

    assert replay_dead_letters(cloud)["Outcome"].str.startswith("the function failed again").all()
    assert given_up(cloud, "process-metrics") == 3

    broken(cloud, "process-metrics", "DETAILS_TABLE", table)
    assert set(replay_dead_letters(cloud)["Outcome"]) == {"done"}
    assert {"/a", "/b", "/c"} <= set(stored(cloud))
    assert dead_letters(cloud).empty and replay_dead_letters(cloud).empty
    wait_for(lambda: shown(cloud), stored(cloud))


def test_what_publish_metrics_gave_up_is_found_by_its_sums_and_put_once(cloud, monkeypatch):
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 0)
    table = broken(cloud, "publish-metrics", "CATALOG_TABLE", "no-such-table")
    send(cloud, "/d", "/e")
    wait_for(lambda: given_up(cloud, "publish-metrics"), 2)
    broken(cloud, "publish-metrics", "CATALOG_TABLE", table)
    send(cloud, "/f")  # what comes later goes on
    wait_for(lambda: shown(cloud).get("/f"), 1)
    assert sum(shown(cloud).values()) == sum(stored(cloud).values()) - 2

    assert set(replay_dead_letters(cloud)["Outcome"]) == {"done"}
    assert sum(shown(cloud).values()) == sum(stored(cloud).values())
    assert dead_letters(cloud).empty


def test_what_is_too_old_to_be_compared_stays_in_the_queue(cloud):
    arrived = datetime.now(UTC).replace(microsecond=0)
    for hours in (1, 4):
        put_letter(cloud, "publish-metrics", arrived - timedelta(hours=hours))
    outcomes = replay_dead_letters(cloud).set_index("Since")["Outcome"]
    assert outcomes[arrived - timedelta(hours=1)] == "done"
    assert outcomes[arrived - timedelta(hours=4)].startswith("older than 3 hours")
    assert dead_letters(cloud)["Since"].tolist() == [arrived - timedelta(hours=4)]
    purge(cloud)


def test_a_look_that_takes_longer_than_messages_are_hidden_is_no_error(cloud, monkeypatch):
    monkeypatch.setattr(dead_letter_queue, "RECEIVE_SECONDS", 0)  # they are back at once
    put_letter(cloud, "process-metrics", datetime.now(UTC))
    assert dead_letters(cloud)["Records"].tolist() == [2]
    purge(cloud)


def purge(cloud) -> None:
    sqs = cloud.client("sqs")
    for function in ("process-metrics", "publish-metrics"):
        url = sqs.get_queue_url(QueueName=cloud.name(f"{function}-failures"))["QueueUrl"]
        sqs.purge_queue(QueueUrl=url)
