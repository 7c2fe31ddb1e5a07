"""Module 4's helpers, with the stacks and their functions, but without the Flink job."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from helpers.audit.snapshots import changed_since, differing, load_time_means, snapshot
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import wait_until
from helpers.dashboards.cloudwatch_dashboard import add_widget, dashboard, dashboard_json
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.flink_sql import sql_folder
from helpers.deployment.metric_catalog import add_metric
from helpers.stores.archive import FIELDS
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import catalog, metric_values
from tests.unit.functions.lambdas import row
from tests.unit.stores.written import put_object, put_rows

BUCKET = datetime.min


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """The time of this file's first test, as other files may run for half an hour before it."""
    global BUCKET
    BUCKET = datetime.fromtimestamp(time.time() // 10 * 10 - 300, UTC)


@pytest.fixture(scope="module")
def cloud(emulator) -> Cloud:
    cloud = Cloud(emulator.session, emulator.account, "extend", emulator.endpoint)
    for module in ("1-capture", "2-analyze", "3-visualize"):
        deploy(cloud, module)
    yield cloud
    destroy(cloud)


def send(cloud, metric: str, bucket: datetime, samples: int, item: str, **fields: object) -> None:
    """Put a row to the metrics stream, and wait until it is in the table."""
    put_rows(cloud, row(samples, item, int(bucket.timestamp()), metric, **fields))

    def is_stored() -> bool:
        rows = metric_values(cloud, metric, start=bucket, end=bucket + timedelta(seconds=1))
        return samples in rows[rows["Item"] == item]["Samples"].tolist()

    assert wait_until(is_stored, 10, delay=0.1), f"{metric} {item}: {samples} did not arrive"


def archive(cloud, load_times: list[int]) -> None:
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
        for n, ms in enumerate(load_times)
    ]
    put_object(cloud, *records, records[-1], hour=BUCKET.timestamp())


def test_add_metric_does_not_overwrite_a_catalog_row(cloud, capsys):
    words = {"title": "Load time", "unit": "Milliseconds", "statistic": "Average"}
    add_metric(cloud, "load", **words, max_items=3)
    assert capsys.readouterr().out == "✓ load is in the catalog.\n"
    add_metric(cloud, "load", **words | {"title": "Another"})
    assert capsys.readouterr().out == "✓ load is in the catalog already.\n"
    load = catalog(cloud).set_index("MetricType").loc["load"]
    assert (load.Title, load.Unit, load.Statistic) == ("Load time", "Milliseconds", "Average")
    assert (load.BucketSeconds, load.MaxItems, load.IsWholeNumber) == (10, 3, False)
    assert load.isna().LatestEventTimestamp


@pytest.mark.parametrize(
    ("words", "reason"),
    [({"unit": "Furlongs"}, "no unit 'Furlongs'"), ({"statistic": "Mean"}, "statistic 'Mean'")],
)
def test_add_metric_rejects_units_and_statistics_that_cloudwatch_does_not_have(
    cloud, words, reason
):
    with pytest.raises(WorkshopError, match=reason):
        add_metric(cloud, "odd", title="Odd", **words)
    assert "odd" not in set(catalog(cloud)["MetricType"])


def test_only_items_of_a_metric_with_a_catalog_row_are_dimension_values(cloud):
    add_metric(cloud, "mine", title="Mine", unit="Count", max_items=1)
    for metric, items in (("mine", ["a"]), ("unlisted", ["(other)"])):
        put_rows(cloud, row(7, "a", int(BUCKET.timestamp()), metric))
        assert wait_until(lambda m=metric: dimension_values(cloud, m), 10, delay=0.1) == items


def dimension_values(cloud, metric: str) -> list[str]:
    metrics = cloud.client("cloudwatch").list_metrics(
        MetricName=metric, Dimensions=[{"Name": "Stack", "Value": cloud.prefix}]
    )["Metrics"]
    dimensions = (dimension for each in metrics for dimension in each["Dimensions"])
    return [dimension["Value"] for dimension in dimensions if dimension["Name"] == "Item"]


def test_add_widget_adds_a_widget_once_below_the_others(cloud):
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


def test_add_widget_rejects_a_widget_without_a_title(cloud):
    with pytest.raises(WorkshopError, match="no title"):
        add_widget(cloud, {"metrics": [["N", "m"]]})


def test_a_snapshot_without_final_values_raises_an_error(cloud):
    with pytest.raises(WorkshopError, match="no final value"):
        snapshot(cloud, minutes=2)


def test_a_snapshot_has_final_values_only_and_changed_since_finds_their_changes(cloud):
    old = BUCKET - timedelta(minutes=5)
    now = datetime.fromtimestamp(time.time() // 10 * 10, UTC)
    send(cloud, "event_count", old, 100, "click")
    send(cloud, "event_count", now, 5, "click")
    send(cloud, "event_count", old, 0, "login")  # corrected by a rebuild
    before = snapshot(cloud)
    counts = before[before["Metric"] == "event_count"]
    assert counts["Value"].tolist() == [100]
    assert changed_since(cloud, before).empty
    send(cloud, "event_count", now, 6, "click")
    assert changed_since(cloud, before).empty
    send(cloud, "event_count", old, 107, "click")
    changed = changed_since(cloud, before)
    assert changed[["Metric", "Value", "Value_now"]].values.tolist() == [["event_count", 100, 107]]


def test_means_are_compared_in_three_sources_and_a_wrong_one_is_found(cloud):
    add_metric(cloud, "avg_pg_ld", title="Load", unit="Milliseconds", statistic="Average")
    load_times = [400, 401, 401]
    archive(cloud, load_times)
    send(cloud, "avg_pg_ld", BUCKET, 2, "All Pages", UnitValueFloat=400.5)
    assert len(differing(load_time_means(cloud, BUCKET))) == 1
    send(cloud, "avg_pg_ld", BUCKET, 3, "All Pages", UnitValueFloat=sum(load_times) / 3)
    wait_until(
        lambda: cloudwatch_values(cloud, "avg_pg_ld", start=BUCKET)["Value"].round(6).tolist(),
        10,
        lambda values: values == [round(1202 / 3, 6)],
        0.1,
    )
    means = load_time_means(cloud, BUCKET)
    assert means[["Samples", "DynamoDB_Samples"]].values.tolist() == [[3, 3]]
    assert differing(means).empty


def test_a_learners_statements_are_in_a_folder_outside_git(own_home):
    assert sql_folder() == own_home / "sql" == sql_folder()
    assert sql_folder().is_dir()
