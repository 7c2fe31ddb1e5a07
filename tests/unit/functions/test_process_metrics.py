"""process_metrics with the emulator's DynamoDB: equal rows result in equal tables."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.functions.lambdas import (
    catalog_row,
    container,
    kinesis_event,
    printed,
    put_catalog,
    row,
    stored,
)

KEY = ("top_pages", "0000001795500000#/cart")


@pytest.fixture
def run(cloud):
    return container("process_metrics").run


def values(cloud):
    return {key: item.get("UnitValueInt") for key, item in stored(cloud).items()}


def test_a_row_is_stored_with_all_its_fields(cloud, run):
    assert run(kinesis_event([row(7)]), None) == {"batchItemFailures": []}
    item = stored(cloud)[KEY]
    updated = item.pop("UpdatedAt")
    assert item.pop("ExpireTime") == updated // 1000 + 7 * 86400
    assert item == {
        "MetricType": "top_pages",
        "Bucket": "0000001795500000#/cart",
        "EventTimestamp": 1795500000,
        "MetricItem": "/cart",
        "UnitValueInt": 7,
        "Samples": 7,
        "NewestBeacon": 1795500000123,
        "EmittedAt": 1795500001456,
    }


def test_defect_1_a_late_row_replaces_the_value(cloud, run):
    for samples in (100, 107):
        run(kinesis_event([row(samples)]), None)
    assert values(cloud) == {KEY: 107}


def test_the_first_score_of_a_bucket_is_final(cloud, run):
    key = ("event_anomaly", "0000001795500000#click")
    for score, samples in ((2.5, 40), (1.1, 41), (0.9, 40)):
        scored = row(samples, "click", metric="event_anomaly", UnitValueFloat=score)
        assert run(kinesis_event([scored]), None) == {"batchItemFailures": []}
    item = stored(cloud)[key]
    assert (float(item["UnitValueFloat"]), item["Samples"]) == (2.5, 40)


def test_defect_2_the_row_expires_in_seven_days_in_seconds(cloud, run):
    run(kinesis_event([row(7)]), None)
    item = stored(cloud)[KEY]
    assert item["ExpireTime"] - item["UpdatedAt"] // 1000 == 604800
    assert len(str(item["ExpireTime"])) == 10


def test_defect_4_sixty_metrics_are_sixty_rows(cloud, run, capsys):
    rows = [row(7, item=f"/{n}") for n in range(60)]
    run(kinesis_event(rows), None)
    assert len(stored(cloud)) == 60
    assert printed(capsys)[-1] | {"function": 0} == {
        "function": 0, "records": 60, "puts": 60, "older": 0, "bad": 0, "failed": 0, "noted": 1,
    }  # fmt: skip


def test_defect_5_a_failed_write_fails_the_batch(cloud, run):
    cloud.client("dynamodb").delete_table(TableName=cloud.name("MetricDetails"))
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        run(kinesis_event([row(7)]), None)


def test_defect_6_the_two_table_names_are_the_only_settings(cloud, monkeypatch):
    monkeypatch.delenv("PREFIX")
    container("process_metrics").run(kinesis_event([row(7)]), None)
    assert values(cloud) == {KEY: 7}


def test_defect_7_the_latest_bucket_in_the_catalog_never_decreases(cloud, run):
    put_catalog(cloud)
    for bucket in (1795500020, 1795500000, 1795500030, 1795500010):
        run(kinesis_event([row(7, bucket=bucket)]), None)
    assert catalog_row(cloud)["LatestEventTimestamp"] == {"N": "1795500030"}
    # Another container, without this one's state.
    container("process_metrics").run(kinesis_event([row(8, bucket=1795500000)]), None)
    assert catalog_row(cloud)["LatestEventTimestamp"] == {"N": "1795500030"}


def test_the_catalog_is_written_once_for_each_metric_and_bucket(cloud, run, capsys):
    put_catalog(cloud)
    for samples in (1, 2, 3):
        run(kinesis_event([row(samples), row(samples, item="/")]), None)
    assert [line["noted"] for line in printed(capsys)] == [1, 0, 0]


def test_a_metric_without_a_catalog_row_gets_none(cloud, run):
    run(kinesis_event([row(7)]), None)
    assert values(cloud) == {KEY: 7}
    assert cloud.client("dynamodb").scan(TableName=cloud.name("Metrics"))["Items"] == []


@pytest.mark.parametrize("order", [(7, 107, 100), (107, 100, 7), (100, 7, 107)])
def test_defect_8_rows_of_one_key_in_one_batch_become_one_put(cloud, run, capsys, order):
    run(kinesis_event([row(samples) for samples in order]), None)
    assert values(cloud) == {KEY: 107}
    assert printed(capsys)[-1]["puts"] == 1


def test_of_two_rows_with_equal_samples_the_later_one_is_kept(cloud, run):
    run(kinesis_event([row(7, UnitValueInt=1), row(7, UnitValueInt=2)]), None)
    assert values(cloud) == {KEY: 2}
    run(kinesis_event([row(7, UnitValueInt=3)]), None)
    assert values(cloud) == {KEY: 3}


def test_an_older_row_does_not_overwrite_a_newer_one(cloud, run, capsys):
    run(kinesis_event([row(107)]), None)
    assert run(kinesis_event([row(100)]), None) == {"batchItemFailures": []}
    assert values(cloud) == {KEY: 107}
    assert printed(capsys)[-1]["older"] == 1


def test_defect_9_concurrent_containers_keep_the_newest_rows(cloud, capsys):
    containers = [container("process_metrics") for _ in range(3)]
    rows = [row(samples, item=f"/{n}") for n in range(10) for samples in range(1, 16)]
    orders = [random.Random(seed).sample(rows, len(rows)) for seed in range(3)]

    def work(process, order):
        for start in range(0, len(order), 25):
            process.run(kinesis_event(order[start : start + 25]), None)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, containers, orders))
    assert set(values(cloud).values()) == {15}


def test_defect_10_nothing_is_read(cloud, monkeypatch):
    calls = []
    process = container("process_metrics")
    process.catalog._dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    send = process.store._send
    monkeypatch.setattr(process.store, "_send", lambda body: calls.append("PutItem") or send(body))
    put_catalog(cloud)
    process.run(kinesis_event([row(7), row(8, item="/")]), None)
    assert sorted(calls) == ["PutItem", "PutItem", "UpdateItem"]


BAD_ROWS = {
    "not JSON": b"\xff\xfe",
    "no object": b"[]",
    "deeply nested": b"[" * 100_000,
    "no op": json.dumps({"after": row()}).encode(),
    "no after": b'{"op": "c", "after": null}',
    "no MetricType": row(metric=None),
    "blank MetricType": row(metric=" "),
    "MetricType not ASCII": row(metric="größe"),
    "no MetricItem": row(item=None),
    "bucket is text": row(bucket="1795500000"),
    "bucket is no integer": row(bucket=1795500000.5),
    "bucket is Long.MIN_VALUE": row(bucket=-(2**63)),
    "bucket in milliseconds": row(bucket=1795500000000),
    "oversize key": row(item="x" * 1008),
    "oversize key in UTF-8": row(item="é" * 504),
    "no Samples": row(samples=None),
    "Samples below zero": row(samples=-1),
    "Samples is true": row(samples=True),
    "no value": row(UnitValueInt=None),
    "two values": row(UnitValueInt=1, UnitValueFloat=1.0),
    "NaN": row(UnitValueFloat=float("nan")),
    "Infinity": row(UnitValueFloat=float("inf")),
    "NaN as Flink writes it": row(UnitValueFloat="NaN"),
    "beyond DynamoDB's numbers": row(UnitValueFloat=1e300),
    "beyond a double": row(UnitValueFloat=10**400),
    "beyond BIGINT": row(UnitValueInt=2**63),
    "NewestBeacon is text": row(NewestBeacon="now"),
}


def test_a_bad_row_is_logged_and_counted_and_does_not_block_others(cloud, run, capsys):
    rows = [each for bad in BAD_ROWS.values() for each in (bad, row(7))]
    assert run(kinesis_event(rows), None) == {"batchItemFailures": []}
    assert values(cloud) == {KEY: 7}
    *lines, summary = printed(capsys)
    assert len(lines) == len(BAD_ROWS) == summary["bad"]
    assert all(line["bad_row"] and line["sequence_number"] for line in lines)


def test_the_longest_key_fits(cloud, run):
    run(kinesis_event([row(7, item="x" * 1007), row(8, item="é" * 503)]), None)
    assert sorted(values(cloud).values()) == [7, 8]


def test_a_retraction_is_ignored(cloud, run):
    retracted = json.dumps({"before": row(9), "after": None, "op": "d"}).encode()
    run(kinesis_event([row(7), retracted]), None)
    assert values(cloud) == {KEY: 7}


@pytest.mark.parametrize("item", ["/é", "😀", "\x00\x1f", '"\\', "", " ", "a#b", "#", "x\ud800y"])
def test_any_item_is_stored_unchanged(cloud, run, item):
    run(kinesis_event([row(7, item=item)]), None)
    (kept,) = stored(cloud).values()
    assert kept["MetricItem"] == item.replace("\ud800", "\\ud800")
    assert kept["Bucket"] == f"0000001795500000#{kept['MetricItem']}"


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, 2**-44, 1e-100, 1.4e99, -0.0, 5e-324, 123456789.123, 3.0, 7]
)
def test_a_float_is_stored_exactly(cloud, run, value):
    run(kinesis_event([row(7, UnitValueFloat=value)]), None)
    (item,) = cloud.client("dynamodb").scan(TableName=cloud.name("MetricDetails"))["Items"]
    assert float(Decimal(item["UnitValueFloat"]["N"])) == (value if abs(value) > 1e-131 else 0)
    assert "UnitValueInt" not in item


# By key: the number of beacons in its successive rows.
HISTORIES = st.dictionaries(
    st.tuples(st.sampled_from(["top_pages", "event_count"]), st.sampled_from(["/", "/cart"])),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories=HISTORIES, data=st.data())
def test_the_table_is_the_same_for_any_order_and_repetition_of_rows(cloud, run, histories, data):
    rows = [
        row(samples, metric=metric, item=item, UnitValueInt=samples * 10)
        for (metric, item), history in histories.items()
        for samples in history
    ]
    twice = data.draw(st.permutations(rows + rows))
    size = data.draw(st.integers(1, len(twice)))
    for start in range(0, len(twice), size):
        run(kinesis_event(twice[start : start + size]), None)
    kept = {(key[0], item["MetricItem"]): item for key, item in stored(cloud).items()}
    for key, history in histories.items():
        assert kept[key]["UnitValueInt"] == max(history) * 10
    # All examples use the same table.
    for metric, bucket in stored(cloud):
        cloud.client("dynamodb").delete_item(
            TableName=cloud.name("MetricDetails"),
            Key={"MetricType": {"S": metric}, "Bucket": {"S": bucket}},
        )
