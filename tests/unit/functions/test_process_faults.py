"""process_metrics when DynamoDB throttles, fails, hangs up or refuses."""

import json

import pytest

from tests.unit.functions.faulty_aws import CUT_OFF, FaultyAws
from tests.unit.functions.lambdas import container, kinesis_event, printed, row


@pytest.fixture
def faulty(cloud, monkeypatch):
    """Returns a container and a DynamoDB, which answers PutItem with its item's next `.answers`."""

    def answer(body):
        item = json.loads(body)["Item"]["MetricItem"]["S"]
        server.calls.append(item)
        return server.answers[item].pop(0) if server.answers.get(item) else (200, None)

    server = FaultyAws(answer)
    server.answers, server.calls = {}, []
    one = container("process_metrics")
    monkeypatch.setattr(one.store, "_endpoint", server.url)
    monkeypatch.setattr(one.store, "FIRST_PAUSE_SECONDS", 0.001)
    yield one, server
    server.close()


THROTTLED = (400, "ProvisionedThroughputExceededException")
BROKEN = (500, "InternalServerError")


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, CUT_OFF])
def test_a_temporary_failure_is_retried(faulty, fault):
    one, server = faulty
    server.answers["/cart"] = [fault, fault]
    assert one.run(kinesis_event([row(7)]), None) == {"batchItemFailures": []}
    assert server.calls == ["/cart"] * 3


def test_lambda_sends_the_first_failed_row_and_all_later_ones_again(faulty, capsys):
    one, server = faulty
    server.answers["/b"] = [THROTTLED] * 9
    batch = kinesis_event([row(7, item="/a"), row(7, item="/b"), row(7, item="/c"), b"bad"])
    number = batch["Records"][1]["kinesis"]["sequenceNumber"]
    assert one.run(batch, None) == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert server.calls.count("/b") == one.store.ATTEMPTS
    assert printed(capsys)[-1] | {"noted": 0} == {
        "function": "process_metrics",
        "records": 4, "puts": 2, "older": 0, "bad": 1, "failed": 1, "noted": 0,
    }  # fmt: skip


def test_all_rows_of_a_failed_key_are_sent_again(faulty):
    one, server = faulty
    server.answers["/b"] = [BROKEN] * 9
    batch = kinesis_event(
        [row(7, item="/a"), row(1, item="/b"), row(1, item="/c"), row(2, item="/b")]
    )
    number = batch["Records"][1]["kinesis"]["sequenceNumber"]
    assert one.run(batch, None) == {"batchItemFailures": [{"itemIdentifier": number}]}


def test_the_whole_batch_is_sent_again_if_its_first_row_failed(faulty):
    one, server = faulty
    server.answers["/a"] = [BROKEN] * 9
    with pytest.raises(Exception, match="InternalServerError"):
        one.run(kinesis_event([row(7, item="/a"), row(7, item="/b")]), None)


def test_a_permanent_failure_is_not_retried(faulty):
    one, server = faulty
    server.answers["/a"] = [(400, "AccessDeniedException")]
    with pytest.raises(Exception, match="AccessDeniedException"):
        one.run(kinesis_event([row(7, item="/a")]), None)
    assert server.calls == ["/a"]


def test_a_row_that_dynamodb_refuses_as_invalid_is_logged(faulty, capsys):
    one, server = faulty
    server.answers["/a"] = [(400, "ValidationException")]
    assert one.run(kinesis_event([row(7, item="/a")]), None) == {"batchItemFailures": []}
    assert [line.get("bad_row") for line in printed(capsys)] == ["ValidationException", None]
