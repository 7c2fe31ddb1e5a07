"""What CloudWatch has after rows were rebuilt: the right values, whatever it had before."""

import pytest

from tests.unit.functions.lambdas import kinesis_event, put_catalog, row
from tests.unit.functions.metric_chain import HOUR, Chain

LATER = HOUR * 1000 + 7_200_000  # epoch ms
MEAN = "avg_pg_ld"


@pytest.fixture
def chain(cloud):
    put_catalog(cloud)
    put_catalog(cloud, MEAN, Statistic="Average", IsWholeNumber=False, Unit="Milliseconds")
    return Chain(cloud)


def lose(chain, metric="top_pages"):
    """Delete all rows of a metric."""
    dynamodb, table = chain.cloud.client("dynamodb"), chain.cloud.name("MetricDetails")
    for item in dynamodb.scan(TableName=table)["Items"]:
        if item["MetricType"]["S"] == metric:
            key = {name: item[name] for name in ("MetricType", "Bucket")}
            dynamodb.delete_item(TableName=table, Key=key)
    batch = chain.new_changes()
    assert {record["eventName"] for record in batch["Records"]} == {"REMOVE"}
    assert chain.publish.run(batch, None) == {"batchItemFailures": []}


def rebuilt(samples, item="/cart", bucket=HOUR, **fields):
    return row(samples, item, bucket, ArchivedUntil=LATER, **fields)


def mean(seconds, samples, bucket=HOUR, **fields):
    return row(samples, "All Pages", bucket, MEAN, UnitValueFloat=seconds, **fields)


@pytest.mark.parametrize("right", [10, 12, 3])
def test_a_lost_row_is_not_counted_a_second_time(chain, right):
    chain.send(row(10, bucket=HOUR))
    lose(chain)
    assert chain.read() == {"/cart": {HOUR: 10}}
    chain.send(rebuilt(right, PublishedTotal=10, PublishedSamples=10))
    assert chain.read() == {"/cart": {HOUR: right}}
    chain.send(row(right + 1, bucket=HOUR, EmittedAt=LATER + 1))
    assert chain.read() == {"/cart": {HOUR: right + 1}}


def test_a_rebuilt_row_that_cloudwatch_does_not_have_is_put(chain):
    chain.send(rebuilt(10, PublishedTotal=0, PublishedSamples=0))
    assert chain.read() == {"/cart": {HOUR: 10}}


def test_a_wrong_row_with_more_samples_is_corrected(chain):
    chain.send(row(10, bucket=HOUR), row(4, "/gone", HOUR))
    chain.send(rebuilt(7), rebuilt(0, "/gone"))
    assert chain.read() == {"/cart": {HOUR: 7}, "/gone": {HOUR: 0}}


@pytest.mark.parametrize(
    ("seconds", "samples"), [(1.5, 2), (8.0, 7), (3.0, 7), (2.0, 9), (0.0, 1), (100 / 3, 6)]
)
def test_a_wrong_mean_is_corrected_also_with_fewer_beacons(chain, seconds, samples):
    chain.send(mean(3.0, 7))
    chain.send(mean(seconds, samples, ArchivedUntil=LATER))
    assert chain.read(MEAN, "Average") == {"All Pages": {HOUR: pytest.approx(seconds)}}


def test_a_longer_period_has_the_right_mean_of_corrected_buckets(chain):
    for number, (wrong, count) in enumerate([(9.0, 10), (5.0, 14), (7.0, 12)]):
        chain.send(mean(wrong, count, HOUR + 10 * number))
    right = [(2.0, 8), (4.0, 9), (5.0, 7)]
    for number, (seconds, count) in enumerate(right):
        chain.send(mean(seconds, count, HOUR + 10 * number, ArchivedUntil=LATER))
    expected = sum(seconds * count for seconds, count in right) / 24
    assert chain.read(MEAN, "Average", 60) == {"All Pages": {HOUR: pytest.approx(expected)}}


def test_changes_of_a_mean_in_one_batch_are_corrected_together(chain):
    chain.send(mean(3.0, 9))
    for seconds, samples, at in ((2.0, 6, LATER), (1.0, 4, LATER + 1)):
        rows = [mean(seconds, samples, ArchivedUntil=at)]
        assert chain.process.run(kinesis_event(rows), None) == {"batchItemFailures": []}
    assert chain.publish.run(chain.new_changes(), None) == {"batchItemFailures": []}
    assert chain.read(MEAN, "Average") == {"All Pages": {HOUR: pytest.approx(1.0)}}


def test_a_lost_mean_is_not_counted_a_second_time(chain):
    chain.send(mean(3.0, 7))
    lose(chain, MEAN)
    chain.send(mean(2.5, 9, ArchivedUntil=LATER, PublishedTotal=21.0, PublishedSamples=7))
    assert chain.read(MEAN, "Average") == {"All Pages": {HOUR: pytest.approx(2.5)}}
    assert chain.read(MEAN, "SampleCount") == {"All Pages": {HOUR: 9}}


def test_a_mean_without_beacons_stays_in_cloudwatch(chain):
    chain.send(mean(3.0, 7))
    chain.send(mean(0.0, 0, ArchivedUntil=LATER))
    assert chain.read(MEAN, "Average") == {"All Pages": {HOUR: 3.0}}
