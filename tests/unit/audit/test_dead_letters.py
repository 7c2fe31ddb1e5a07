"""The dead-letter queues' batches are listed, counted and processed again."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from helpers.audit import dead_letters as dead_letter_queue
from helpers.audit import reconcile as reconciling
from helpers.audit.dead_letters import dead_letters, replay_dead_letters
from helpers.core.cloud import Cloud
from helpers.core.waiting import wait_until
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import metric_values
from tests.unit.functions.lambdas import row
from tests.unit.stores.written import put_rows

BUCKET = datetime.min
MOST_SECONDS = 90


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """The time of this file's first test, as other files may run for half an hour before it."""
    global BUCKET
    BUCKET = datetime.fromtimestamp(time.time() // 60 * 60 - 300, UTC)


@pytest.fixture(scope="module")
def cloud(emulator) -> Cloud:
    cloud = Cloud(emulator.session, emulator.account, "letters", emulator.endpoint)
    for module in ("1-capture", "2-analyze", "3-visualize"):
        deploy(cloud, module)
    # Lambda retries for an hour, and a test can't wait for it.
    for source in cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        if ":letters-" in source["FunctionArn"]:
            cloud.client("lambda").update_event_source_mapping(
                UUID=source["UUID"], MaximumRetryAttempts=1, BisectBatchOnFunctionError=False
            )
    yield cloud
    destroy(cloud)


def rows(*items: str) -> list[dict]:
    """Rows of one beacon each."""
    return [row(1, item, int(BUCKET.timestamp())) for item in items]


def set_variable(cloud, function: str, variable: str, value: str) -> str:
    """Set an environment variable of a function; return its former value."""
    client, name = cloud.client("lambda"), cloud.name(function)
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {variable: value}}
    )
    return variables[variable]


def wait_for(read, expected):
    assert wait_until(read, MOST_SECONDS, lambda value: value == expected, 0.2) == expected


def failed_records(cloud, function: str) -> int:
    frame = dead_letters(cloud)
    return int(frame[frame["Function"] == function]["Records"].sum())


def stored(cloud, read=metric_values) -> dict[str, int]:
    frame = read(cloud, "top_pages", start=BUCKET, end=BUCKET + timedelta(seconds=1))
    return dict(zip(frame["Item"], frame["Value"], strict=True))


def shown(cloud) -> dict[str, int]:
    return stored(cloud, cloudwatch_values)


def put_letter(cloud, function: str, arrived: datetime) -> None:
    """Send a report of a batch to a function's queue, in Lambda's format."""
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


def test_an_invalid_row_does_not_make_a_batch_fail(cloud):
    put_rows(cloud, *rows("/before", "/after"), b"{no row")
    wait_for(lambda: stored(cloud), {"/before": 1, "/after": 1})
    wait_for(lambda: shown(cloud), {"/before": 1, "/after": 1})
    assert dead_letters(cloud).empty and replay_dead_letters(cloud).empty


def test_a_failed_batch_of_process_metrics_is_read_from_the_stream_again(cloud):
    table = set_variable(cloud, "process-metrics", "DETAILS_TABLE", "no-such-table")
    put_rows(cloud, *rows("/a", "/b", "/c"))
    wait_for(lambda: failed_records(cloud, "process-metrics"), 3)
    frame = dead_letters(cloud)  # leaves the messages in the queues
    assert set(frame["Reason"]) == {"RetryAttemptsExhausted"} and set(frame["Tries"]) == {2}
    assert not {"/a", "/b", "/c"} & set(stored(cloud))

    assert replay_dead_letters(cloud)["Outcome"].str.startswith("the function failed again").all()
    assert failed_records(cloud, "process-metrics") == 3

    set_variable(cloud, "process-metrics", "DETAILS_TABLE", table)
    assert set(replay_dead_letters(cloud)["Outcome"]) == {"done"}
    assert {"/a", "/b", "/c"} <= set(stored(cloud))
    assert dead_letters(cloud).empty and replay_dead_letters(cloud).empty
    wait_for(lambda: shown(cloud), stored(cloud))


def test_of_a_failed_batch_of_publish_metrics_only_the_missing_sums_are_put(cloud, monkeypatch):
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 0)
    table = set_variable(cloud, "publish-metrics", "CATALOG_TABLE", "no-such-table")
    put_rows(cloud, *rows("/d", "/e"))
    wait_for(lambda: failed_records(cloud, "publish-metrics"), 2)
    set_variable(cloud, "publish-metrics", "CATALOG_TABLE", table)
    put_rows(cloud, *rows("/f"))  # later batches are processed
    wait_for(lambda: shown(cloud).get("/f"), 1)
    assert sum(shown(cloud).values()) == sum(stored(cloud).values()) - 2

    assert set(replay_dead_letters(cloud)["Outcome"]) == {"done"}
    assert sum(shown(cloud).values()) == sum(stored(cloud).values())
    assert dead_letters(cloud).empty


def test_a_batch_that_is_too_old_to_be_compared_stays_in_its_queue(cloud):
    arrived = datetime.now(UTC).replace(microsecond=0)
    for hours in (1, 4):
        put_letter(cloud, "publish-metrics", arrived - timedelta(hours=hours))
    outcomes = replay_dead_letters(cloud).set_index("Since")["Outcome"]
    assert outcomes[arrived - timedelta(hours=1)] == "done"
    assert outcomes[arrived - timedelta(hours=4)].startswith("older than 3 hours")
    assert dead_letters(cloud)["Since"].tolist() == [arrived - timedelta(hours=4)]
    purge(cloud)


def test_reading_may_take_longer_than_the_visibility_timeout(cloud, monkeypatch):
    monkeypatch.setattr(dead_letter_queue, "RECEIVE_SECONDS", 0)  # visible again at once
    put_letter(cloud, "process-metrics", datetime.now(UTC))
    assert dead_letters(cloud)["Records"].tolist() == [2]
    purge(cloud)


def purge(cloud) -> None:
    sqs = cloud.client("sqs")
    for function in ("process-metrics", "publish-metrics"):
        url = sqs.get_queue_url(QueueName=cloud.name(f"{function}-failures"))["QueueUrl"]
        sqs.purge_queue(QueueUrl=url)
