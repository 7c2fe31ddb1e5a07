"""The live dashboard without a cloud: its numbers, its sentence, and text from visitors."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.core.errors import NotDeployed, WorkshopError
from helpers.dashboards import site_dashboard as board
from helpers.dashboards.site_figures import (
    RateEstimator,
    SiteSnapshot,
    count_of,
    seconds_to_table,
    totals,
    visitors_now,
)
from helpers.dashboards.site_view import draw, sentence
from helpers.plotting.live_view import stop_charts
from helpers.plotting.series import Series
from helpers.plotting.svg_bars import event_bars

NOW = 1_795_500_007.0  # seven seconds into a bucket, and into a minute
SOMEWHERE = SimpleNamespace(prefix="x", name=lambda what: f"x-{what}")
HOSTILE = "<img src=x onerror=alert(1)>\u202e \"'&"


def rows(*found):
    """Rows of (seconds before NOW's bucket, item, value)."""
    start = int(NOW // 10 * 10)
    times = [pd.Timestamp(start - back, unit="s", tz="UTC") for back, _, _ in found]
    return pd.DataFrame(
        {
            "Time": pd.Series(times, dtype="datetime64[ns, UTC]"),
            "Item": [item for _, item, _ in found],
            "Value": pd.Series([value for _, _, value in found], dtype="int64"),
        }
    )


def test_a_minute_that_has_just_begun_is_not_taken_for_an_empty_shop():
    count, note = visitors_now(rows((60, "All", 196), (0, "All", 12)), NOW)
    assert count == 196 and "12 so far" in note
    assert visitors_now(rows((60, "All", 9), (0, "All", 12)), NOW)[0] == 12
    assert visitors_now(rows((120, "All", 196)), NOW)[0] == 0, "they left a minute ago"


def test_the_rate_counts_new_and_late_beacons_and_forgets_old_ones():
    rate = RateEstimator()
    assert rate.update(NOW, rows((300, "a", 500), (10, "a", 40))) is None
    # The oldest bucket has left the window; one bucket grew, one was amended, one began.
    assert rate.update(NOW + 2, rows((200, "a", 3), (10, "a", 50), (0, "a", 7))) == 10
    assert rate.update(NOW + 4, rows((200, "a", 3), (10, "a", 50), (0, "a", 7))) == 5
    later = [rate.update(NOW + 4 + n, rows((10, "a", 50), (0, "a", 7))) for n in range(2, 14, 2)]
    assert later[-1] == 0
    assert rate.update(NOW + 30, rows()) == 0


def test_latency_is_of_the_rows_of_the_last_minute_only():
    frame = rows((300, "a", 1), (10, "a", 1), (0, "a", 1))
    written = pd.to_datetime([NOW - 200, NOW - 3, NOW - 1], unit="s", utc=True)
    took = pd.to_timedelta([90, 1, 2], unit="s")
    frame = frame.assign(UpdatedAt=written, NewestBeacon=written - took)
    assert seconds_to_table(frame, NOW) == pytest.approx(1.5)
    assert seconds_to_table(frame[:0], NOW) is None


def test_lists_begin_with_the_largest_and_end_with_all_others():
    frame = rows((20, "/a", 1), (10, "/b", 4), (0, "/a", 2), (0, "(other)", 9))
    assert totals(frame) == [("/b", 4), ("/a", 3), ("(other)", 9)]
    assert count_of(frame, "/a") == 3
    assert totals(frame[:0]) == []


def full(**changes):
    known = {
        "at": NOW,
        "visitors": 1196,
        "visitors_note": "in 13:04",
        "rate": 31.25,
        "views": 400,
        "conversions": 12,
        "to_table": 1.2,
        "latency": 1.6,
        "pages": [("/", 612.0), (HOSTILE, 30.0)],
        "referrers": [("https://example.com/" + "x" * 500, 7.0)],
        "alarms": [("click-anomaly", "OK"), ("no-traffic", "OK")],
        "events": rows((20, "pageview", 40), (10, HOSTILE, 5)),
    }
    return SiteSnapshot(**known | changes)


def test_the_sentence_has_the_figures_of_the_tiles():
    text, shown = sentence(full()), draw(full())
    for figure in ("1,196", "31.2", "3.0%", "1.6 s", "all OK"):
        assert figure in text
        assert f"{figure}</div>" in shown
    assert "(median, click to CloudWatch)" in text
    assert "612" in text


def test_text_from_visitors_is_escaped_and_shortened():
    shown = draw(full())
    assert "<img" not in shown
    assert shown.count("&lt;img src=x onerror=alert(1)&gt;□ &quot;&#x27;&amp;") >= 2
    assert "\u202e" not in shown + sentence(full())
    assert "x" * 301 not in shown
    assert "https://example.com…xxx" in shown


@pytest.mark.parametrize(
    ("alarms", "big", "note"),
    [
        ([("a", "OK"), ("b", "ALARM")], "ALARM", "b"),
        ([("a", "OK"), ("b", "INSUFFICIENT_DATA")], "no data", "yet for b"),
        (None, "–", "not read yet"),
    ],
)
def test_an_alarm_is_described_in_words(alarms, big, note):
    shown = draw(full(alarms=alarms))
    alarm = re.search(r'aria-label="Alarms">(.*?)</div></div>', shown)[1]
    assert f"{big}</div>" in alarm and alarm.endswith(note)
    assert f"alarms: {big} ({note})" in sentence(full(alarms=alarms))


def test_without_module_3_the_sentence_names_the_cell_and_the_rest_is_shown():
    seen = full(alarms=None, missing='No alarm. Run deploy(cloud, "3-visualize").', latency=None)
    assert 'deploy(cloud, "3-visualize")' in sentence(seen)
    assert "module 3 is not deployed" in draw(seen)
    assert "latency 1.2 s (click to table; CloudWatch: none yet)" in sentence(seen)


def test_a_dashboard_that_has_read_nothing_has_the_shape_of_a_full_one():
    empty = SiteSnapshot(at=NOW)
    assert "traffic.start(rate=30)" in sentence(full(pages=[]))
    cards = re.compile(r'class="rwa-(?:card|row|big)"')
    assert len(cards.findall(draw(empty))) == len(cards.findall(draw(full())))


def test_columns_stack_up_and_the_newest_are_faint():
    def column(drawn):
        return [
            tuple(float(part) for part in found)
            for found in re.findall(
                r'<rect x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" '
                r'style="[^"]+" opacity="([\d.]+)"',
                drawn,
            )
        ]

    start = NOW // 10 * 10
    series = [
        Series(name, (start - pd.Series([50, 0])).to_numpy(), pd.Series(values).to_numpy())
        for name, values in (("pageview", [30.0, 4.0]), ("click", [10.0, 2.0]))
    ]
    (x1, y1, h1, old1), (x2, _, h2, new), (x3, y3, h3, old2), _ = column(
        event_bars(series, NOW - 300, NOW, 10, 'see "below"')
    )
    assert x1 == x3 < x2 and h1 == pytest.approx(3 * h3, abs=0.2) and h1 > h2
    assert y3 + h3 == pytest.approx(y1, abs=0.2), "the second is on top of the first"
    assert (old1, old2, new) == (1, 1, 0.5)
    assert "see &quot;below&quot;" in event_bars([], NOW - 300, NOW, 10, 'see "below"')


class Table:
    """A fake table, which notes how far back each query reaches."""

    def __init__(self):
        self.held, self.asked = rows((290, "a", 1), (10, "a", 5)), []

    def values(self, cloud, metric, start):
        self.asked.append(NOW - start.timestamp())
        return self.held[self.held["Time"] >= start]


def test_only_the_newest_rows_are_read_each_time_and_all_of_them_now_and_then(monkeypatch):
    table = Table()
    monkeypatch.setattr(board, "metric_values", table.values)
    kept = board.RecentRows(None, "event_count", 5)
    assert kept.read(NOW)["Value"].tolist() == [1, 5]
    table.held = rows((290, "a", 2), (10, "a", 6), (0, "b", 1))
    assert kept.read(NOW + 2)["Value"].tolist() == [1, 6, 1], "the old one is not read again yet"
    assert kept.read(NOW + 31)["Value"].tolist() == [6, 1], "it has left the last five minutes"
    assert table.asked[0] >= 300 > 120 > table.asked[1]
    assert table.asked[2] >= 260
    assert kept.read(NOW + 33)["Time"].dtype == "datetime64[ns, UTC]"


def test_a_stage_that_is_missing_is_named_and_tried_again(monkeypatch):
    def missing(*_, **__):
        raise WorkshopError("No table.", 'Run deploy(cloud, "2-analyze").')

    monkeypatch.setattr(board, "metric_values", missing)
    running = board.live_dashboard(SOMEWHERE, period=0.02)
    assert "deploy(cloud, &quot;2-analyze&quot;)" in running._line.value
    assert "Trying again" in running._line.value
    assert 'aria-label="Visitors now"' in running._board.value
    left = []
    running._handles.append(SimpleNamespace(update=lambda thing: left.append(thing.data)))
    assert stop_charts() == 1
    assert "Stopped at" in left[0] and 'aria-label="Visitors now"' in left[0]


def test_a_dashboard_of_no_time_is_refused():
    with pytest.raises(WorkshopError, match="shows nothing"):
        board.live_dashboard(None, minutes=0)


def test_a_reading_brings_all_together_and_names_alarms_shortly(monkeypatch):
    clock = iter([NOW, NOW + 2, NOW + 11])
    monkeypatch.setattr(board.time, "time", lambda: next(clock))
    counted = iter([30, 50, 50])  # page views in the newest bucket, at each reading
    medians = iter([1.4, 1.7])

    def values(cloud, metric, start):
        if metric != "event_count":
            return rows((0, "/", 9))
        found = rows((290, "conversion", 3), (10, "pageview", 300), (0, "pageview", next(counted)))
        written = pd.to_datetime([NOW - 290, NOW - 5, NOW], unit="s", utc=True)
        found = found.assign(UpdatedAt=written, NewestBeacon=written - pd.Timedelta(seconds=1))
        return found[found["Time"] >= start]

    states = pd.DataFrame({"Alarm": ["x-click-anomaly"], "State": ["OK"]})
    monkeypatch.setattr(board, "metric_values", values)
    monkeypatch.setattr(board, "newest_latency", lambda cloud: next(medians))
    monkeypatch.setattr(board, "alarm_states", lambda cloud: states)
    reader = board.SiteReader(SOMEWHERE, minutes=5)
    first, second = reader.read(), reader.read()
    assert (first.rate, second.rate) == (None, 10), "20 more in two seconds"
    assert (second.views, second.conversions) == (350, 3)
    assert (second.to_table, second.latency) == (1, 1.4)
    assert second.alarms == [("click-anomaly", "OK")]
    assert second.pages == [("/", 9)]
    assert reader.read().latency == 1.7, "read every ten seconds"

    def not_there(cloud):
        raise NotDeployed("An alarm", "3-visualize")

    monkeypatch.setattr(board, "alarm_states", not_there)
    states, missing = reader._alarms()
    assert states is None and 'Run `deploy(cloud, "3-visualize")`' in missing
