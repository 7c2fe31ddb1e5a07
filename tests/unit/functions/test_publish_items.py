"""The items that become CloudWatch metrics, and their dimension values."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.functions.lambdas import (
    catalog_row,
    container,
    kinesis_event,
    own_tables,
    put_catalog,
    row,
)
from tests.unit.functions.metric_chain import HOUR, Chain


def test_defect_15_at_most_max_items_become_metrics(cloud):
    put_catalog(cloud, MaxItems=3)
    chain = Chain(cloud)
    for start in (0, 5):
        chain.send(*(row(2, item=f"/{n}", bucket=HOUR) for n in range(start, start + 5)))
    admitted = catalog_row(cloud)["Items"]["SS"]
    assert len(admitted) == 3 and set(admitted) <= {f"/{n}" for n in range(5)}
    assert chain.read() == {item: {HOUR: 2} for item in admitted} | {"(other)": {HOUR: 14}}


def test_concurrent_containers_do_not_exceed_max_items(cloud):
    put_catalog(cloud, MaxItems=5)
    chain, count = Chain(cloud), 4
    batches = []
    for n in range(count):
        chain.process.run(
            kinesis_event([row(1, item=f"/{n}-{m}", bucket=HOUR) for m in range(6)]), None
        )
        batches.append(chain.new_changes())
    # Batches of a split shard may run at the same time.
    containers = [container("publish_metrics") for _ in range(count)]
    gate = threading.Barrier(count)
    for each in containers:
        read_metrics = each.handler.read_metrics
        each.handler.read_metrics = lambda names, read=read_metrics: (read(names), gate.wait())[0]
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda publish, batch: publish.run(batch, None), containers, batches))
    assert len(catalog_row(cloud)["Items"]["SS"]) == 5
    assert len(chain.metrics()) == 6
    assert chain.total() == 24


def test_unprocessed_keys_of_a_batch_are_read_one_by_one(cloud):
    put_catalog(cloud, MaxItems=5)
    chain, left_out = Chain(cloud), []

    def leave_out(parsed, **_):
        for table, rows in parsed["Responses"].items():
            keys = [{"MetricType": row["MetricType"]} for row in rows]
            left_out.extend(keys)
            parsed["UnprocessedKeys"] = {table: {"Keys": [*keys, {"MetricType": {"S": "none"}}]}}
            rows.clear()

    events = chain.publish.catalog._dynamodb.meta.events
    events.register("after-call.dynamodb.BatchGetItem", leave_out)
    chain.send(row(10, item="/a", bucket=HOUR))
    assert left_out and chain.read() == {"/a": {HOUR: 10}}


def raise_max_items(cloud, most):
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("Metrics"),
        Key={"MetricType": {"S": "top_pages"}},
        UpdateExpression="SET MaxItems = :most",
        ExpressionAttributeValues={":most": {"N": str(most)}},
    )


def test_an_admitted_item_stays_and_a_raised_limit_admits_further_items(cloud, monkeypatch):
    put_catalog(cloud, MaxItems=1)
    chain = Chain(cloud)
    # In two batches: rows of one batch are stored concurrently, in any order.
    chain.send(row(10, item="/a", bucket=HOUR))
    chain.send(row(5, item="/b", bucket=HOUR))
    raise_max_items(cloud, 2)
    # The container keeps the row for a few seconds, and reads it again then.
    chain.send(row(7, item="/b", bucket=HOUR))
    now = time.monotonic() + chain.publish.catalog.SECONDS_KEPT
    monkeypatch.setattr(chain.publish.catalog, "time", SimpleNamespace(monotonic=lambda: now))
    chain.send(row(12, item="/a", bucket=HOUR), row(10, item="/b", bucket=HOUR))
    assert chain.read() == {"/a": {HOUR: 12}, "(other)": {HOUR: 7}, "/b": {HOUR: 3}}


def test_items_that_another_container_admitted_are_known_to_one_with_an_older_row(cloud):
    put_catalog(cloud, MaxItems=2)
    chain, other = Chain(cloud), container("publish_metrics")
    chain.send(row(1, item="/a", bucket=HOUR))
    chain.send(row(2, item="/b", bucket=HOUR), publish=other)
    chain.send(row(4, item="/c", bucket=HOUR), row(5, item="/b", bucket=HOUR))
    assert chain.read() == {"/a": {HOUR: 1}, "/b": {HOUR: 5}, "(other)": {HOUR: 4}}
    assert sorted(catalog_row(cloud)["Items"]["SS"]) == ["/a", "/b"]


def test_a_metric_whose_row_is_added_gets_its_own_items_at_once(cloud):
    chain = Chain(cloud)
    chain.send(row(2, bucket=HOUR))
    put_catalog(cloud)
    chain.send(row(2, bucket=HOUR + 10))
    assert chain.read() == {"(other)": {HOUR: 2}, "/cart": {HOUR + 10: 2}}


def test_defect_19_two_stacks_have_separate_metrics(emulator, monkeypatch):
    for samples in (3, 4):
        cloud = own_tables(emulator, monkeypatch)
        put_catalog(cloud)
        chain = Chain(cloud)
        chain.send(row(samples, bucket=HOUR))
        assert chain.read() == {"/cart": {HOUR: samples}}


def test_a_metric_without_a_catalog_row_is_published_under_other(cloud):
    chain = Chain(cloud)
    chain.send(*(row(2, item=f"/{n}", bucket=HOUR, metric="mine") for n in range(30)))
    chain.send(row(4, "a", HOUR, "my_mean", UnitValueFloat=2.5))
    assert chain.read("mine") == {"(other)": {HOUR: 60}}
    assert chain.read("my_mean", "Average") == {"(other)": {HOUR: 2.5}}
    # No row is added, so its author can still add one.
    assert cloud.client("dynamodb").scan(TableName=cloud.name("Metrics"))["Items"] == []


@pytest.fixture
def dimension_value(cloud):
    return container("publish_metrics").dimension.dimension_value


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("/cart", "/cart"),
        ("/é", "/%C3%A9"),
        ("😀", "%F0%9F%98%80"),
        ("a\nb\x7f", "a%0Ab%7F"),
        (":x", "%3Ax"),
        ("a:x", "a:x"),
        ("", "(blank)"),
        (" \t\n", "(blank)"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("50%", "50%"),
    ],
)
def test_any_item_has_a_dimension_value(dimension_value, item, value):
    assert dimension_value(item) == value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(), max_size=400))
def test_any_dimension_value_is_valid_in_cloudwatch(dimension_value, item):
    value = dimension_value(item)
    assert 1 <= len(value) <= 255
    assert value.isascii() and value.isprintable() and value.strip() and value[0] != ":"


def test_long_items_with_the_same_beginning_have_different_values(dimension_value):
    assert len({dimension_value("x" * 300 + end) for end in "ab"} | {"x" * 255}) == 3
    assert dimension_value("x" * 255) == "x" * 255
    assert len(dimension_value("é" * 200)) == 255


def test_items_that_share_a_dimension_value_add_up(chain):
    items = ("/é", "/%C3%A9", "(other)", "(blank)", "", " ")
    chain.send(*(row(2, item=item, bucket=HOUR) for item in items))
    assert chain.read() == {
        "/%C3%A9": {HOUR: 4}, "(blank)": {HOUR: 6}, "(other)": {HOUR: 2},
    }  # fmt: skip
    assert sorted(catalog_row(chain.cloud)["Items"]["SS"]) == ["(blank)", "/%C3%A9"]


def test_an_unknown_unit_is_published_as_none(cloud):
    put_catalog(cloud, Unit="Clicks")
    chain = Chain(cloud)
    chain.send(row(7, bucket=HOUR))
    assert chain.total() == 7
