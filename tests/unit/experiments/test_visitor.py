"""A visitor of the learner's own: which values the page views change, and what is refused."""

import json
import time

import pandas as pd
import pytest

from helpers.audit.recount import shortened
from helpers.audit.recounted_visits import METRICS, recounted_visits
from helpers.core.errors import WorkshopError
from helpers.experiments import past_beacons, visitor
from helpers.experiments.visitor import Visitor, newest_edge
from helpers.stores.archive import FIELDS, field_column

NOTHING = pd.DataFrame(columns=["Time", "Item", "Value", "Metric"]).astype(
    {"Time": "datetime64[ns, UTC]", "Value": "int64"}
)
CELL = ["Metric", "Item", "Before", "After"]


class Pipeline:
    """A Cloud whose stream a job reads that counts as pandas does."""

    endpoint = None

    def __init__(self, gap="30min"):
        self.records, self.gap, self.journal = [], pd.Timedelta(gap), []
        self.counted_of = None

    def name(self, what):
        return f"rwa-{what}"

    def client(self, service):
        assert service == "kinesis"
        return self

    def put_records(self, StreamName, Records):
        self.records += [json.loads(record["Data"]) for record in Records]
        return {"Records": [{"SequenceNumber": "1"} for _ in Records]}

    def values(self, cloud, metric, start, end):
        counts = self.counted()
        inside = counts["Time"].ge(start) & counts["Time"].lt(end)
        return counts[inside & (counts["Metric"] == metric)].drop(columns="Metric")

    def counted(self):
        of = len(self.records), self.gap
        if of != self.counted_of:
            frame = pd.DataFrame({name: field_column(self.records, name) for name in FIELDS})
            self.counts = recounted_visits(frame, shortened, self.gap) if of[0] else NOTHING
            self.counted_of = of
        return self.counts


@pytest.fixture
def pipeline(monkeypatch):
    """A pipeline that has counted as soon as the records are put."""
    pipeline = Pipeline()
    monkeypatch.setattr(visitor, "metric_values", pipeline.values)
    monkeypatch.setattr(past_beacons, "note", lambda cloud, fact: pipeline.journal.append(fact))
    return pipeline


def changes(table):
    return [tuple(row) for row in table[CELL].itertuples(index=False)]


def test_a_visit_has_its_seconds_pages_and_source(pipeline):
    table = Visitor(pipeline, "ann").views([50, 49, 46], ["/a", "/b", "/c"], source="newsletter")
    assert changes(table) == [
        ("visit_count", "All Visits", 0, 1),
        ("visit_seconds", "All Visits", 0, 240),
        ("entry_pages", "/a", 0, 1),
        ("exit_pages", "/c", 0, 1),
        ("source_count", "newsletter", 0, 1),
    ]
    assert [each["expect"] for each in pipeline.journal] == ["accepted"] * 3
    assert {each["status"] for each in pipeline.journal} == {200}


def test_a_late_view_makes_one_visit_of_two(pipeline):
    cem = Visitor(pipeline, "cem")
    first = cem.views([45, 45 - 30 - 1 / 60])
    assert first.query("Metric == 'visit_count'")["After"].tolist() == [1, 1]
    assert "2 visits, 2 bounces (DynamoDB: 2 visits)" in cem.timeline().sentence
    late = cem.views(30)
    minutes = sorted(set(first["Time"]))
    second = late[late["Time"] == minutes[1]]
    assert changes(second)[0] == ("visit_count", "All Visits", 1, 0)
    assert changes(late[late["Time"] == minutes[0]])[1] == ("visit_seconds", "All Visits", 0, 1801)
    assert "1 visit, 0 bounces (DynamoDB: 1 visit)" in cem.timeline().sentence


def test_another_gap_divides_them_again(pipeline):
    cem = Visitor(pipeline, "cem")
    cem.views([45, 30, 15])
    pipeline.gap = pd.Timedelta("10min")
    sentence = cem.timeline(gap_minutes=10).sentence
    assert "by a gap of 10 minutes: 3 visits, 3 bounces (DynamoDB: 3 visits)" in sentence


def test_across_the_hour_the_clock_counts_two(pipeline, capsys):
    ben = Visitor(pipeline, "ben")
    ben.views_across_the_hour()
    sentence = ben.timeline().sentence
    assert "by a gap of 30 minutes: 1 visit, 0 bounces" in sentence
    assert "of the clock: 2 visits, 2 bounces" in sentence or "clock hour: 2 visits" in sentence
    assert "10 s before and 20 s after" in capsys.readouterr().out


def test_visits_of_others_on_the_same_page_are_left_out(pipeline):
    Visitor(pipeline, "other").views([20], "/same")
    ann = Visitor(pipeline, "ann")
    table = ann.views([20], "/same")
    assert ("entry_pages", "/same", 1, 2) in changes(table)
    assert "(DynamoDB: 1 visit)" in ann.timeline().sentence


def test_at_each_second_of_the_hour_both_views_lie_in_the_last_hour():
    for second in range(3600):
        now = 1_795_500_000 // 3600 * 3600 + second
        minutes, edge = newest_edge(now)
        assert edge % (minutes * 60) == 0
        assert now - 3600 < edge - 10 < edge + 20 < now
        assert minutes == 60 or not 60 <= second <= 58 * 60


def test_a_job_that_has_not_counted_is_named_with_the_next_step(pipeline, monkeypatch):
    monkeypatch.setattr(visitor, "COUNTED_SECONDS", 0)
    monkeypatch.setattr(pipeline, "put_records", lambda StreamName, Records: {"Records": []})
    monkeypatch.setattr(
        visitor, "put_past_beacons", lambda cloud, beacons: [{**RECORD, "requested_at": 1}]
    )
    with pytest.raises(WorkshopError, match="has not counted the page views of ann") as error:
        Visitor(pipeline, "ann").views(10)
    assert "07_visit_beacons.sql" in error.value.remedy


RECORD = {"clientid": "ann", "event": "pageview", "page": "/", "received_at": 1, "shipped_at": 1}


@pytest.mark.parametrize("name", ["", 'a"b', "a b", "ä", "x" * 40, 7])
def test_a_name_that_would_change_the_log_line_is_refused(name):
    with pytest.raises(WorkshopError, match="can't be named"):
        Visitor(None, name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"minutes_ago": 60},
        {"minutes_ago": -1},
        {"minutes_ago": []},
        {"minutes_ago": [3, 2], "page": ["/a"]},
        {"minutes_ago": 3, "page": "a"},
        {"minutes_ago": 3, "page": '/"'},
        {"minutes_ago": 3, "page": "/a\n"},
        {"minutes_ago": 3, "source": "two words"},
        {"minutes_ago": 3, "source": ""},
    ],
    ids=str,
)
def test_impossible_views_are_refused_before_anything_is_sent(pipeline, arguments):
    ann = Visitor(pipeline, "ann")
    with pytest.raises(WorkshopError):
        ann.views(**arguments)
    assert pipeline.records == []
    with pytest.raises(WorkshopError, match="has not viewed a page yet"):
        ann.timeline()
    with pytest.raises(WorkshopError, match="has not viewed a page yet"):
        ann.cloudwatch()


def test_cloudwatch_shows_the_smallest_value_that_was_put(pipeline, monkeypatch):
    cem = Visitor(pipeline, "cem")
    cem.views([45, 10])
    minutes = sorted({time_of(record) for record in pipeline.records})
    shown = {"Sum": 1, "Minimum": -1}
    admitted = {"Items": {"/", cem.page}}

    def values_now(cloud, metric, period, statistic, start, end):
        assert (metric, period) == ("entry_pages", 60)
        rows = [
            (at, item, value)
            for at in minutes
            for item, value in ((cem.page, shown[statistic]), ("(other)", 1), ("/", 84))
        ]
        return pd.DataFrame(rows, columns=["Time", "Item", "Value"])  # fmt: skip

    monkeypatch.setattr(visitor, "values_now", values_now)
    monkeypatch.setattr(visitor, "catalog_row", lambda cloud, metric: admitted)
    columns = ["DynamoDB", "CloudWatch", "Smallest"]
    assert cem.cloudwatch()[columns].to_numpy().tolist() == [[1, 1, -1]] * 2
    admitted["Items"] = {"/"}
    assert cem.cloudwatch()[columns].to_numpy().tolist() == [[1, 1, 1]] * 2, "its page is no item"


def test_a_minute_that_never_had_a_visit_is_left_out_there(pipeline, monkeypatch):
    cem = Visitor(pipeline, "cem")
    cem.views([45, 30, 15])
    begins = time_of(pipeline.records[0])
    empty = {"Time": time_of(pipeline.records[1]), "Item": cem.page, "Value": 0}
    count = pipeline.values

    def values(cloud, metric, start, end):
        return pd.concat([count(cloud, metric, start, end), pd.DataFrame([empty])])

    monkeypatch.setattr(visitor, "metric_values", values)
    shown = pd.DataFrame({"Time": [begins], "Item": [cem.page], "Value": [1]})
    monkeypatch.setattr(visitor, "catalog_row", lambda *_: {"Items": {cem.page}})
    monkeypatch.setattr(visitor, "values_now", lambda *_, **__: shown)
    assert cem.cloudwatch().to_numpy().tolist() == [[begins, 1, 1, 1]]


def time_of(record):
    return pd.Timestamp(record["requested_at"], unit="ms", tz="UTC").floor("60s")


def test_an_older_beacon_is_expected_to_be_too_late(pipeline):
    beacon = visitor.Beacon(b"pageview", b"x", b"/", b"agent")
    past_beacons.put_past_beacons(pipeline, [(beacon, time.time() - 3700)])
    assert [each["expect"] for each in pipeline.journal] == ["too_late"]
    assert set(METRICS) >= set(visitor.METRICS)
