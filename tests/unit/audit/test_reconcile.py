"""`reconcile` compares CloudWatch with DynamoDB, as the functions filled them, and repairs it."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from helpers.audit import reconcile as reconciling
from helpers.audit.reconcile import MISSING, REPAIRED, TWICE, reconcile
from helpers.core.errors import WorkshopError
from helpers.stores import cloudwatch
from helpers.stores.cloudwatch import cloudwatch_values
from tests.unit.audit.ledger_world import delete
from tests.unit.functions.lambdas import (
    changes,
    container,
    kinesis_event,
    own_tables,
    put_catalog,
    put_datum,
    row,
)

BUCKET = 0


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """The time of this file's first test, as other files may run for half an hour before it."""
    global BUCKET
    BUCKET = int(time.time()) // 60 * 60 - 600


@pytest.fixture
def cloud(emulator, monkeypatch):
    # Rows and repairs of the last minute count, too, because the emulator is consistent.
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(cloudwatch, "SECONDS_UNTIL_READ", 0)
    cloud = own_tables(emulator, monkeypatch)
    put_catalog(cloud)
    return cloud


class Functions:
    """Both functions, and the changes that process_metrics wrote and publish_metrics read."""

    def __init__(self, cloud):
        self.cloud, self.position = cloud, 0
        self.process, self.publish = container("process_metrics"), container("publish_metrics")

    def send(self, *rows):
        self.store(*rows)
        batch = self.changes()
        assert self.publish.run(batch, None) == {"batchItemFailures": []}
        return batch

    def store(self, *rows):
        self.process.run(kinesis_event(list(rows)), None)

    def changes(self):
        records = changes(self.cloud)[self.position :]
        self.position += len(records)
        return {"Records": records}


@pytest.fixture
def functions(cloud):
    return Functions(cloud)


def put(cloud, metric="top_pages", item="/cart", bucket=None, **value):
    put_datum(cloud, metric, item, datetime.fromtimestamp(bucket or BUCKET, UTC), **value)


def rows(frame):
    """Metric, seconds after BUCKET, item, DynamoDB's and CloudWatch's sum, verdict."""
    columns = ["Metric", "Time", "Item", "DynamoDB", "CloudWatch", "Verdict"]
    seconds = (frame["Time"] - pd.Timestamp(BUCKET, unit="s", tz="UTC")).dt.total_seconds()
    return list(frame.assign(Time=seconds)[columns].fillna(0).itertuples(index=False, name=None))


def set_row(cloud, expression, **more):
    """Update the catalog's row of top_pages."""
    key = {"MetricType": {"S": "top_pages"}}
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("Metrics"), Key=key, UpdateExpression=expression, **more
    )


def test_without_failures_there_are_no_differences(cloud, functions):
    put_catalog(cloud, "visitor_count", BucketSeconds=60)
    functions.send(row(7, bucket=BUCKET), row(9, "All", BUCKET, metric="visitor_count"))
    functions.send(row(8, bucket=BUCKET), row(3, "/é", BUCKET + 10), row(4, "/%C3%A9", BUCKET + 10))
    frame = reconcile(cloud, repair=True)
    assert frame.empty and str(frame["Time"].dtype) == "datetime64[ns, UTC]"


def test_a_double_is_reported_and_repaired_once(cloud, functions):
    functions.send(row(7, bucket=BUCKET), row(5, "/", BUCKET), row(2, bucket=BUCKET + 10))
    put(cloud, Value=3.0)
    wrong = [("top_pages", 0, "/cart", 7, 10, TWICE)]
    assert rows(reconcile(cloud)) == rows(reconcile(cloud)) == wrong
    assert rows(reconcile(cloud, repair=True)) == [(*wrong[0][:5], REPAIRED)]
    assert reconcile(cloud, repair=True).empty and reconcile(cloud).empty
    shown = cloudwatch_values(cloud, "top_pages")
    assert shown[["Item", "Value"]].to_numpy().tolist() == [["/", 5], ["/cart", 7], ["/cart", 2]]


def test_a_batch_that_was_put_twice_is_removed_once(cloud, functions):
    batch = functions.send(*(row(n, f"/{n % 5}", BUCKET + 10 * n) for n in range(1, 30)))
    # The function has no record of the first call, so it puts the whole batch again.
    cloud.client("dynamodb").delete_item(
        TableName=cloud.name("Published"), Key={"Name": {"S": "published"}}
    )
    functions.publish.run(batch, None)
    frame = reconcile(cloud, repair=True)
    assert len(frame) == 29 and set(frame["Verdict"]) == {REPAIRED}
    assert (frame["CloudWatch"] == 2 * frame["DynamoDB"]).all()
    assert reconcile(cloud).empty


def test_missing_values_are_put(cloud, functions):
    functions.store(row(7, bucket=BUCKET), row(1, "/", BUCKET + 20))
    functions.changes()  # never published
    assert set(reconcile(cloud)["Verdict"]) == {MISSING}
    # No item was admitted yet, so the repair puts both where publish_metrics would put them now.
    assert set(reconcile(cloud, repair=True)["Item"]) == {"(other)"}
    assert reconcile(cloud).empty
    assert cloudwatch_values(cloud, "top_pages")["Value"].sum() == 8


def test_a_change_that_the_function_may_still_publish_is_not_repaired(
    cloud, functions, monkeypatch
):
    monkeypatch.setattr(reconciling, "_longest_try", lambda cloud: pd.Timedelta(hours=1))
    functions.store(row(7, bucket=BUCKET))
    assert list(reconcile(cloud, repair=True)["Verdict"]) == [reconciling.ON_ITS_WAY]
    functions.publish.run(functions.changes(), None)
    assert reconcile(cloud).empty


def test_a_row_that_changed_in_the_last_minute_is_not_compared(cloud, functions, monkeypatch):
    functions.send(row(7, bucket=BUCKET))
    put(cloud, Value=7.0)
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 60)
    assert reconcile(cloud, repair=True).empty


def test_a_second_repair_within_a_minute_puts_no_data(cloud, functions, monkeypatch):
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 60)
    functions.send(row(7, bucket=BUCKET))
    put(cloud, Value=7.0)
    assert list(reconcile(cloud, repair=True)["Verdict"]) == [REPAIRED]
    # As if CloudWatch, which is eventually consistent, did not return the repair yet.
    put(cloud, Value=7.0)
    assert list(reconcile(cloud, repair=True)["Verdict"]) == [reconciling.JUST_REPAIRED]
    assert cloudwatch_values(cloud, "top_pages")["Value"].sum() == 14


def test_items_of_other_are_compared_together(cloud, functions):
    put_catalog(cloud, MaxItems=2)
    functions.send(*(row(n, f"/{n}", BUCKET) for n in range(1, 6)))
    put(cloud, item="(other)", Value=4.0)
    shown = cloudwatch_values(cloud, "top_pages").set_index("Item")["Value"]
    others = shown["(other)"]
    wrong = [("top_pages", 0, "(other)", others - 4, others, REPAIRED)]
    assert rows(reconcile(cloud, repair=True)) == wrong and len(shown) == 3
    assert reconcile(cloud).empty


def test_an_item_that_was_admitted_later_is_no_difference(cloud, functions):
    put_catalog(cloud, MaxItems=1)
    functions.send(row(1, "/", BUCKET))
    functions.send(row(2, "/b", BUCKET), row(3, "/c", BUCKET))
    set_row(cloud, "SET MaxItems = :n", ExpressionAttributeValues={":n": {"N": "9"}})
    functions.publish = container("publish_metrics")  # the other one keeps the row for seconds
    functions.send(row(4, "/b", BUCKET + 10))
    assert set(cloudwatch_values(cloud, "top_pages")["Item"]) == {"/", "/b", "(other)"}
    assert reconcile(cloud, repair=True).empty


def test_a_deleted_row_stays_counted_in_cloudwatch(cloud, functions):
    functions.send(row(7, bucket=BUCKET))
    delete(cloud, "top_pages", BUCKET, "/cart")
    assert rows(reconcile(cloud, repair=True)) == [
        ("top_pages", 0, "/cart", 0, 7, reconciling.NO_ROW)
    ]
    assert cloudwatch_values(cloud, "top_pages")["Value"].sum() == 7


def test_the_missing_samples_of_a_mean_are_put(cloud, functions):
    put_catalog(cloud, "avg_pg_ld", Statistic="Average", IsWholeNumber=False, Unit="Milliseconds")
    mean = dict(item="All Pages", bucket=BUCKET, metric="avg_pg_ld")
    functions.send(row(3, UnitValueFloat=100 / 3, **mean))
    functions.store(row(7, UnitValueFloat=50.5, **mean))
    frame = reconcile(cloud, repair=True)
    assert list(frame["Verdict"]) == [REPAIRED]
    assert frame.iloc[0][["DynamoDB", "CloudWatch"]].tolist() == pytest.approx([353.5, 100])
    assert frame.iloc[0][["DynamoDB_Samples", "CloudWatch_Samples"]].tolist() == [7, 3]
    assert reconcile(cloud).empty
    assert cloudwatch_values(cloud, "avg_pg_ld")["Value"].tolist() == pytest.approx([50.5])


def test_a_mean_with_samples_of_doubles_is_right_or_is_corrected_with_more_of_the_right_ones(
    cloud, functions
):
    put_catalog(cloud, "avg_pg_ld", Statistic="Average", IsWholeNumber=False)
    later = BUCKET + 10
    for bucket in (BUCKET, later):
        functions.send(row(3, "All Pages", bucket, "avg_pg_ld", UnitValueFloat=20.0))
    for bucket, sum_ in ((BUCKET, 60.0), (later, 90.0)):
        twice = {"SampleCount": 3.0, "Sum": sum_, "Minimum": 20.0, "Maximum": 20.0}
        put(cloud, "avg_pg_ld", "All Pages", bucket, StatisticValues=twice)
    frame = reconcile(cloud, repair=True)
    assert list(frame["Verdict"]) == [REPAIRED]
    assert frame.iloc[0][["CloudWatch", "CloudWatch_Samples"]].tolist() == [150, 6]
    assert reconcile(cloud).empty
    assert cloudwatch_values(cloud, "avg_pg_ld")["Value"].tolist() == pytest.approx([20, 20])


def test_a_mean_of_no_beacon_and_a_maximum_are_only_reported(cloud, functions):
    put_catalog(cloud, "avg_pg_ld", Statistic="Average", IsWholeNumber=False)
    put_catalog(cloud, "event_anomaly", Statistic="Maximum", IsWholeNumber=False)
    functions.send(
        row(3, "All Pages", BUCKET, "avg_pg_ld", UnitValueFloat=20.0),
        row(3, "click", BUCKET, "event_anomaly", UnitValueFloat=1.5),
    )
    functions.store(
        row(0, "All Pages", BUCKET, "avg_pg_ld", UnitValueFloat=0.0, ArchivedUntil=BUCKET * 1000)
    )
    put(cloud, "event_anomaly", "click", Value=9.0)
    frame = reconcile(cloud, repair=True)
    assert Counter(frame["Verdict"]) == {reconciling.SAMPLES: 1, reconciling.MAXIMUM: 1}
    assert len(reconcile(cloud)) == 2


def test_a_row_that_is_too_large_for_cloudwatch_does_not_prevent_other_repairs(cloud, functions):
    functions.store(row(7, bucket=BUCKET), row(5, "/huge", BUCKET))
    functions.changes()
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("MetricDetails"),
        Key={"MetricType": {"S": "top_pages"}, "Bucket": {"S": f"{BUCKET:016d}#/huge"}},
        UpdateExpression="SET UnitValueFloat = :huge REMOVE UnitValueInt",
        ExpressionAttributeValues={":huge": {"N": "1E+120"}},
    )
    set_row(
        cloud,
        "SET #items = :both, PublishedAt = :now",  # as an earlier version of the function did
        ExpressionAttributeNames={"#items": "Items"},
        ExpressionAttributeValues={
            ":both": {"SS": ["/cart", "/huge"]},
            ":now": {"N": str(time.time() + 60)},
        },
    )
    verdicts = reconcile(cloud, repair=True).set_index("Item")["Verdict"].to_dict()
    assert verdicts == {"/cart": REPAIRED, "/huge": reconciling.TOO_LARGE}


def test_three_hours_are_compared_although_each_metric_takes_long(cloud, functions, monkeypatch):
    """On a busy machine the last metric of 21 was asked for more than CloudWatch keeps."""
    put_catalog(cloud, "event_count")
    late, values = [0.0], reconciling.cloudwatch_values

    def slow(*arguments, **keywords):
        late[0] += 50
        return values(*arguments, **keywords)

    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + late[0])
    monkeypatch.setattr(reconciling, "cloudwatch_values", slow)
    assert reconcile(cloud).empty


def test_a_start_of_more_than_three_hours_ago_raises_an_error(cloud):
    with pytest.raises(WorkshopError, match="three hours|3 hours"):
        reconcile(cloud, datetime.now(UTC) - timedelta(hours=4))
    assert reconcile(cloud, datetime.now(UTC) - timedelta(minutes=5)).empty
