"""PutRecords when the stream throttles, fails, or accepts only part of the records.

botocore's Stubber returns the answers, because the local emulator never throttles.
"""

import io
import json
import time

import boto3
import pytest
import shipping
from botocore.stub import ANY, Stubber
from notices import Notices
from shipping import GaveUpError, Shipper


@pytest.fixture
def client():
    return boto3.client(
        "kinesis",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(shipping, "BACKOFF_SECONDS", (0.001, 0.002))


def records(count: int, size: int = 0) -> list[dict]:
    return [{"beacon_id": f"s:1:{number}:0", "page": "p" * size} for number in range(count)]


def answer(*errors: str | None) -> dict:
    """Return an answer of PutRecords with an error or None for each record."""
    results = [
        {"ErrorCode": error, "ErrorMessage": "slow down"}
        if error
        else {"SequenceNumber": "1", "ShardId": "shard"}
        for error in errors
    ]
    failed = sum(error is not None for error in errors)
    return {"Records": results} | ({"FailedRecordCount": failed} if failed else {})


def stub_answers(stub: Stubber, *answers: dict) -> list[list[str]]:
    """Let the client return these answers; return a list to which each call's keys are added."""
    sent: list[list[str]] = []
    for each in answers:
        stub.add_response("put_records", each, {"StreamName": "clicks", "Records": ANY})
    stub.client.meta.events.register_first(
        "provide-client-params.kinesis.PutRecords",
        lambda params, **_: sent.append([entry["PartitionKey"] for entry in params["Records"]]),
    )
    return sent


def test_only_failed_records_are_put_again(client):
    output = io.StringIO()
    throttled = "ProvisionedThroughputExceededException"
    with Stubber(client) as stub:
        sent = stub_answers(
            stub,
            answer(None, throttled, None, "InternalFailure"),
            answer(throttled, None),
            answer(None),
        )
        shipper = Shipper(client, "clicks", Notices(output))
        shipper.ship(records(4))
        stub.assert_no_pending_responses()
    assert sent == [
        ["s:1:0:0", "s:1:1:0", "s:1:2:0", "s:1:3:0"],
        ["s:1:1:0", "s:1:3:0"],
        ["s:1:1:0"],
    ]
    assert (shipper.shipped, shipper.retries) == (4, 2)
    # Two warnings within five seconds: one is logged.
    (warning,) = map(json.loads, output.getvalue().splitlines())
    assert warning["message"] == f"2 of 4 records are put again: {throttled}"


def test_all_records_of_a_failed_call_are_put_again(client):
    with Stubber(client) as stub:
        stub.add_client_error("put_records", "ResourceNotFoundException", "no such stream")
        stub.add_client_error("put_records", "ExpiredTokenException", "expired")
        sent = stub_answers(stub, answer(None, None))
        shipper = Shipper(client, "clicks", Notices(io.StringIO()))
        shipper.ship(records(2))
        stub.assert_no_pending_responses()
    assert sent[-1] == ["s:1:0:0", "s:1:1:0"]
    assert (shipper.shipped, shipper.retries) == (2, 2)


@pytest.mark.parametrize(
    ("count", "size", "batches"),
    [(500, 0, [500]), (501, 0, [500, 1]), (12, 500_000, [10, 2])],
)
def test_a_batch_is_within_the_limits_of_one_call(client, count, size, batches):
    with Stubber(client) as stub:
        sent = stub_answers(stub, *(answer(*[None] * batch) for batch in batches))
        Shipper(client, "clicks", Notices(io.StringIO())).ship(records(count, size))
    assert [len(batch) for batch in sent] == batches


def test_shipping_stops_after_the_deadline(client):
    with Stubber(client) as stub:
        stub.add_client_error("put_records", "ResourceNotFoundException", "no such stream")
        shipper = Shipper(client, "clicks", Notices(io.StringIO()))
        shipper.deadline = time.monotonic() - 1
        with pytest.raises(GaveUpError):
            shipper.ship(records(2))
    assert shipper.shipped == 0


def test_each_batch_has_the_time_of_its_own_put(client, monkeypatch):
    sent = []

    def slow_put(params, **_):
        sent.append({json.loads(entry["Data"])["shipped_at"] for entry in params["Records"]})
        clock[0] += 60_000_000_000  # the put takes a minute

    clock = [1_795_500_000_000_000_000]
    with Stubber(client) as stub:
        stub_answers(stub, *(answer(*[None] * batch) for batch in (10, 2)))
        client.meta.events.register_first("provide-client-params.kinesis.PutRecords", slow_put)
        monkeypatch.setattr(shipping.time, "time_ns", lambda: clock[0])
        Shipper(client, "clicks", Notices(io.StringIO())).ship(records(12, 500_000))
    assert sent == [{1_795_500_000_000}, {1_795_500_060_000}]


def test_a_put_longer_than_the_limit_is_logged(client, monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(shipping, "LONGEST_PUT_SECONDS", -1)
    with Stubber(client) as stub:
        stub_answers(stub, answer(None, None))
        shipper = Shipper(client, "clicks", Notices(output))
        shipper.ship(records(2))
    assert shipper.shipped == 2
    (warning,) = map(json.loads, output.getvalue().splitlines())
    assert warning["message"].startswith("PutRecords took 0 s for 2 records")
