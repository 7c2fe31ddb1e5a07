"""Queues of a flash crowd, computed by hand; the pictures of them, and of the planner."""

import math
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from helpers.experiments import flash_crowd as crowd_run
from helpers.experiments.flash_crowd import CrowdRun
from helpers.planning.bottlenecks import planned
from helpers.planning.capacity import Run
from helpers.planning.cost_comparison import cost_comparison
from helpers.planning.planner_figure import draw_scale, picture_size
from helpers.planning.planner_widget import ScalePanel, scale_planner
from helpers.planning.queue_figure import draw_comparison, simulate_flash_crowd
from helpers.planning.queue_model import (
    AGENT,
    FLINK,
    FUNCTIONS,
    SENT,
    Stage,
    crowd_rates,
    lag,
    simulate,
    stages_of,
    waiting_at,
)
from helpers.plotting.figure import Picture
from tests.unit.planning.planner_units import planner_units  # noqa: F401 - a fixture


def test_a_queue_grows_above_the_capacity_and_drains_at_the_capacity():
    # 100/s for 10 s into 60/s: 400 wait; then 20/s: they are gone after another 10 s
    rates = np.repeat([100.0, 20.0], [100, 300])
    passed = simulate(rates, [Stage("one", 60, 0)])
    waits = waiting_at(passed)["one"]
    assert waits.loc[9.9:10.1].max() == pytest.approx(400)
    assert waits.iloc[149] == pytest.approx(200) and waits.iloc[-1] == pytest.approx(0, abs=1e-6)
    assert (waits.iloc[205:] < 1e-6).all()
    # the last of the first 1,000 leaves when 1,000 are done: at 16.7 s, so 6.7 s later
    assert lag(passed).max() == pytest.approx(1000 / 60 - 10, abs=0.1)


def test_a_delay_alone_keeps_rate_times_delay_in_a_stage():
    passed = simulate(np.full(200, 50.0), [Stage("a", math.inf, 0.5), Stage("b", math.inf, 1.0)])
    assert waiting_at(passed).iloc[-1].tolist() == pytest.approx([25, 50])
    assert lag(passed).iloc[-1] == pytest.approx(1.5)


def test_the_vectorized_simulation_equals_a_loop():
    rates, stage = crowd_rates(30, after=300), Stage("one", 70, 0.7)
    came = np.cumsum(rates) * 0.1
    times, left = 0.1 * np.arange(1, len(rates) + 1), [0.0]
    for at in times:
        left.append(min(left[-1] + 7, np.interp(at - 0.7, times, came, left=0)))
    assert simulate(rates, [stage])["one"].to_numpy() == pytest.approx(left[1:])


def test_crowd_rates_rise_stay_and_fall():
    rates = crowd_rates(10, 10, before=60, rise=60, stays=240, after=60)
    assert len(rates) == 4800 and rates[0] == rates[-1] == 10
    assert rates[900] == pytest.approx(55) and (rates[1200:3600] == 100).all()


def test_the_sentence_of_a_simulated_crowd_names_queues_and_refused_beacons():
    # 13,430/s at the peak into three shards of 1,000: the rest waits in the servers' logs
    picture = simulate_flash_crowd(116e6)
    assert "3 shards take 3,000 a second" in picture.sentence
    assert "agent, into the stream" in picture.sentence and "beacon is lost" in picture.sentence
    assert "No beacon has to wait" in simulate_flash_crowd(116e6, shards=15).sentence
    assert "refuse" in simulate_flash_crowd(1e9).sentence
    assert [stage.name for stage in stages_of(planned(1e6))] == [AGENT, FLINK, FUNCTIONS]


def test_the_comparisons_sentence_has_measured_and_simulated_numbers():
    index = pd.Index(np.arange(1, 6) / 10)
    real = pd.DataFrame({SENT: [10, 20, 20, 20, 20], AGENT: [0, 10, 20, 20, 20]}, index=index)
    simulated = real.assign(**{AGENT: [4, 14, 20, 20, 20]})
    picture = draw_comparison(waiting_at(simulated), waiting_at(real), Run(200, 1.25))
    assert f"{AGENT} 10 (simulated 6)" in picture.sentence and "1.2 s" in picture.sentence
    assert CrowdRun(real, simulated, Run(200, 1.25)).all_counted
    assert not CrowdRun(real.iloc[:2], simulated, Run(200, 1.25)).all_counted


def test_the_planner_names_the_next_limit_and_marks_the_learners_run():
    picture = Picture(*picture_size())
    words = draw_scale(picture, 116e6, Run(rate=200, lag=1.3))
    assert "116 million events a day need 2 servers, 3 + 4 shards, 4 KPUs" in words
    assert "The next limit: a hot DynamoDB key" in words and "write sharding" in words
    assert "200 beacons a second, as many as 17.3 million a day" in words
    drawn = [text.get_text() for axes in picture.axes for text in axes.texts]
    assert "your run: 200/s, 1.3 s" in drawn
    assert "No further limit" in draw_scale(Picture(*picture_size()), 10e9)


def test_the_slider_and_the_box_follow_each_other():
    panel = ScalePanel(None, 1e6)
    box, slider = panel.widget.children[0].children
    assert box.description == "Events a day"  # a screen reader reads it
    slider.value = 1e9
    assert box.value == pytest.approx(1e9, rel=0.01)
    box.value = 116e6
    assert slider.value == pytest.approx(116e6, rel=0.01)
    assert 'role="status"' in panel.widget.children[2].value
    assert scale_planner(events=1).children[0].children[0].value == 1e6


def test_the_cost_comparisons_sentence_has_all_options():
    words = cost_comparison().sentence
    assert "the original's claim: $100, $170, $950" in words
    assert "this design, as it grows (1.4 s): $" in words


def test_passed_adds_up_the_counts_until_each_time():
    when, counts = np.array([3.0, 1.0, 2.0]), np.array([30.0, 1.0, 9.0])
    passed = crowd_run._passed(when, counts, np.array([0.5, 1.0, 2.5, 9.0]))
    assert passed.tolist() == [0, 1, 10, 40]


def test_the_median_lag_is_the_time_until_a_total_contains_the_beacon():
    moments = {
        SENT: (np.array([10.0, 10.5, 11.0]), np.ones(3)),
        # totals that CloudWatch showed: two at 12.0, three at 13.0; one that fell is no loss
        FUNCTIONS: crowd_run._of_watch([(11.0, 0), (12.0, 2), (12.5, 1), (13.0, 3)]),
    }
    assert moments[FUNCTIONS][0].tolist() == [12, 13]
    assert crowd_run._median_lag(moments) == pytest.approx(2.0)  # of 2.0, 1.5 and 2.0


def test_each_flink_row_counts_the_increase_of_its_bucket(monkeypatch):
    def change(at, bucket, samples, op="c", item="pageview", metric="event_count"):
        after = dict(MetricType=metric, MetricItem=item, EventTimestamp=bucket, Samples=samples)
        return at, {"op": op, "after": None if op == "d" else after}

    changes = [
        change(1.0, 990, 5),  # a bucket from before
        change(1.1, 1000, 4),
        change(1.2, 1000, 4, op="d"),
        change(1.3, 1000, 9, op="u"),
        change(1.4, 1000, 9, item="click"),
        change(1.5, 1000, 9, metric="top_pages"),
        change(1.6, 1000, 7),  # sent again by a restart
        change(1.7, 1010, 2),
        (1.8, {}),
    ]
    monkeypatch.setattr(crowd_run, "_records", lambda *_: iter(changes))
    times, added = crowd_run._of_flink(None, datetime.fromtimestamp(1000, UTC))
    assert times.tolist() == [1.1, 1.3, 1.7] and added.tolist() == [4, 5, 2]
