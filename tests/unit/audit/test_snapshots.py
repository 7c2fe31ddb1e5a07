"""Module 4's helpers, against the stacks and their Lambdas: all but the Flink job."""

import gzip
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from helpers.audit.snapshots import changed_since, differing, load_time_means, snapshot
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.dashboards.cloudwatch_dashboard import add_widget, dashboard, dashboard_json
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.flink_sql import sql_folder
from helpers.deployment.metric_catalog import add_metric
from helpers.stores.archive import FIELDS
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import catalog, metric_values

BUCKET = datetime.min


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """The time of this file's first test: other files may run for half an hour before it."""
    global BUCKET
    BUCKET = datetime.fromtimestamp(time.time() // 10 * 10 - 300, UTC)


@pytest.fixture(scope="module")
def cloud(emulator) -> Cloud:
    cloud = Cloud(emulator.session, emulator.account, "extend", emulator.endpoint)
    for module in ("1-capture", "2-analyze", "3-visualize"):
        deploy(cloud, module)
    yield cloud
    destroy(cloud)


def put(cloud, metric: str, bucket: datetime, value: float, samples: int, item: str) -> None:
    """Send a row as Flink does."""
    whole = isinstance(value, int)
    row = {
        "MetricType": metric,
        "EventTimestamp": int(bucket.timestamp()),
        "MetricItem": item,
        "UnitValueInt": value if whole else None,
        "UnitValueFloat": None if whole else value,
        "Samples": samples,
        "NewestBeacon": int(bucket.timestamp() * 1000),
        "EmittedAt": int(time.time() * 1000),
    }
    data = json.dumps({"before": None, "after": row, "op": "c"}).encode()
    cloud.client("kinesis").put_record(
        StreamName=cloud.name("metrics"), Data=data, PartitionKey=metric
    )


def send(cloud, metric: str, bucket: datetime, value: float, samples: int, item: str) -> None:
    """Send a row, and wait until it stands in the table."""
    put(cloud, metric, bucket, value, samples, item)
    for _ in range(100):
        found = metric_values(cloud, metric, start=bucket, end=bucket + timedelta(seconds=1))
        if samples in found[found["Item"] == item]["Samples"].tolist():
            return
        time.sleep(0.1)
    raise AssertionError(f"{metric} {item}: {value} did not arrive")


def archive(cloud, load_times: list[int], **fields: object) -> None:
    """Archive one page view for each load time, the last of them twice."""
    at = int(BUCKET.timestamp() * 1000)
    records = [
        dict.fromkeys(FIELDS)
        | {
            "beacon_id": f"a:1:{n}",
            "requested_at": at,
            "request": "GET /beacon HTTP/1.1",
            "response": 200,
            "custom_metric_name": "page_load_time",
            "custom_metric_int_value": ms,
            "received_at": at + n,
            "shipped_at": at + n,
        }
        | fields
        for n, ms in enumerate(load_times)
    ]
    body = "".join(json.dumps(record) + "\n" for record in [*records, records[-1]])
    key = BUCKET.strftime("beacons/year=%Y/month=%m/day=%d/hour=%H/one.gz")
    cloud.client("s3").put_object(
        Bucket=cloud.bucket("archive"), Key=key, Body=gzip.compress(body.encode())
    )


def test_a_metric_is_put_once_and_never_overwritten(cloud, capsys):
    words = {"title": "Load time", "unit": "Milliseconds", "statistic": "Average"}
    add_metric(cloud, "load", **words, max_items=3)
    assert capsys.readouterr().out == "✓ load is in the catalog.\n"
    add_metric(cloud, "load", **words | {"title": "Another"})
    assert capsys.readouterr().out == "✓ load is in the catalog already.\n"
    row = catalog(cloud).set_index("MetricType").loc["load"]
    assert (row.Title, row.Unit, row.Statistic) == ("Load time", "Milliseconds", "Average")
    assert (row.BucketSeconds, row.MaxItems, row.IsWholeNumber) == (10, 3, False)
    assert row.isna().LatestEventTimestamp


@pytest.mark.parametrize(
    ("words", "reason"),
    [({"unit": "Furlongs"}, "no unit 'Furlongs'"), ({"statistic": "Mean"}, "statistic 'Mean'")],
)
def test_what_cloudwatch_does_not_know_is_refused(cloud, words, reason):
    with pytest.raises(WorkshopError, match=reason):
        add_metric(cloud, "odd", title="Odd", **words)
    assert "odd" not in set(catalog(cloud)["MetricType"])


def test_a_metric_of_ones_own_reaches_cloudwatch_by_name_and_one_without_a_row_does_not(cloud):
    add_metric(cloud, "mine", title="Mine", unit="Count", max_items=1)
    send(cloud, "mine", BUCKET, 7, 7, "a")
    put(cloud, "nobodys", BUCKET, 7, 7, "a")
    for metric, items in (("mine", ["a"]), ("nobodys", ["(other)"])):
        assert shown(cloud, metric) == items


def shown(cloud, metric: str) -> list[str]:
    for _ in range(100):
        pages = cloud.client("cloudwatch").list_metrics(
            MetricName=metric, Dimensions=[{"Name": "Stack", "Value": cloud.prefix}]
        )["Metrics"]
        found = [
            dimension["Value"]
            for one in pages
            for dimension in one["Dimensions"]
            if dimension["Name"] == "Item"
        ]
        if found:
            return found
        time.sleep(0.1)
    return []


def test_a_widget_is_added_once_below_the_others_and_can_be_drawn(cloud):
    before = dashboard_json(cloud)["widgets"]
    line = ["RealtimeWebAnalytics", "mine", "Stack", cloud.prefix, "Item", "a"]
    for stat in ("Sum", "Average"):
        add_widget(cloud, {"title": "Mine", "stat": stat, "period": 10, "metrics": [line]})
    after = dashboard_json(cloud)["widgets"]
    assert after[:-1] == before
    new = after[-1]
    assert new["y"] == max(w["y"] + w["height"] for w in before)
    assert (new["x"], new["width"], new["properties"]["stat"]) == (0, 24, "Average")
    assert new["properties"]["region"] == cloud.region
    assert "Mine" in dashboard(cloud).sentence


def test_a_widget_without_a_title_is_refused(cloud):
    with pytest.raises(WorkshopError, match="no title"):
        add_widget(cloud, {"metrics": [["N", "m"]]})


def test_a_snapshot_of_nothing_says_what_to_do(cloud):
    with pytest.raises(WorkshopError, match="no final value"):
        snapshot(cloud, minutes=2)


def test_a_snapshot_leaves_out_what_may_still_change_and_sees_what_did(cloud):
    old = BUCKET - timedelta(minutes=5)
    now = datetime.fromtimestamp(time.time() // 10 * 10, UTC)
    send(cloud, "event_count", old, 100, 100, "click")
    send(cloud, "event_count", now, 5, 5, "click")
    before = snapshot(cloud)
    counts = before[before["Metric"] == "event_count"]
    assert counts["Value"].tolist() == [100]
    assert changed_since(cloud, before).empty
    send(cloud, "event_count", now, 6, 6, "click")
    assert changed_since(cloud, before).empty
    send(cloud, "event_count", old, 107, 107, "click")
    changed = changed_since(cloud, before)
    assert changed[["Metric", "Value", "Value_now"]].values.tolist() == [["event_count", 100, 107]]


def test_means_are_compared_in_three_places_and_a_wrong_one_is_found(cloud):
    add_metric(cloud, "avg_pg_ld", title="Load", unit="Milliseconds", statistic="Average")
    load_times = [400, 401, 401]
    archive(cloud, load_times)
    send(cloud, "avg_pg_ld", BUCKET, 400.5, 2, "All Pages")
    assert len(differing(load_time_means(cloud, BUCKET))) == 1
    send(cloud, "avg_pg_ld", BUCKET, sum(load_times) / 3, 3, "All Pages")
    for _ in range(100):
        values = cloudwatch_values(cloud, "avg_pg_ld", start=BUCKET)["Value"]
        if values.round(6).tolist() == [round(1202 / 3, 6)]:
            break
        time.sleep(0.1)
    means = load_time_means(cloud, BUCKET)
    assert means[["Samples", "DynamoDB_Samples"]].values.tolist() == [[3, 3]]
    assert differing(means).empty


def test_statements_of_ones_own_are_kept_outside_git(own_home):
    assert sql_folder() == own_home / "sql" == sql_folder()
    assert sql_folder().is_dir()
