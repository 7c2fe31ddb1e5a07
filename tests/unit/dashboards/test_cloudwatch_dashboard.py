"""The dashboard, drawn from the emulator's real CloudWatch."""

import json
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.dashboards import queries
from helpers.dashboards.body import Widget, widgets
from helpers.dashboards.cloudwatch_dashboard import (
    dashboard,
    dashboard_json,
    draw_dashboard,
    size,
)
from helpers.dashboards.expressions import lines
from helpers.dashboards.queries import Reader
from helpers.plotting.figure import Picture
from helpers.plotting.live_view import stop_charts
from tests.unit.dashboards.board_on_cloudwatch import SEARCH, define, metric, put, words

HOSTILE = ["<script>alert(1)</script>", "$x^$ \\frac", "%F0%9F%98%80", "x" * 255, "a & b < c"]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.fixture
def board(emulator):
    cloud = Cloud(emulator.session, emulator.account, prefix="board", endpoint=emulator.endpoint)
    yield cloud
    stop_charts()


def test_bars_show_the_exact_totals_of_the_range(board):
    put(board, "t_bars", {"/a": 7, "/b": 2, "(other)": 1})
    row = {"expression": SEARCH % "t_bars", "label": "${PROP('Dim.Item')}"}
    define(board, metric(view="bar", setPeriodToTimeRange=True, metrics=[[row]]))
    picture = dashboard(board)
    assert {"/a", "42", "/b", "12", "(other)", "6"} <= set(words(picture))
    assert dashboard_json(board)["start"] == "-PT15M"


@pytest.mark.parametrize("view", ["timeSeries", "bar", "pie", "singleValue", "table"])
def test_every_view_draws_what_visitors_sent(board, view):
    put(board, "t_hostile", {item: 9 - n for n, item in enumerate(HOSTILE)})
    row = {"expression": SEARCH % "t_hostile", "label": "${PROP('Dim.Item')}"}
    define(board, metric(view=view, metrics=[[row]]), metric(6, stacked=True, metrics=[[row]]))
    picture = dashboard(board)
    assert picture.png().startswith(b"\x89PNG")
    html = picture._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_bars_leave_out_the_smallest(board):
    put(board, "t_order", {f"/{n:02}": n + 1 for n in range(15)})
    row = {"expression": SEARCH % "t_order"}
    define(board, metric(view="bar", setPeriodToTimeRange=True, metrics=[[row]]))
    seen = words(dashboard(board))
    assert {"/14", "/05"} <= set(seen) and "/04" not in seen


def test_all_widgets_are_read_with_one_request(board):
    put(board, "t_calls", {f"/{n}": n + 1 for n in range(40)})
    row = {"expression": SEARCH % "t_calls"}
    define(board, metric(metrics=[[row]]), metric(6, stacked=True, metrics=[[row]]))
    reader = Reader(board)
    picture = dashboard(board)
    picture.clear()
    draw_dashboard(picture, "board", dashboard_json(board), reader)
    assert reader.calls == 1
    assert "all others (34)" in words(picture)


def test_a_live_dashboard_names_its_price_and_reads_bars_of_the_range_every_ten_seconds(
    board, monkeypatch
):
    put(board, "t_often", {f"/{n}": n + 1 for n in range(5)})
    put(board, "t_slow", {f"/{n}": n + 1 for n in range(40)})
    often, slow = ({"expression": SEARCH % name} for name in ("t_often", "t_slow"))
    define(
        board,
        metric(metrics=[[often]]),
        metric(6, view="bar", setPeriodToTimeRange=True, metrics=[[slow]]),
    )
    live = dashboard(board, live=True, period=2)
    # 5 x 1,800 + 40 x 360 metrics, and two ListMetrics every ten seconds
    dollars = (5 * 1800 + 40 * 360) / 1000 * 0.01 + 720 / 1000 * 0.01
    assert live.sentence.endswith(f"On AWS, reading it costs ${dollars:.2f} an hour.")
    live.stop()
    body, reader = dashboard_json(board), Reader(board)
    for metrics, now in ((45, 1000.0), (50, 1005.0), (55, 1009.0), (100, 1010.5)):
        clock = SimpleNamespace(monotonic=lambda now=now: now)
        monkeypatch.setattr(queries, "time", clock)
        picture = Picture(*size(body))
        draw_dashboard(picture, "board", body, reader)
        assert reader.metrics == metrics
        assert {"/39", "240"} <= set(words(picture))


def test_the_reader_asks_for_at_most_500_metrics_a_call(board):
    put(board, "t_many", {f"/{n}": 1 for n in range(510)}, buckets=1)
    reader, asked = Reader(board), []
    properties = metric(metrics=[[{"expression": SEARCH % "t_many"}]])["properties"]
    widget = Widget("metric", 0, 0, 6, 6, properties)
    lines(widget, reader, lambda query: asked.append(query) or (np.array([]), np.array([])))
    points = reader.fetch(asked, time.time() - 900, time.time())
    assert len(points) == 510 and reader.calls == 2
    assert all(value.tolist() == [1] for _, value in points.values())


def test_alarms_texts_and_what_is_not_drawn(board):
    client = board.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="board-alarm",
        Namespace="N",
        MetricName="m",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    client.set_alarm_state(AlarmName="board-alarm", StateValue="ALARM", StateReason="test")
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:"
    define(
        board,
        {"type": "alarm", "properties": {"alarms": [f"{arn}board-alarm", f"{arn}gone"]}},
        {"type": "text", "properties": {"markdown": "# A $title$\n**bold** [link](http://x)"}},
        {"type": "log", "properties": {"title": "Logs"}},
        metric(6, view="gauge", metrics=[["N", "m"]]),
        metric(12, metrics="oops"),
        metric(18, period="soon", metrics=[["N", "m"]]),
        metric(24, metrics=[[{"expression": "INSIGHT_RULE_METRIC('x', UniqueContributors)"}]]),
    )
    picture = dashboard(board)
    seen = words(picture)
    assert {"▲ IN ALARM", "no such alarm", "A $title$", "bold link", "Logs"} <= set(seen)
    assert sum(text.startswith("Not drawn here") for text in seen) == 5
    assert "alarm board-alarm: IN ALARM" in picture.sentence


def test_an_empty_dashboard_says_what_to_do(board):
    define(board, metric(metrics=[[{"expression": SEARCH % "t_nothing"}]]))
    picture = dashboard(board)
    assert "no data yet" in words(picture)
    assert "send beacons" in picture.sentence
    define(board)
    assert dashboard(board).png().startswith(b"\x89PNG")


def test_no_dashboard_yet(emulator):
    cloud = Cloud(emulator.session, emulator.account, prefix="none", endpoint=emulator.endpoint)
    with pytest.raises(WorkshopError, match='deploy\\(cloud, "3-visualize"\\)'):
        dashboard(cloud)


def test_a_live_dashboard_runs_once_and_stops(board):
    put(board, "t_live", {"/a": 5})
    row = ["RealtimeWebAnalytics", "t_live", "Stack", "board", "Item", "/a"]
    define(board, metric(metrics=[row]))
    dashboard(board, live=True)
    chart = dashboard(board, live=True)
    assert chart._thread.name == "live-board-dashboard"
    assert "5" in chart.sentence and chart.frames >= 1
    assert stop_charts() == 1


def test_the_templates_own_dashboard_is_drawn_whole(board):
    text = (REPOSITORY / "cfn" / "3-visualize.yaml").read_text()
    body = text.split("DashboardBody: !Sub |")[1].split("\nOutputs:")[0]
    for name, value in {
        "${Prefix}": "board",
        "${AWS::Region}": "us-east-1",
        "${AWS::AccountId}": board.account,
        "${AWS::Partition}": "aws",
        "${AnomalyThreshold}": "2",
        "${!": "${",
    }.items():
        body = body.replace(name, value)
    put(board, "event_count", {"click": 4, "pageview": 9})
    put(board, "top_pages", {f"/page-{n}": 30 - n for n in range(20)})
    # 8 of 20 visits are bounces, 9 page views of 20 visits are 0.45, 1,300 seconds are 65 each.
    for name, value in {"visit_count": 20, "bounce_count": 8, "visit_seconds": 1300}.items():
        put(board, name, {"All Visits": value})
    put(board, "device_count", {"desktop": 15, "mobile": 5})
    put(board, "entry_pages", {"/": 20})
    board.client("cloudwatch").put_dashboard(DashboardName="board-dashboard", DashboardBody=body)
    picture = dashboard(board)
    seen = words(picture)
    assert {"bounce rate, %", "40", "page views a visit", "0.45"} <= set(seen)
    assert {"seconds a visit", "65", "desktop", "90", "First pages of visits"} <= set(seen)
    assert not [text for text in seen if text.startswith("Not drawn here")]
    assert {"pageview", "click", "/page-0", "180"} <= set(seen)
    assert max(each.x + each.width for each in widgets(json.loads(body))) <= 24
