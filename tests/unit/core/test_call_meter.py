"""Calls are counted by caller, and each request carries who made it."""

import threading

import pytest

from helpers.core.billed_units import USED_READS, USED_WRITES
from helpers.core.call_meter import caller, on_behalf_of
from helpers.core.cloud import Cloud
from helpers.dashboards import charts
from helpers.dashboards.charts import chart
from helpers.plotting.live_view import LiveBoard
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import catalog
from tests.unit.functions.lambdas import own_tables, put_catalog


@pytest.fixture
def cloud(emulator, monkeypatch) -> Cloud:
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/a b/3-visualize.ipynb")
    cloud = own_tables(emulator, monkeypatch)
    put_catalog(cloud)
    return Cloud(cloud.session, cloud.account, cloud.prefix, cloud.endpoint)


def counted(cloud: Cloud) -> dict[tuple[str, str], tuple[int, dict]]:
    return {(r.caller, r.operation): (r.calls, dict(r.units)) for r in cloud.counted_calls()[1]}


def test_calls_are_counted_by_notebook_and_outermost_public_helper(cloud, monkeypatch):
    monkeypatch.setattr(charts, "FIRST_VALUE_SECONDS", 0)  # no value will come
    catalog(cloud)
    chart(cloud, "top_pages")  # calls catalog() and cloudwatch_values()
    cloud.client("dynamodb").list_tables()  # in a cell
    found = counted(cloud)
    assert {name for name, _ in found} == {
        "3-visualize.catalog",
        "3-visualize.chart",
        "3-visualize.cell",
    }
    assert found["3-visualize.catalog", "Scan"][0] == 1
    assert found["3-visualize.chart", "GetMetricData"] == (1, {"million metrics read": 1e-6})


def test_a_request_carries_its_caller(cloud):
    sent = []
    client = cloud.client("kinesis")
    client.meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    client.list_streams()
    assert sent[0]["User-Agent"].decode().endswith(" workshop/3-visualize.cell")
    assert "user-agent" not in sent[0]["Authorization"].decode(), (
        "not signed: proxies may add to it"
    )


def test_a_thread_counts_for_the_helper_that_started_it(cloud):
    read = threading.Event()

    def look():
        cloud.client("kinesis").list_streams()
        if threading.current_thread().name == "live-metered":
            read.set()
        return "<p>", ""

    def live_dashboard_like():
        return LiveBoard(look, blank="", name="metered", period=0.01).start()

    with on_behalf_of("3-visualize.live_dashboard"):
        board = live_dashboard_like()
    assert read.wait(60)
    board.stop()
    assert {name for name, _ in counted(cloud)} == {"3-visualize.live_dashboard"}
    assert caller() == "3-visualize.cell"


def test_billed_units_are_those_of_aws(cloud):
    dynamodb, name = cloud.client("dynamodb"), cloud.name("Metrics")
    key = {"MetricType": {"S": "large"}}
    dynamodb.put_item(TableName=name, Item=key | {"Text": {"S": "x" * 5500}})
    dynamodb.get_item(TableName=name, Key=key, ConsistentRead=True)
    dynamodb.update_item(
        TableName=name,
        Key=key,
        UpdateExpression="SET A = :a",
        ExpressionAttributeValues={":a": {"N": "1"}},
    )
    dynamodb.put_item(
        TableName=cloud.name("MetricDetails"),
        Item={"MetricType": {"S": "m"}, "Bucket": {"S": "1"}},
    )
    dynamodb.get_item(TableName=cloud.name("MetricDetails"), Key={
        "MetricType": {"S": "m"}, "Bucket": {"S": "1"}}, ConsistentRead=True)  # fmt: skip
    units = {operation: units for (_, operation), (_, units) in counted(cloud).items()}
    # 5.5 KB: six write units, rewritten as a whole; two read units of 4 KB
    assert units["UpdateItem"] == {"million writes": pytest.approx(6e-6)}
    assert units["PutItem"] == {"million writes": pytest.approx(6e-6), USED_WRITES: 1}
    assert units["GetItem"] == {"million reads": pytest.approx(2e-6), USED_READS: 1}


def test_a_put_into_kinesis_is_billed_in_units_of_25_kb(cloud):
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName=cloud.name("puts"), ShardCount=1)
    records = [{"Data": b"x" * size, "PartitionKey": "k"} for size in (10, 700, 3000)]
    kinesis.put_records(StreamName=cloud.name("puts"), Records=records)
    kinesis.delete_stream(StreamName=cloud.name("puts"))
    units = {operation: units for (_, operation), (_, units) in counted(cloud).items()}
    assert units["PutRecords"] == {"million puts": pytest.approx(3e-6)}
    assert units["CreateStream"] == {}


def test_reading_metrics_is_billed_by_the_metric(cloud):
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("Metrics"),
        Key={"MetricType": {"S": "top_pages"}},
        UpdateExpression="SET #i = :i",
        ExpressionAttributeNames={"#i": "Items"},
        ExpressionAttributeValues={":i": {"SS": ["/a", "/b"]}},
    )
    cloudwatch_values(cloud, "top_pages")
    cloud.client("cloudwatch").list_metrics()
    cloud.client("cloudwatch").describe_alarms()
    units = {operation: units for (_, operation), (_, units) in counted(cloud).items()}
    assert units["GetMetricData"] == {"million metrics read": pytest.approx(3e-6)}  # and (other)
    assert units["ListMetrics"] == {"million CloudWatch calls": pytest.approx(1e-6)}
    assert units["DescribeAlarms"] == {}


def test_a_client_with_settings_of_its_own_is_counted_too(cloud):
    client = cloud.session.client("cloudwatch", endpoint_url=cloud.endpoint)
    cloud.watch(client)
    client.list_metrics()
    assert counted(cloud)["3-visualize.cell", "ListMetrics"][0] == 1
