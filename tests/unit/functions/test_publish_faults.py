"""publish_metrics with repeated batches, invalid records, and failures of CloudWatch."""

import json
import math
import time

import pytest

from helpers.core.paths import REPOSITORY
from helpers.planning.limits import units
from tests.unit.functions.faulty_aws import CUT_OFF, FaultyAws
from tests.unit.functions.lambdas import (
    catalog_row,
    container,
    kinesis_event,
    marks,
    printed,
    put_catalog,
    row,
)
from tests.unit.functions.metric_chain import HOUR


def test_a_repeated_batch_is_not_counted_again(chain, capsys):
    batches = [
        chain.send(row(samples, bucket=HOUR), row(samples, item="/", bucket=HOUR))
        for samples in (5, 9)
    ]
    # Lambda sends it to another container, or a new event source reads from the start.
    again = container("publish_metrics")
    again.run(batches[1], None)
    again.run({"Records": batches[0]["Records"] + batches[1]["Records"]}, None)
    assert [line["published_before"] for line in printed(capsys)[-2:]] == [2, 4]
    assert chain.total() == 18


def test_a_mark_of_an_earlier_version_in_the_catalog_is_respected_until_there_is_a_new_one(
    chain, capsys
):
    batch = chain.send(row(5, bucket=HOUR))
    number = batch["Records"][0]["dynamodb"]["SequenceNumber"]
    at = batch["Records"][0]["dynamodb"]["ApproximateCreationDateTime"]
    dynamodb = chain.cloud.client("dynamodb")
    dynamodb.delete_item(TableName=chain.cloud.name("Published"), Key={"Name": {"S": "published"}})
    dynamodb.update_item(
        TableName=chain.cloud.name("Metrics"),
        Key={"MetricType": {"S": "top_pages"}},
        UpdateExpression="SET PublishedUpTo = :number, PublishedAt = :at",
        ExpressionAttributeValues={":number": {"S": number.zfill(40)}, ":at": {"N": repr(at)}},
    )
    new = container("publish_metrics")
    new.run(batch, None)
    assert printed(capsys)[-1]["published_before"] == 1
    later = chain.send(row(9, bucket=HOUR), publish=new)
    container("publish_metrics").run({"Records": batch["Records"] + later["Records"]}, None)
    assert printed(capsys)[-1]["published_before"] == 2
    assert chain.total() == 9


def test_marks_of_all_metrics_are_one_small_item_and_the_catalog_is_not_written(chain, capsys):
    rows = json.loads((REPOSITORY / "assets" / "catalog.json").read_text(encoding="utf-8"))
    names = ["top_pages", *({row["MetricType"] for row in rows} - {"top_pages"})]
    for name in names[1:]:
        put_catalog(chain.cloud, name)
    before = [catalog_row(chain.cloud, name) for name in names]
    calls: list[str] = []
    for module in ("catalog", "published"):
        events = getattr(chain.publish, module)._dynamodb.meta.events
        events.register("before-call", lambda model, **_: calls.append(model.name))
    for samples in (3, 7):
        chain.send(*(row(samples, bucket=HOUR, metric=name) for name in names))
    # One write and one read of the marks for each batch, one read of the catalog for both; the
    # catalog is written only to admit an item.
    assert [name for name in calls if name != "UpdateItem"] == [
        "BatchGetItem",
        "GetItem",
        "GetItem",
    ]
    assert calls.count("UpdateItem") == len(names) + 2
    assert set(marks(chain.cloud)) == set(names)
    size = sum(len(f"m:{name}NumberAt") + 40 + 21 + 7 for name in names)
    assert math.ceil(size / 1024) == units().mark_units_a_look
    for row_before, name in zip(before, names, strict=True):
        now = catalog_row(chain.cloud, name)
        assert now.pop("Items") == {"SS": ["/cart"]}
        assert now | {"LatestEventTimestamp": {"N": "0"}} == row_before


def test_marks_of_a_container_leave_those_of_another_one(chain):
    put_catalog(chain.cloud, "agent_count")
    chain.send(row(5, bucket=HOUR))
    first = marks(chain.cloud)
    chain.send(row(5, bucket=HOUR, metric="agent_count"), publish=container("publish_metrics"))
    assert marks(chain.cloud)["top_pages"] == first["top_pages"]
    assert set(marks(chain.cloud)) == {"top_pages", "agent_count"}


def test_changes_outside_cloudwatchs_time_range_are_counted_and_not_put(chain, capsys):
    now = int(time.time())
    chain.send(row(1, bucket=now - 15 * 86400), row(2, bucket=now + 3 * 3600), row(4, bucket=HOUR))
    assert printed(capsys)[-1]["too_old_or_in_the_future"] == 2
    assert chain.total() == 4


POISON = {
    "no images": {"eventName": "MODIFY", "dynamodb": {"Keys": {}, "SequenceNumber": "1"}},
    "no metric row": {
        "eventName": "INSERT",
        "dynamodb": {"NewImage": {"MetricType": {"S": "x"}}, "SequenceNumber": "1"},
    },
    "no number": {
        "eventName": "INSERT",
        "dynamodb": {
            "NewImage": {"UnitValueInt": {"N": "many"}, "Samples": {"N": "1"}},
            "SequenceNumber": "1",
        },
    },
    "no event name": {"dynamodb": {}},
}


def test_an_invalid_record_is_logged_and_counted_and_does_not_block_others(chain, capsys):
    chain.process.run(kinesis_event([row(7, bucket=HOUR)]), None)
    capsys.readouterr()
    batch = {"Records": [*POISON.values(), *chain.new_changes()["Records"]]}
    assert chain.publish.run(batch, None) == {"batchItemFailures": []}
    lines = printed(capsys)
    assert sum("bad_record" in line for line in lines) == lines[-1]["bad"] == len(POISON)
    assert chain.total() == 7


@pytest.fixture
def faulty(chain, monkeypatch):
    """Returns a chain and its CloudWatch, which answers with the next of `.faults` (None: 200)."""

    def answer(body):
        server.bodies.append(body)
        fault = server.faults.pop(0) if server.faults else None
        server.calls.append(fault)
        if fault == "cut off":
            return CUT_OFF
        return {None: 200, "InternalServiceFault": 500}.get(fault, 400), fault

    server = FaultyAws(answer)
    server.faults, server.calls, server.bodies = [], [], []
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", server.url)
    chain.publish = container("publish_metrics")
    monkeypatch.setattr(chain.publish.cloudwatch, "FIRST_PAUSE_SECONDS", 0.001)
    yield chain, server
    server.close()


def test_data_have_high_resolution(faulty):
    chain, server = faulty
    chain.send(*(row(7, item=f"/{n}{'x' * 240}", bucket=HOUR) for n in range(90)))
    (body,) = server.bodies
    data = json.loads(body)["MetricData"]
    assert len(data) == 21
    assert {(datum["StorageResolution"], datum["Unit"]) for datum in data} == {(1, "Count")}


def test_a_throttled_call_is_retried(faulty):
    chain, server = faulty
    server.faults = ["Throttling", "ThrottlingException"]
    chain.send(row(7, bucket=HOUR))
    assert server.calls == ["Throttling", "ThrottlingException", None]


@pytest.mark.parametrize("fault", ["cut off", "InternalServiceFault"])
def test_a_call_that_may_have_been_counted_is_retried_only_by_lambda(faulty, fault, capsys):
    chain, server = faulty
    server.faults = [fault]
    chain.process.run(kinesis_event([row(7, bucket=HOUR)]), None)
    batch = chain.new_changes()
    with pytest.raises(Exception) as error:
        chain.publish.run(batch, None)
    assert server.calls == [fault]
    assert printed(capsys)[-1] == {
        "function": "publish_metrics", "error": repr(error.value), "records": 1, "failed": 1,
    }  # fmt: skip
    assert marks(chain.cloud) == {}
    assert chain.publish.run(batch, None) == {"batchItemFailures": []}
    assert server.calls == [fault, None]


def test_lambda_sends_only_changes_again_that_were_not_put(faulty, monkeypatch):
    chain, server = faulty
    monkeypatch.setattr(chain.publish.handler, "CHANGES_A_CALL", 2)
    chain.process.run(kinesis_event([row(7, item=f"/{n}", bucket=HOUR) for n in range(5)]), None)
    batch = chain.new_changes()
    server.faults = [None, "InternalServiceFault"]
    number = batch["Records"][2]["dynamodb"]["SequenceNumber"]
    answer = chain.publish.run(batch, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}
    # Even if the whole batch is sent again, the first two changes are not put again.
    assert chain.publish.run(batch, None) == {"batchItemFailures": []}
    assert server.calls == [None, "InternalServiceFault", None, None]
    assert len(catalog_row(chain.cloud)["Items"]["SS"]) == 5


def test_a_failed_write_of_the_marks_does_not_fail_the_batch(chain, capsys):
    chain.process.run(kinesis_event([row(7, bucket=HOUR)]), None)
    batch = chain.new_changes()
    put = chain.publish.handler.put

    def put_and_lose_the_table(data):
        result = put(data)
        chain.cloud.client("dynamodb").delete_table(TableName=chain.cloud.name("Published"))
        return result

    chain.publish.handler.put = put_and_lose_the_table
    assert chain.publish.run(batch, None) == {"batchItemFailures": []}
    assert printed(capsys)[-1]["not_noted"] == 1
    assert chain.total() == 7
