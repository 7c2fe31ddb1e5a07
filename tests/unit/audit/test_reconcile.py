"""CloudWatch held against DynamoDB, through the functions as they are; and put right."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from helpers.audit import reconcile as reconciling
from helpers.audit.reconcile import (
    JUST_REPAIRED,
    MAXIMUM,
    MISSING,
    NO_ROW,
    ON_ITS_WAY,
    REPAIRED,
    SAMPLES,
    TOO_LARGE,
    TWICE,
    reconcile,
)
from helpers.core.errors import WorkshopError
from helpers.stores.cloudwatch import cloudwatch_values
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
    """The time of this file's first test: other files may run for half an hour before it."""
    global BUCKET
    BUCKET = int(time.time()) // 60 * 60 - 600


@pytest.fixture
def cloud(emulator, monkeypatch):
    # A row need not be a minute old here, nor a repair: CloudWatch's stand-in forgets nothing.
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 0)
    cloud = own_tables(emulator, monkeypatch)
    put_catalog(cloud)
    return cloud


class Functions:
    """Both functions, and the changes that lie between them."""

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
    return [
        (
            one["Metric"],
            int(one["Time"].timestamp()) - BUCKET,
            one["Item"],
            one["DynamoDB"],
            one["CloudWatch"],
            one["Verdict"],
        )
        for _, one in frame.fillna(0).iterrows()
    ]


def test_nothing_differs_where_nothing_went_wrong(cloud, functions):
    put_catalog(cloud, "visitor_count", BucketSeconds=60)
    functions.send(row(7, bucket=BUCKET), row(9, "All", BUCKET, metric="visitor_count"))
    functions.send(row(8, bucket=BUCKET), row(3, "/é", BUCKET + 10), row(4, "/%C3%A9", BUCKET + 10))
    frame = reconcile(cloud, repair=True)
    assert frame.empty and str(frame["Time"].dtype) == "datetime64[ns, UTC]"


def test_a_double_is_named_exactly_repaired_and_not_repaired_twice(cloud, functions):
    functions.send(row(7, bucket=BUCKET), row(5, "/", BUCKET), row(2, bucket=BUCKET + 10))
    put(cloud, Value=3.0)
    wrong = [("top_pages", 0, "/cart", 7, 10, TWICE)]
    assert rows(reconcile(cloud)) == rows(reconcile(cloud)) == wrong
    assert rows(reconcile(cloud, repair=True)) == [(*wrong[0][:5], REPAIRED)]
    assert reconcile(cloud, repair=True).empty and reconcile(cloud).empty
    shown = cloudwatch_values(cloud, "top_pages")
    assert shown[["Item", "Value"]].to_numpy().tolist() == [["/", 5], ["/cart", 7], ["/cart", 2]]


def test_a_batch_whose_answer_was_lost_is_taken_back(cloud, functions):
    """What the retry of a whole PutMetricData does, with the function's own data."""
    batch = functions.send(*(row(n, f"/{n % 5}", BUCKET + 10 * n) for n in range(1, 30)))
    # The note of what was published is what the lost answer lost.
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("Metrics"),
        Key={"MetricType": {"S": "top_pages"}},
        UpdateExpression="REMOVE PublishedUpTo, PublishedAt",
    )
    functions.publish.run(batch, None)
    frame = reconcile(cloud, repair=True)
    assert len(frame) == 29 and set(frame["Verdict"]) == {REPAIRED}
    assert (frame["CloudWatch"] == 2 * frame["DynamoDB"]).all()
    assert reconcile(cloud).empty


def test_what_never_came_is_put(cloud, functions):
    functions.store(row(7, bucket=BUCKET), row(1, "/", BUCKET + 20))
    functions.changes()  # given up
    assert {one[-1] for one in rows(reconcile(cloud))} == {MISSING}
    # Nothing was ever admitted, so it is put where publish_metrics would put it now.
    assert set(reconcile(cloud, repair=True)["Item"]) == {"(other)"}
    assert reconcile(cloud).empty
    assert cloudwatch_values(cloud, "top_pages")["Value"].sum() == 8


def test_what_waits_to_be_published_is_left_to_the_function(cloud, functions, monkeypatch):
    monkeypatch.setattr(reconciling, "_longest_try", lambda cloud: pd.Timedelta(hours=1))
    functions.store(row(7, bucket=BUCKET))
    assert [one[-1] for one in rows(reconcile(cloud, repair=True))] == [ON_ITS_WAY]
    functions.publish.run(functions.changes(), None)
    assert reconcile(cloud).empty


def test_a_row_that_changed_a_moment_ago_is_not_looked_at(cloud, functions, monkeypatch):
    functions.send(row(7, bucket=BUCKET))
    put(cloud, Value=7.0)
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 60)
    assert reconcile(cloud, repair=True).empty


def test_a_second_repair_within_a_minute_puts_nothing(cloud, functions, monkeypatch):
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 60)
    functions.send(row(7, bucket=BUCKET))
    put(cloud, Value=7.0)
    assert [one[-1] for one in rows(reconcile(cloud, repair=True))] == [REPAIRED]
    # As if CloudWatch, eventually consistent, did not show the repair yet.
    put(cloud, Value=7.0)
    assert [one[-1] for one in rows(reconcile(cloud, repair=True))] == [JUST_REPAIRED]
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


def test_an_item_that_was_admitted_only_later_is_no_difference(cloud, functions):
    put_catalog(cloud, MaxItems=1)
    functions.send(row(1, "/", BUCKET))
    functions.send(row(2, "/b", BUCKET), row(3, "/c", BUCKET))
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("Metrics"),
        Key={"MetricType": {"S": "top_pages"}},
        UpdateExpression="SET MaxItems = :n",
        ExpressionAttributeValues={":n": {"N": "9"}},
    )
    functions.send(row(4, "/b", BUCKET + 10))
    assert set(cloudwatch_values(cloud, "top_pages")["Item"]) == {"/", "/b", "(other)"}
    assert reconcile(cloud, repair=True).empty


def test_a_row_that_is_gone_did_happen_and_stays_counted(cloud, functions):
    functions.send(row(7, bucket=BUCKET))
    cloud.client("dynamodb").delete_item(
        TableName=cloud.name("MetricDetails"),
        Key={"MetricType": {"S": "top_pages"}, "Bucket": {"S": f"{BUCKET:016d}#/cart"}},
    )
    assert rows(reconcile(cloud, repair=True)) == [("top_pages", 0, "/cart", 0, 7, NO_ROW)]
    assert cloudwatch_values(cloud, "top_pages")["Value"].sum() == 7


def test_a_mean_that_lacks_samples_is_completed(cloud, functions):
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


def test_samples_too_many_and_a_maximum_are_only_reported(cloud, functions):
    put_catalog(cloud, "avg_pg_ld", Statistic="Average", IsWholeNumber=False)
    put_catalog(cloud, "event_anomaly", Statistic="Maximum", IsWholeNumber=False)
    functions.send(
        row(3, "All Pages", BUCKET, "avg_pg_ld", UnitValueFloat=20.0),
        row(3, "click", BUCKET, "event_anomaly", UnitValueFloat=1.5),
    )
    twice = {"SampleCount": 3.0, "Sum": 60.0, "Minimum": 20.0, "Maximum": 20.0}
    put(cloud, "avg_pg_ld", "All Pages", StatisticValues=twice)
    put(cloud, "event_anomaly", "click", Value=9.0)
    frame = reconcile(cloud, repair=True)
    assert Counter(frame["Verdict"]) == {SAMPLES: 1, MAXIMUM: 1}
    assert len(reconcile(cloud)) == 2


def test_a_row_beyond_what_cloudwatch_adds_up_does_not_stop_the_repair(cloud, functions):
    functions.store(row(7, bucket=BUCKET), row(5, "/huge", BUCKET))
    functions.changes()
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("MetricDetails"),
        Key={"MetricType": {"S": "top_pages"}, "Bucket": {"S": f"{BUCKET:016d}#/huge"}},
        UpdateExpression="SET UnitValueFloat = :huge REMOVE UnitValueInt",
        ExpressionAttributeValues={":huge": {"N": "1E+120"}},
    )
    cloud.client("dynamodb").update_item(
        TableName=cloud.name("Metrics"),
        Key={"MetricType": {"S": "top_pages"}},
        UpdateExpression="SET #items = :both, PublishedAt = :now",
        ExpressionAttributeNames={"#items": "Items"},
        ExpressionAttributeValues={
            ":both": {"SS": ["/cart", "/huge"]},
            ":now": {"N": str(time.time() + 60)},
        },
    )
    verdicts = reconcile(cloud, repair=True).set_index("Item")["Verdict"].to_dict()
    assert verdicts == {"/cart": REPAIRED, "/huge": TOO_LARGE}


def test_more_than_three_hours_are_refused(cloud):
    with pytest.raises(WorkshopError, match="three hours|3 hours"):
        reconcile(cloud, datetime.now(UTC) - timedelta(hours=4))
    assert reconcile(cloud, datetime.now(UTC) - timedelta(minutes=5)).empty
