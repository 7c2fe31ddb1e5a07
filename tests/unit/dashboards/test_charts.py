"""Pictures of metrics: what visitors may send is drawn harmlessly, and the sentence is true."""

import warnings

import numpy as np
import pandas as pd
import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.text import shorten
from helpers.dashboards import charts
from helpers.dashboards.charts import bar_chart, chart, live_chart
from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.live_view import stop_charts
from helpers.plotting.metric_figure import Metric, draw_metric
from helpers.plotting.palette import COLORS, ORANGE, item_colors
from helpers.plotting.series import Series, add_up, edges, largest
from helpers.plotting.text_fitting import fit, width

NOW = 1_795_500_007.0  # seven seconds into a bucket
HOSTILE = [
    "<script>alert(1)</script>",
    "$x^$ \\frac{1}{0} $$",
    "😀🎉👩‍👩‍👧",
    "x" * 300,
    "\u202eשלום עולם\u202c مرحبا",
    "产品\n\t\x00/页面",
    "",
    " ",
    "{}%s%(a)s&amp;",
    "\ud800 half a surrogate",
]


@pytest.fixture(autouse=True)
def no_warnings():
    # matplotlib warns of a letter without a glyph; in a notebook that lands under the cell.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # A socket of an earlier test in this process, which is collected now.
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def frame(rows, **columns):
    """Rows of (seconds before NOW's bucket, item, value)."""
    start = int(NOW // 10 * 10)
    table = pd.DataFrame(
        [(pd.Timestamp(start - back, unit="s", tz="UTC"), item, v) for back, item, v in rows],
        columns=["Time", "Item", "Value"],
    )
    table["Time"] = pd.to_datetime(table["Time"], utc=True)
    return table.assign(**columns)


def draw(table, metric=None, **options):
    picture = Picture(8.8, 3.1)
    metric = metric or Metric("event_count", "Events")
    said = draw_metric(picture, table, metric, minutes=5, now=NOW, **options)
    assert picture.png().startswith(b"\x89PNG")
    words = [text.get_text() for text in picture.findobj(match=lambda a: hasattr(a, "get_text"))]
    return said, words


def test_the_sentence_counts_the_last_minute():
    rows = [(back, "pageview", 10) for back in range(0, 300, 10)]
    rows += [(back, "click", 2) for back in range(0, 300, 10)]
    said, words = draw(frame(rows))
    assert said == (
        "event_count: 72 in the last minute, most of them \u2068pageview\u2069 (60); "
        "newest bucket 06:00:00 UTC, read at 06:00:07 UTC."
    )
    assert {"pageview", "click", "60", "12", "Events, per 10 s"} <= set(words)


@pytest.mark.parametrize("item", HOSTILE)
def test_what_a_visitor_sent_is_drawn_without_error_or_warning(item):
    table = frame([(back, item, 3) for back in (0, 10, 20)] + [(0, "click", 1)])
    draw(table)
    bar_chart(table, title=item).png()


def test_all_hostile_items_at_once():
    said, words = draw(frame([(10, item, 9 - n) for n, item in enumerate(HOSTILE)]))
    assert "all others (4)" in words
    assert "<script>alert(1)</script>" in words
    assert "\n" not in said


def test_a_dollar_is_no_formula():
    picture = Picture(2, 1)
    assert picture.box().text(0, 0, "$x^$").get_parse_math() is False


def test_items_beyond_the_first_six_are_added_up():
    table = frame([(10, f"/{n}", 20 - n) for n in range(10)])
    _, words = draw(table)
    assert "all others (4)" in words
    assert str(sum(20 - n for n in range(6, 10))) in words


def test_only_the_items_that_were_asked_for():
    table = frame([(10, "click", 1), (10, "login", 5)])
    assert draw(table, items=["click"])[0].startswith("event_count: 1 in the last minute;")
    assert draw(table, items="click")[0].startswith("event_count: 1 in the last minute;")


def test_a_metric_of_whole_minutes_is_not_added_up():
    table = frame([(0, "All Visitors", 7), (60, "All Visitors", 40), (120, "All Visitors", 30)])
    said, _ = draw(table, Metric("visitor_count", "Visitors", 60))
    assert said.startswith("visitor_count: 40 in the 60 s from 05:59:00;")


def test_means_are_lines_and_the_highest_is_named():
    rows = [(10, "/a", 120.5), (10, "/b", 310.0), (20, "/b", 9.0)]
    said, _ = draw(frame(rows), Metric("avg_pg_ld", "Load time", 10, "Average", "Milliseconds"))
    assert said.startswith("avg_pg_ld: highest 310 (\u2068/b\u2069) in the 10 s from 05:59:50;")


def test_no_data_is_an_empty_chart_that_says_what_to_do():
    said, words = draw(frame([]))
    assert "no values yet" in words
    assert "no value in the last 5 minutes" in said and "Send beacons" in said


def test_the_newest_beacon_is_named_where_the_table_knows_it():
    newest = pd.Series([pd.Timestamp(NOW - 1, unit="s", tz="UTC")])
    said, _ = draw(frame([(0, "click", 1)], NewestBeacon=newest))
    assert "newest beacon 06:00:06 UTC" in said


def test_an_open_bucket_is_drawn_apart():
    axes = Picture(4, 2).box().axes()
    series = [Series("click", np.array([0.0, 10.0, 20.0]), np.array([1.0, 2.0, 3.0]))]
    total = chart_parts.stack(axes, series, np.array([0, 10, 20, 30]), now=27)
    assert total.tolist() == [1, 2, 3]
    closed, still_open, hatch = axes.patches
    assert closed.get_data().values.tolist() == [1, 2]
    assert still_open.get_data().values.tolist() == [3]
    assert still_open.get_alpha() < 1
    assert hatch.get_hatch()


def test_bar_chart_adds_up_and_names_the_rest():
    table = pd.DataFrame({"Item": ["a", "b", "a", "c"], "Value": [1, 2, 3, 1]})
    picture = bar_chart(table, title="Pages", top=2)
    assert picture.sentence.startswith("Pages: 7 in 3 items; \u2068a\u2069 4, \u2068b\u2069 2")
    assert "all others (1)" in [text.get_text() for text in picture.texts]
    assert bar_chart(table.iloc[:0], title="Pages").sentence == "Pages: no rows yet."


def test_bar_chart_of_a_column_that_is_not_there():
    with pytest.raises(WorkshopError, match="Name one of its columns: Item"):
        bar_chart(pd.DataFrame({"Item": []}), value="Amount")


def test_foreseeable_mistakes_are_explained(emulator):
    with pytest.raises(WorkshopError, match="no source 's3'"):
        live_chart(emulator, source="s3")
    with pytest.raises(WorkshopError, match="above 0"):
        chart(emulator, minutes=0)


def test_colors_are_kept_and_differ():
    assert item_colors(["click", "/a"])["click"] == item_colors(["click"])["click"] == ORANGE
    names = [f"/page-{n}" for n in range(7)]
    assert sorted(item_colors(names).values()) == sorted(COLORS)
    assert item_colors(names) == item_colors(reversed(names))
    assert len(item_colors(f"/{n}" for n in range(100))) == 100


def test_labels_are_cut_in_the_middle_to_a_width():
    text = "https://example.com/" + "long/" * 50 + "end.html"
    cut = fit(text, 9, 1.5)
    assert width(cut, 9) <= 1.5
    assert cut.startswith("https:") and cut.endswith(".html") and "…" in cut
    assert shorten("abc", 3) == "abc" and len(shorten(text, 21)) == 21


def test_series_are_added_up_by_bucket():
    one = Series("a", np.array([0.0, 10.0]), np.array([1.0, 2.0]))
    two = Series("b", np.array([10.0, 20.0]), np.array([5.0, 6.0]))
    both = add_up([one, two], "both")
    assert both.times.tolist() == [0, 10, 20] and both.values.tolist() == [1, 7, 6]
    assert [each.label for each in largest([one, two], 6, "grey")] == ["b", "a"]
    assert edges(3, 20, 10).tolist() == [0, 10, 20]


@pytest.fixture
def deployed(emulator):
    """A catalog and CloudWatch values of a stack of its own, as the pipeline would write them."""
    cloud = Cloud(emulator.session, emulator.account, prefix="charts", endpoint=emulator.endpoint)
    tables = cloud.client("dynamodb")
    tables.create_table(
        TableName=cloud.name("Metrics"),
        AttributeDefinitions=[{"AttributeName": "MetricType", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "MetricType", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables.put_item(
        TableName=cloud.name("Metrics"),
        Item={
            "MetricType": {"S": "event_count"},
            "Title": {"S": "What visitors did"},
            "BucketSeconds": {"N": "10"},
            "Statistic": {"S": "Sum"},
            "Unit": {"S": "Count"},
            "IsWholeNumber": {"BOOL": True},
            "Items": {"SS": ["click", "pageview"]},
        },
    )
    start = int(pd.Timestamp.now().timestamp() // 10 * 10)
    for item, value in (("click", 4), ("pageview", 9)):
        dimensions = [{"Name": "Stack", "Value": "charts"}, {"Name": "Item", "Value": item}]
        datum = {"MetricName": "event_count", "Dimensions": dimensions, "StorageResolution": 1}
        cloud.client("cloudwatch").put_metric_data(
            Namespace="RealtimeWebAnalytics",
            MetricData=[datum | {"Timestamp": start - 20, "Value": value}],
        )
    yield cloud
    stop_charts()
    tables.delete_table(TableName=cloud.name("Metrics"))


def test_a_chart_of_what_the_pipeline_wrote(deployed):
    picture = chart(deployed, "event_count")
    assert "event_count: 13 in the last minute, most of them \u2068pageview\u2069 (9)" in repr(
        picture
    )
    assert "What visitors did, per 10 s" in [text.get_text() for text in picture.texts]
    live = live_chart(deployed, "event_count")
    assert "event_count: 13 in the last minute" in live.sentence
    # Three metrics (two items and `(other)`) every two seconds, at a cent for 1,000.
    assert live.sentence.endswith("On AWS, reading it costs $0.05 an hour.")
    assert charts.describe(deployed, "event_count", minutes=600).bucket == 60


def test_a_live_chart_before_its_module_says_so_and_goes_on(emulator):
    cloud = Cloud(emulator.session, emulator.account, prefix="nothing", endpoint=emulator.endpoint)
    live = live_chart(cloud, "event_count")
    assert "2-analyze" in live.sentence
    assert live._thread.is_alive()
    stop_charts()


def test_a_still_chart_waits_for_the_first_value(monkeypatch):
    now = pd.Timestamp.now(tz="UTC").floor("10s")
    rows = pd.DataFrame({"Time": [now], "Item": ["too_late"], "Value": [1]})
    frames = [rows[:0], rows]
    monkeypatch.setattr(charts, "describe", lambda *_: Metric("rejected_count", "Rejected"))
    monkeypatch.setattr(charts, "metric_values", lambda *_, **__: frames.pop(0))
    picture = chart(None, "rejected_count", source="dynamodb")
    assert not frames and "rejected_count: 1 in the last minute" in picture.sentence
