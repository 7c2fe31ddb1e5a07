"""publish_metrics with the emulator: CloudWatch's sums equal DynamoDB's values."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.functions.lambdas import (
    kinesis_event,
    own_tables,
    printed,
    put_catalog,
    row,
    stored,
)
from tests.unit.functions.metric_chain import HOUR, Chain


def test_a_datum_has_the_name_and_dimensions_of_the_dashboard(chain):
    chain.send(row(7, bucket=HOUR))
    (metric,) = chain.metrics()
    assert metric["MetricName"] == "top_pages"
    assert metric["Dimensions"] == [
        {"Name": "Stack", "Value": chain.cloud.prefix},
        {"Name": "Item", "Value": "/cart"},
    ]
    assert chain.read(period=1) == {"/cart": {HOUR: 7}}


@pytest.mark.parametrize("period", [10, 60, 3600])
def test_defect_20_a_corrected_value_is_counted_once(chain, period):
    for samples in (100, 107):
        chain.send(row(samples, bucket=HOUR))
    # A distinct count may decrease when Flink computes it again.
    chain.send(row(108, bucket=HOUR, UnitValueInt=105))
    assert chain.read(period=period) == {"/cart": {HOUR: 105}}


def test_several_changes_of_a_value_in_one_batch_are_one_datum(chain, capsys):
    for samples, value in ((100, 100), (107, 107), (108, 105)):
        chain.process.run(kinesis_event([row(samples, bucket=HOUR, UnitValueInt=value)]), None)
    capsys.readouterr()
    chain.publish.run(chain.new_changes(), None)
    assert printed(capsys) == [{"function": "publish_metrics", "records": 3, "data": 1, "calls": 1}]
    assert chain.read() == {"/cart": {HOUR: 105}}


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    counts=st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from(["/", "/cart", "/é"]), st.integers(1, 50)),
        min_size=1,
        max_size=12,
    ),
    size=st.integers(1, 12),
)
def test_sums_equal_dynamodb_over_every_period(emulator, counts, size):
    with pytest.MonkeyPatch.context() as patch:
        cloud = own_tables(emulator, patch)
        put_catalog(cloud)
        chain = Chain(cloud)
        rows = [row(n, item=item, bucket=HOUR + 450 * at) for at, item, n in counts]
        for start in range(0, len(rows), size):
            chain.send(*rows[start : start + size])
        for period in (10, 60, 3600):
            expected = {}
            for kept in stored(cloud).values():
                item = "/%C3%A9" if kept["MetricItem"] == "/é" else kept["MetricItem"]
                start = kept["EventTimestamp"] // period * period
                points = expected.setdefault(item, {})
                points[start] = points.get(start, 0) + kept["UnitValueInt"]
            assert chain.read(period=period) == expected


def test_a_mean_is_exact_over_every_period(cloud):
    put_catalog(cloud, "avg_pg_ld", Statistic="Average", Unit="Milliseconds")
    chain = Chain(cloud)
    times = [[120, 80, 3001, 17], [44, 44], [999]]
    for bucket, loads in enumerate(times):
        for n in range(1, len(loads) + 1):
            mean = sum(loads[:n]) / n
            chain.send(row(n, "All Pages", HOUR + 10 * bucket, "avg_pg_ld", UnitValueFloat=mean))
    means = {HOUR + 10 * n: sum(loads) / len(loads) for n, loads in enumerate(times)}
    assert chain.read("avg_pg_ld", "Average", 10)["All Pages"] == pytest.approx(means, rel=1e-15)
    everything = sum(times, [])
    for period in (60, 3600):
        (mean,) = chain.read("avg_pg_ld", "Average", period)["All Pages"].values()
        assert mean == pytest.approx(sum(everything) / len(everything), rel=1e-15)
        (count,) = chain.read("avg_pg_ld", "SampleCount", period)["All Pages"].values()
        assert count == len(everything)


def test_a_rounding_error_of_a_mean_is_not_put(cloud):
    put_catalog(cloud, "avg_pg_ld", Statistic="Average", Unit="Milliseconds")
    chain = Chain(cloud)
    for mean in (100.0, 100.00000000000001):
        chain.send(row(3, "All Pages", HOUR, "avg_pg_ld", UnitValueFloat=mean))
    assert chain.read("avg_pg_ld", "SampleCount") == {"All Pages": {HOUR: 3}}


def test_a_score_is_put_once(cloud):
    put_catalog(cloud, "event_anomaly", Statistic="Maximum", Unit="None")
    chain = Chain(cloud)
    for score in (0.0, 0.5, 3.5):
        chain.send(row(9, "click", HOUR, "event_anomaly", UnitValueFloat=score))
    chain.send(row(0, "click", HOUR + 10, "event_anomaly", UnitValueFloat=2.25))
    expected = {"click": {HOUR: 0, HOUR + 10: 2.25}}
    assert chain.read("event_anomaly", "Maximum") == expected
    assert set(chain.read("event_anomaly", "SampleCount")["click"].values()) == {1}


def test_scores_under_other_keep_their_maximum(cloud):
    put_catalog(cloud, "event_anomaly", Statistic="Maximum", Unit="None", MaxItems=0)
    chain = Chain(cloud)
    chain.send(
        *(row(9, item, HOUR, "event_anomaly", UnitValueFloat=score)
          for item, score in (("a", 0.0), ("b", 3.5), ("c", -1.0)))
    )  # fmt: skip
    assert chain.read("event_anomaly", "Maximum") == {"(other)": {HOUR: 3.5}}


def test_defect_3_an_expired_row_changes_nothing(chain, capsys):
    chain.send(row(7, bucket=HOUR))
    chain.cloud.client("dynamodb").delete_item(
        TableName=chain.cloud.name("MetricDetails"),
        Key={"MetricType": {"S": "top_pages"}, "Bucket": {"S": f"{HOUR:016d}#/cart"}},
    )
    batch = chain.new_changes()
    assert [record["eventName"] for record in batch["Records"]] == ["REMOVE"]
    assert chain.publish.run(batch, None) == {"batchItemFailures": []}
    assert printed(capsys)[-1]["removed"] == 1
    assert chain.total() == 7


def test_a_row_that_is_written_again_unchanged_is_not_put(chain, capsys):
    chain.send(row(7, bucket=HOUR))
    chain.send(row(7, bucket=HOUR))
    assert printed(capsys)[-1]["unchanged"] == 1
    assert chain.total() == 7
