"""The live dashboard without a cloud: its numbers, its sentence, and text from visitors."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.core.errors import NotDeployed, WorkshopError
from helpers.dashboards import site_periods, site_reader
from helpers.dashboards.site_board import SiteBoard
from helpers.dashboards.site_dashboard import live_dashboard
from helpers.dashboards.site_figures import (
    Choice,
    Figure,
    RateEstimator,
    SiteSnapshot,
    count_of,
    figures,
    seconds_to_table,
    totals,
    visitors_now,
)
from helpers.dashboards.site_periods import PERIODS, PeriodRows
from helpers.dashboards.site_view import sentence, still
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
    count, minute, note = visitors_now(rows((60, "All", 196), (0, "All", 12)), NOW)
    assert count == 196 and note == "in 05:59" and minute == NOW // 60 * 60 - 60
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
    pages = [
        ("/", 612.0),
        (HOSTILE, 30.0),
        ("/caf%C3%A9", 2.0),
        ("https://a.example/" + "x" * 500, 1.0),
    ]
    known = {
        "at": NOW,
        "visitors": Figure(1196, 1196, 1000),
        "visitors_note": "in 13:04",
        "figures": {
            "visits": Figure(420, 400, 500),
            "bounces": Figure(41.25, 41.25, 40.0),
            "seconds": Figure(93.4, 93.4, 101.0),
            "views": Figure(2.71, 2.71, 2.5),
            "conversion": Figure(3.0, 3.0, None),
        },
        "rate": 31.25,
        "to_table": 1.2,
        "latency": 1.6,
        "lists": (("Most visited pages", "page", pages),),
        "alarms": [("click-anomaly", "OK"), ("no-traffic", "OK")],
        "events": rows((20, "pageview", 40), (10, HOSTILE, 5)),
    }
    return SiteSnapshot(**known | changes)


def note_of(shown, name):
    """The large figure and the note of a tile."""
    card = re.search(f'aria-label="{name}">.*?rwa-big">(.*?)</div>.*?rwa-note">(.*?)</div>', shown)
    return card.groups()


def test_each_tile_has_its_change_against_the_period_before():
    shown = still(full())
    assert note_of(shown, "Visitors now") == ("1,196", "+20% (1,000 → 1,196); in 13:04")
    assert note_of(shown, "Visits") == ("420", "-20% (500 → 400)")
    assert note_of(shown, "Bounce rate") == ("41.2%", "+1.2 points (40.0% → 41.2%)")
    assert note_of(shown, "Duration") == ("1:33", "-8 s (1:41 → 1:33)")
    assert note_of(shown, "Views a visit") == ("2.7", "+8% (2.5 → 2.7)")
    assert note_of(shown, "Conversion") == ("3.0%", "no visit in the 5 minutes before")
    nothing = full(figures={"visits": Figure(3, 2, 0)})
    assert note_of(still(nothing), "Visits") == ("3", "none in the 5 minutes before")


def test_the_sentence_has_the_figures_of_the_tiles():
    text, shown = sentence(full()), still(full())
    for figure in ("1,196", "420", "41.2%", "3.0%", "31.2", "1.6 s", "all OK"):
        assert figure in text
        assert f"{figure}</div>" in shown
    assert "(median, click to CloudWatch)" in text
    assert "612" in text
    chosen = Choice(filters=(("page", "/"),))
    assert "recounted from the archive at 06:00:00" in sentence(
        full(choice=chosen, recounted=NOW - 7)
    )


def test_text_from_visitors_is_escaped_and_shortened():
    shown = still(full())
    assert "<img" not in shown
    assert shown.count("&lt;img src=x onerror=alert(1)&gt;□ &quot;&#x27;&amp;") >= 2
    assert "\u202e" not in shown + sentence(full())
    assert "x" * 301 not in shown
    assert "https://a.example/x…xxx" in shown
    assert ">/café<" in shown, "as in the visitor's browser, not as in CloudWatch"


@pytest.mark.parametrize(
    ("alarms", "big", "note"),
    [
        ([("a", "OK"), ("b", "ALARM")], "ALARM", "b"),
        ([("a", "OK"), ("b", "INSUFFICIENT_DATA")], "no data", "yet for b"),
        (None, "–", "not read yet"),
    ],
)
def test_an_alarm_is_described_in_words(alarms, big, note):
    shown = still(full(alarms=alarms))
    alarm = re.search(r'aria-label="Alarms">(.*?)</div></div>', shown)[1]
    assert f"{big}</div>" in alarm and alarm.endswith(note)
    assert f"alarms: {big} ({note})" in sentence(full(alarms=alarms))


def test_without_module_3_the_sentence_names_the_cell_and_the_rest_is_shown():
    seen = full(alarms=None, missing='No alarm. Run deploy(cloud, "3-visualize").', latency=None)
    assert 'deploy(cloud, "3-visualize")' in sentence(seen)
    assert "module 3 is not deployed" in still(seen)
    assert "latency 1.2 s (click to table; CloudWatch: none yet)" in sentence(seen)


def test_a_dashboard_that_has_read_nothing_has_the_shape_of_a_full_one():
    assert "traffic.start(rate=30)" in sentence(full(events=rows()))
    cards = re.compile(r'class="rwa-(?:card|row|big)"')
    empty = SiteSnapshot(at=NOW, lists=(("Most visited pages", "page", []),))
    assert len(cards.findall(still(empty))) == len(cards.findall(still(full())))


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


def of_metrics(**counts):
    """Rows of each tile's metric: (seconds before NOW's minute, item, value)."""
    minute = int(NOW // 60 * 60)
    names = ("event_count", "visit_count", "bounce_count", "visit_seconds", "conversion_count")
    return {
        name: pd.DataFrame(
            [(pd.Timestamp(minute - back, unit="s", tz="UTC"), item, value) for back, item, value in
             counts.get(name, [(0, "none", 0)])],
            columns=["Time", "Item", "Value"],
        )
        for name in names
    }  # fmt: skip


def test_figures_compare_whole_minutes_with_the_period_before():
    found = of_metrics(
        event_count=[(60, "pageview", 30), (60, "click", 99), (360, "pageview", 10)],
        visit_count=[
            (0, "All", 1),
            (60, "All", 9),
            (300, "All", 2),
            (301, "All", 5),
            (600, "All", 7),
        ],
        bounce_count=[(60, "All", 3), (360, "All", 3)],
        visit_seconds=[(60, "All", 600), (360, "All", 60)],
        conversion_count=[(60, "a", 1), (60, "b", 2), (600, "a", 6)],
    )
    values = figures(found, PERIODS["5 minutes"].span(NOW), NOW)
    assert values["visits"] == Figure(12, 11, 12)
    assert values["bounces"] == Figure(25, pytest.approx(300 / 11), 25)
    assert values["seconds"] == Figure(50, pytest.approx(600 / 11), 5)
    assert values["views"] == Figure(2.5, pytest.approx(30 / 11), pytest.approx(10 / 12))
    assert values["conversion"] == Figure(25, pytest.approx(300 / 11), 50)
    assert figures(of_metrics(), PERIODS["hour"].span(NOW), NOW)["bounces"] == Figure()


def test_the_periods_begin_on_a_minute_and_today_at_midnight():
    day = NOW // 86400 * 86400
    for name, length in (("5 minutes", 300), ("hour", 3600)):
        span = PERIODS[name].span(NOW)
        assert span.full == NOW // 60 * 60 and span.full - span.start == length
        assert span.before_end == span.start and span.start - span.before == length
    today = PERIODS["today"].span(NOW)
    assert (today.start, today.before) == (day, day - 86400)
    assert today.full - today.before_end == 86400 and today.full % 300 == 0
    assert PERIODS["today"].span(day + 1).full == day, "nothing to compare in its first minutes"


class Stores:
    """A table and CloudWatch, which note how far back each query reaches."""

    def __init__(self, monkeypatch):
        self.held, self.asked, self.read = rows((290, "a", 1), (10, "a", 5)), [], []
        monkeypatch.setattr(site_periods, "metric_values", self.values)
        monkeypatch.setattr(site_periods, "values_now", self.points)

    def values(self, cloud, metric, start, end=None):
        self.asked.append((NOW - start.timestamp(), end and NOW - end.timestamp()))
        inside = self.held["Time"] >= start
        return self.held[inside & (self.held["Time"] < end if end else True)]

    def points(self, cloud, metric, period, start, end):
        self.read.append((period, NOW - start.timestamp(), NOW - end.timestamp()))
        return rows((3000, "/caf%C3%A9", 7))


def test_only_the_newest_rows_are_read_each_time_and_all_of_them_now_and_then(monkeypatch):
    stores = Stores(monkeypatch)
    kept = PeriodRows(None, "event_count", PERIODS["5 minutes"], with_before=False)
    assert kept.read(NOW)["Value"].tolist() == [1, 5]
    stores.held = rows((290, "a", 2), (10, "a", 6), (0, "b", 1))
    assert kept.read(NOW + 2)["Value"].tolist() == [1, 6, 1], "the old one is not read again yet"
    assert kept.read(NOW + 31)["Value"].tolist() == [2, 6, 1]
    assert kept.read(NOW + 90)["Value"].tolist() == [6, 1], "it has left the last five minutes"
    assert stores.asked[0][0] >= 300 > stores.asked[1][0] == stores.asked[2][0] <= 150
    assert not stores.read and kept.read(NOW + 33)["Time"].dtype == "datetime64[ns, UTC]"


def test_a_long_period_comes_from_cloudwatch_but_for_the_newest_minutes(monkeypatch):
    stores = Stores(monkeypatch)
    stores.held = rows((10, "/café", 5))
    hour = PeriodRows(None, "top_pages", PERIODS["hour"], with_before=True)
    found = hour.read(NOW)
    assert found.groupby("Item")["Value"].sum().to_dict() == {"/caf%C3%A9": 12}
    [(period, begins, ends)] = stores.read
    assert period == 60 and 7200 <= begins < 7261 and 90 <= ends < 150
    assert [back for back, _ in stores.asked] == [ends], "the table is read from where it ends"
    hour.read(NOW + 30)
    assert len(stores.read) == 1
    hour.read(NOW + 61)
    assert len(stores.read) == 2


def test_a_stage_that_is_missing_is_named_and_tried_again(monkeypatch):
    def missing(*_, **__):
        raise WorkshopError("No table.", 'Run deploy(cloud, "2-analyze").')

    monkeypatch.setattr(site_periods, "metric_values", missing)
    running = live_dashboard(SOMEWHERE, period=0.02)
    assert "deploy(cloud, &quot;2-analyze&quot;)" in running._line.value
    assert "Trying again" in running._line.value
    assert 'aria-label="Visitors now"' in running._tiles.value
    left = []
    running._handles.append(SimpleNamespace(update=lambda thing: left.append(thing.data)))
    assert stop_charts() == 1
    assert "Stopped at" in left[0] and 'aria-label="Visitors now"' in left[0]


def test_a_dashboard_of_an_unknown_period_is_refused():
    with pytest.raises(WorkshopError, match='no period "week"'):
        live_dashboard(None, show="week")


def test_a_reading_brings_all_together_and_names_alarms_shortly(monkeypatch):
    clock = iter([NOW, NOW + 2, NOW + 11])
    monkeypatch.setattr(site_reader.time, "time", lambda: next(clock))
    counted = iter([30, 30, 50, 50, 50, 50])  # twice in each reading: for the rate, in the period
    medians = iter([1.4, 1.7])

    def values(cloud, metric, start, end=None):
        if metric != "event_count":
            return rows((0, "/", 9)) if end is None else rows()
        if end is not None:
            return rows((290, "conversion", 3))
        found = rows((10, "pageview", 300), (0, "pageview", next(counted)))
        written = pd.to_datetime([NOW - 5, NOW], unit="s", utc=True)
        return found.assign(UpdatedAt=written, NewestBeacon=written - pd.Timedelta(seconds=1))

    states = pd.DataFrame({"Alarm": ["x-click-anomaly"], "State": ["OK"]})
    monkeypatch.setattr(site_periods, "metric_values", values)
    monkeypatch.setattr(site_reader, "newest_latency", lambda cloud: next(medians))
    monkeypatch.setattr(site_reader, "alarm_states", lambda cloud: states)
    reader = site_reader.SiteReader(SOMEWHERE)
    first, second = reader.read(Choice()), reader.read(Choice())
    assert (first.rate, second.rate) == (None, 10), "20 more in two seconds"
    assert (count_of(second.events, "pageview"), count_of(second.events, "conversion")) == (350, 3)
    assert (second.to_table, second.latency) == (1, 1.4)
    assert second.alarms == [("click-anomaly", "OK")]
    assert [(title, found) for title, _, found in second.lists] == [
        ("Most visited pages", [("/", 9)]),
        ("First pages of visits", [("/", 9)]),
        ("Last pages of visits", [("/", 9)]),
    ]
    assert reader.read(Choice(tab="Devices")).latency == 1.7, "read every ten seconds"

    def not_there(cloud):
        raise NotDeployed("An alarm", "3-visualize")

    monkeypatch.setattr(site_reader, "alarm_states", not_there)
    states, missing = reader._alarms()
    assert states is None and 'Run `deploy(cloud, "3-visualize")`' in missing


def test_with_a_filter_the_archive_is_counted_once_a_minute(monkeypatch):
    asked = []

    def recount(cloud, since, filters):
        asked.append(filters)
        frame = rows((70, "/caf\u00e9", 4), (1, "/", 2))
        return pd.concat([frame.assign(Metric=metric) for metric in ("top_pages", "visit_count")])

    now = [NOW]
    monkeypatch.setattr(site_reader.time, "time", lambda: now[0])
    monkeypatch.setattr(site_periods, "metric_values", lambda *_, **__: rows().assign(
        UpdatedAt=pd.Series(dtype="datetime64[ns, UTC]"),
        NewestBeacon=pd.Series(dtype="datetime64[ns, UTC]")))  # fmt: skip
    monkeypatch.setattr(site_reader, "filtered_recount", recount)
    monkeypatch.setattr(site_reader, "newest_latency", lambda cloud: None)
    monkeypatch.setattr(site_reader, "alarm_states", lambda cloud: pd.DataFrame(
        {"Alarm": [], "State": []}))  # fmt: skip
    reader, choice = site_reader.SiteReader(SOMEWHERE), Choice(filters=(("page", "/"),))
    seen = reader.read(choice)
    assert seen.recounted == NOW and seen.figures["visits"].value == 6
    assert seen.lists[0][2] == [("/caf%C3%A9", 4), ("/", 2)]
    now[0] += 59
    assert reader.read(choice).recounted == NOW and len(asked) == 1
    now[0] += 1
    assert reader.read(choice).recounted == now[0] and len(asked) == 2
    reader.read(Choice(tab="Devices", filters=choice.filters))
    assert len(asked) == 2, "another tab shows the same recount"
    reader.read(Choice(filters=(("page", "/cart"),)))
    assert asked[-1] == {"page": "/cart"}


@pytest.fixture
def board():
    read = []

    def reading(choice):
        read.append(choice)
        lists = (("Most visited pages", "page", [("/", 5), ("/caf%C3%A9", 3)]),)
        return full(choice=choice, lists=lists * 3)

    made = SiteBoard(reading, Choice(), "x-board", period=60)
    made.read = read
    return made


def buttons(box, text):
    return [each for each in box.children if getattr(each, "description", "") == text]


def test_pressing_an_item_filters_by_it_and_its_button_removes_the_filter(board):
    board._redraw()
    [cafe] = buttons(board._lists["Pages"][0].widget, "/café")
    cafe.click()
    assert board._choice.filters == (("page", "/caf%C3%A9"),)
    chip = board._chips["page"]
    assert chip.description == "page: /café" and chip.layout.display is None
    board._redraw()
    assert board.read[-1].filters == (("page", "/caf%C3%A9"),)
    chip.click()
    assert board._choice.filters == () and chip.layout.display == "none"


def test_the_period_and_the_tab_are_read_at_once(board):
    board.start()
    board._periods.value = "today"
    board._tab.selected_index = 1
    for _ in range(200):
        if board.read[-1] == Choice(period=PERIODS["today"], tab="Sources"):
            break
        board._thread.join(0.05)
    board.stop()
    assert board.read[-1] == Choice(period=PERIODS["today"], tab="Sources"), "not after a minute"


def test_what_was_read_for_an_earlier_choice_is_not_shown(board):
    def read_and_change(choice):
        board._choice = Choice(tab="Devices")
        return full(choice=choice)

    board._redraw()
    shown, board._read = board._tiles.value, read_and_change
    board._redraw()
    assert board._tiles.value == shown and board._awake.is_set()
