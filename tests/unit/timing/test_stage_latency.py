"""Latency by stage: publish_metrics' own metrics, and `latency(cloud)` from all timestamps."""

import dataclasses
import time
from datetime import UTC, datetime

import pandas as pd
import pytest

from helpers.core.errors import WorkshopError
from helpers.timing import stage_latency as stage_times
from helpers.timing.stage_latency import END_TO_END, STAGES, Latency, latency, newest_latency
from tests.unit.functions.lambdas import (
    changes,
    container,
    kinesis_event,
    own_tables,
    put_catalog,
    row,
)


@pytest.fixture
def delay(emulator, monkeypatch):
    monkeypatch.setenv("PREFIX", "p")
    for table in ("CATALOG_TABLE", "PUBLISHED_TABLE"):
        monkeypatch.setenv(table, "t")
    for name, value in emulator.child_environment().items():
        monkeypatch.setenv(name, value)
    return container("publish_metrics").delay


def image(newest: float, updated: float) -> dict:
    times = {"NewestBeacon": newest, "UpdatedAt": updated}
    return {name: {"N": str(round(at * 1000))} for name, at in times.items()}


def test_delay_returns_the_seconds_since_the_click_and_since_the_table(delay):
    assert delay.seconds({"NewImage": image(100, 101.5)}, 102) == (2, 0.5)
    ahead = {"NewImage": image(103, 101.5)}
    assert delay.seconds(ahead, 102) == (0, 0.5), "a server's clock is ahead"


def test_a_row_that_a_late_beacon_changed_is_not_measured(delay):
    before = {"OldImage": image(100, 101)}
    assert delay.seconds(before | {"NewImage": image(100, 130)}, 131) is None
    assert delay.seconds(before | {"NewImage": image(128, 130)}, 131) == (3, 1)


def test_rows_of_hours_ago_and_rows_without_times_are_not_measured(delay):
    assert delay.seconds({"NewImage": image(0, 3601)}, 3601.5) is None
    for without_times in ({}, {"NewestBeacon": {"S": "x"}}):
        assert delay.seconds({"NewImage": without_times}, 1) is None
    assert delay.data([], 1) == []


def test_a_datum_has_at_most_as_many_values_as_cloudwatch_accepts(delay):
    pairs = [(n * 0.013, n * 0.7) for n in range(500)]
    for datum in delay.data(pairs, 1000):
        assert len(datum["Values"]) == len(datum["Counts"]) <= 150
        assert sum(datum["Counts"]) == 500
    (few, _) = delay.data([(1.004, 0), (1.001, 0), (2.5, 0)], 1000)
    assert dict(zip(few["Values"], few["Counts"], strict=True)) == {1.0: 2, 2.5: 1}


def test_publish_metrics_measures_the_changes_of_one_metric(emulator, monkeypatch):
    cloud = own_tables(emulator, monkeypatch)
    put_catalog(cloud, "event_count")
    put_catalog(cloud)
    process, publish = container("process_metrics"), container("publish_metrics")
    now = int(time.time())  # rounded up, it would be in the future
    fresh = {"NewestBeacon": (now - 5) * 1000, "EmittedAt": now * 1000}
    rows = [row(3, f"e{n}", now // 10 * 10, "event_count", **fresh) for n in range(4)]
    rows += [row(3, "/", now // 10 * 10, **fresh)]  # top_pages
    process.run(kinesis_event(rows), None)
    assert publish.run({"Records": changes(cloud)}, None) == {"batchItemFailures": []}
    measured = stage_times._published(cloud, stage_times.FROM_CLICK, time.time() - 60)
    assert measured["Count"] == 4 and 5 <= measured["p50"] < 60
    assert newest_latency(cloud) == measured["p50"]
    assert stage_times._published(cloud, stage_times.FROM_TABLE, time.time() - 60)["Count"] == 4


def test_a_row_is_measured_from_the_first_arrival_of_the_record_with_its_key():
    clicks = pd.DataFrame({"received": [1.0, 1.0, 2.0], "arrived": [1.5, 1.6, 2.5]})
    # The last row's beacon arrived before the records that were read.
    rows = pd.DataFrame({"newest": [1.0, 2.0, 9.0], "emitted": [2.0, 3.1, 9.9]})
    seconds = stage_times._since_arrival(rows, "emitted", "newest", clicks, "received")
    assert list(seconds.round(6)) == [0.5, 0.6]


def test_a_row_is_measured_only_if_it_is_the_first_to_count_its_newest_beacon():
    def sent(bucket: int, newest: int, emitted: int) -> dict:
        times = {"NewestBeacon": newest, "EmittedAt": emitted}
        return row(1, "click", bucket, "event_count", **times)

    late = sent(0, 5, 40)
    rows = [sent(0, 3, 4), sent(0, 5, 6), sent(10, 4, 8), late, sent(0, 3, 41), sent(0, 9, 42)]
    rows += [{}, sent(0, None, 43), sent(0, 44, "soon"), sent(0, 50, 51) | {"MetricType": "x"}]
    measured = list(stage_times._with_newer_beacon((each, 7.0) for each in rows))
    assert measured == [(3, 4, 7), (5, 6, 7), (4, 8, 7), (9, 42, 7)]


def test_further_copies_and_invalid_clicks_are_not_measured(monkeypatch):
    def record(data: str, at: float) -> dict:
        return {
            "Data": data.encode(),
            "ApproximateArrivalTimestamp": datetime.fromtimestamp(at, UTC),
        }

    click = '{"beacon_id": "a", "received_at": 1000, "shipped_at": %d}'
    records = [record("{no", 1), record("[]", 1), record('{"received_at": "x"}', 1)]
    records += [record(click % 1100, 1.2), record(click % 6100, 6.2)]
    monkeypatch.setattr(stage_times, "records", lambda *_: records)
    assert stage_times._clicks(None, 0).to_numpy().round(6).tolist() == [[1.0, 1.1, 1.2]]
    assert stage_times._sent_rows(None, 0).empty


def test_without_data_newest_latency_returns_none(emulator):
    nowhere = dataclasses.replace(emulator, prefix=f"n{time.time_ns()}")
    assert newest_latency(nowhere) is None
    with pytest.raises(WorkshopError, match="three hours"):
        latency(nowhere, minutes=600)


def test_a_latency_is_shown_as_a_sentence_a_picture_and_a_table():
    frame = pd.DataFrame(
        {"p50": [0.1, 0.0, 0.7, 0.2, 0.1, 0.1, 1.2], "p90": 1.1, "p99": 2.0, "Count": 9},
        index=[*STAGES, END_TO_END],
    )
    frame.insert(0, "What", [STAGES.get(stage, "all") for stage in frame.index])
    shown = Latency(frame, 2)
    assert "0.70 s, is spent at Flink" in repr(shown)
    assert shown.picture.png().startswith(b"\x89PNG")
    assert "<table" in shown._repr_html_() and f'alt="{shown.sentence}' in shown._repr_html_()
