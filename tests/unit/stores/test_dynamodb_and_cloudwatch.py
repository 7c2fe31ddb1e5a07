"""`metric_values`, `cloudwatch_values` and `catalog` read the stores as DataFrames."""

import time
from datetime import datetime, timedelta

import boto3
import pandas as pd
import pytest
from botocore.config import Config

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.stores import cloudwatch
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import catalog, metric_values
from tests.unit.functions.lambdas import container, kinesis_event, own_tables, put_catalog, row
from tests.unit.stores.written import at, moment, send

pytestmark = pytest.mark.usefixtures("now")


def test_metric_values_returns_the_rows_in_order(listed):
    send(
        listed,
        row(3, "/b", moment.earlier + 10),
        row(2, "/a", moment.earlier + 10),
        row(1, "/", moment.earlier),
        row(9, "/", moment.earlier, metric="event_count"),
        row(8, "/", moment.now - 3600),
    )
    frame = metric_values(listed, "top_pages")
    assert frame[["Time", "Item", "Value", "Samples"]].values.tolist() == [
        [at(moment.earlier), "/", 1, 1],
        [at(moment.earlier + 10), "/a", 2, 2],
        [at(moment.earlier + 10), "/b", 3, 3],
    ]
    assert frame.NewestBeacon[0] == pd.Timestamp(1795500000123, unit="ms", tz="UTC")
    assert abs(frame.UpdatedAt[0] - pd.Timestamp.now("UTC")) < timedelta(minutes=1)


@pytest.mark.parametrize("read", [metric_values, cloudwatch_values])
def test_start_and_end_select_the_buckets(listed, read):
    send(listed, *(row(n, f"/{n}", moment.earlier + 10 * n) for n in range(1, 5)))
    frame = read(listed, "top_pages", start=at(moment.earlier + 20), end=at(moment.earlier + 40))
    assert list(frame.Value) == [2, 3]
    assert list(frame.Time) == [at(moment.earlier + 20), at(moment.earlier + 30)]


def test_metric_values_reads_several_pages(listed):
    # A page of a DynamoDB query has at most 1 MB.
    rows = [row(1, f"{n:04d}{'x' * 900}", moment.earlier) for n in range(1500)]
    container("process_metrics").run(kinesis_event(rows), None)
    assert metric_values(listed, "top_pages").Value.sum() == 1500


def test_metric_values_never_scans_the_table(listed):
    calls = []
    listed.client("dynamodb").meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    metric_values(listed, "top_pages")
    assert sorted(calls) == ["GetItem", "Query"]
    send(listed, row(1, "/", moment.earlier))
    calls.clear()
    metric_values(listed, "top_pages")
    assert calls == ["Query"], "only an empty answer needs the catalog"


def test_a_mean_is_read_without_rounding(listed):
    put_catalog(listed, "avg_pg_ld", Statistic="Average", IsWholeNumber=False)
    send(listed, row(3, "All Pages", moment.earlier, "avg_pg_ld", UnitValueFloat=1 / 3))
    assert list(metric_values(listed, "avg_pg_ld").Value) == [1 / 3]
    frame = cloudwatch_values(listed, "avg_pg_ld")
    assert list(frame.Value) == [pytest.approx(1 / 3, rel=1e-15)]
    assert frame.Value.dtype == "float64"


DTYPES = {
    "Time": "datetime64[ns, UTC]",
    "Item": "object",
    "Value": "int64",
    "Samples": "int64",
    "NewestBeacon": "datetime64[ns, UTC]",
    "UpdatedAt": "datetime64[ns, UTC]",
}


def test_columns_and_types_are_the_same_with_and_without_rows(listed):
    def types():
        frames = (metric_values(listed, "top_pages"), cloudwatch_values(listed, "top_pages"),
                  catalog(listed))  # fmt: skip
        return [{name: str(kind) for name, kind in frame.dtypes.items()} for frame in frames]

    before = types()
    assert before[:2] == [DTYPES, dict(list(DTYPES.items())[:3])]
    send(listed, row(1, bucket=moment.earlier))
    assert types() == before


@pytest.mark.parametrize("period", [10, 60])
def test_cloudwatch_values_equal_metric_values(listed, period):
    send(listed, *(row(n, f"/{n % 3}", moment.earlier + 10 * n) for n in range(1, 13)))
    table = metric_values(listed, "top_pages")
    table["Time"] = table.Time.dt.floor(f"{period}s")
    table = table.groupby(["Time", "Item"], as_index=False).Value.sum()
    frame = cloudwatch_values(listed, "top_pages", period=period)
    pd.testing.assert_frame_equal(frame, table)


def test_cloudwatch_values_includes_the_current_bucket(listed):
    bucket = int(time.time()) // 10 * 10
    send(listed, row(7, bucket=bucket))
    assert list(cloudwatch_values(listed, "top_pages", minutes=1).Value) == [7]


def test_cloudwatch_values_reads_more_items_than_fit_into_one_call(listed, monkeypatch):
    monkeypatch.setattr(cloudwatch, "QUERIES_A_CALL", 3)
    put_catalog(listed, MaxItems=7)
    send(listed, *(row(2, f"/{n}", moment.earlier) for n in range(12)))
    frame = cloudwatch_values(listed, "top_pages")
    assert len(frame) == 8
    assert frame.set_index("Item").Value["(other)"] == 10
    assert frame.Value.sum() == 24


def test_a_metric_without_a_catalog_row_is_read_under_other(listed):
    send(listed, row(2, "/a", moment.earlier, "mine"), row(3, "/b", moment.earlier, "mine"))
    assert cloudwatch_values(listed, "mine").values.tolist() == [[at(moment.earlier), "(other)", 5]]
    assert list(metric_values(listed, "mine").Value) == [2, 3]


def test_the_catalog_has_a_row_for_each_metric(listed):
    put_catalog(listed, "avg_pg_ld", Statistic="Average", IsWholeNumber=False, MaxItems=1)
    send(listed, row(2, "/b", moment.earlier), row(2, "/a", moment.earlier))
    frame = catalog(listed)
    assert list(frame.MetricType) == ["avg_pg_ld", "top_pages"]
    assert list(frame.Items) == [[], ["/a", "/b"]]
    assert list(frame.MaxItems) == [1, 20]
    assert list(frame.IsWholeNumber) == [False, True]
    assert list(frame.LatestEventTimestamp) == [pd.NaT, at(moment.earlier)]


def test_an_empty_catalog_is_an_empty_frame(emulator, monkeypatch):
    frame = catalog(own_tables(emulator, monkeypatch))
    assert len(frame) == 0 and "MaxItems" in frame


def test_an_unknown_metric_raises_an_error_with_the_names_of_the_metrics(listed):
    for read in (metric_values, cloudwatch_values):
        with pytest.raises(WorkshopError, match=r'called "pages"(.|\n)*top_pages'):
            read(listed, "pages")


@pytest.mark.parametrize("period", [0, -10, 7, 15, 90])
def test_a_period_that_cloudwatch_does_not_have_raises_an_error(listed, period):
    with pytest.raises(WorkshopError, match="period"):
        cloudwatch_values(listed, "top_pages", period=period)


def test_short_periods_of_more_than_three_hours_raise_an_error(listed):
    with pytest.raises(WorkshopError, match="three hours"):
        cloudwatch_values(listed, "top_pages", minutes=200)
    assert len(cloudwatch_values(listed, "top_pages", minutes=200, period=60)) == 0
    assert len(cloudwatch_values(listed, "top_pages", minutes=180)) == 0


def test_invalid_times_raise_an_error(listed):
    for wrong in (
        {"minutes": 0},
        {"minutes": -5},
        {"start": at(moment.now), "end": at(moment.now - 10)},
        {"start": at(time.time() + 600)},
        {"start": datetime(2026, 11, 25)},  # no zone
    ):
        for read in (metric_values, cloudwatch_values):
            with pytest.raises(WorkshopError):
                read(listed, "top_pages", **wrong)


def test_an_unreachable_target_raises_an_error_that_mentions_connect():
    session = boto3.Session("test", "test", region_name="us-east-1")
    nowhere = Cloud(session, "000000000000", endpoint="http://127.0.0.1:9")
    # One attempt, as retries take time.
    nowhere._clients["dynamodb"] = session.client(
        "dynamodb", endpoint_url=nowhere.endpoint, config=Config(retries={"total_max_attempts": 1})
    )
    with pytest.raises(WorkshopError, match="connect"):
        catalog(nowhere)
