"""Module 7's exercises: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.visits import (
    EXERCISES,
    by_the_clock,
    counted,
    counted_from_start,
    funnel,
)

VISITS, FUNNEL = EXERCISES


def test_the_right_function_passes():
    assert "10 visitors" in run_check(VISITS, counted)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (by_the_clock, "hour of the clock"),
        (lambda times: counted(times, 1799), "exactly 30 minutes"),
        (lambda times: counted(times, ordered=False), "They may come late"),
        (counted_from_start, "beginning of a visit"),
        (lambda times: (len(times), 0), "visits and"),
        (lambda times: len(times), "return a pair of numbers"),
        (lambda times: times[0], "raises IndexError"),
        (None, "no work yet"),
    ],
)
def test_a_wrong_function_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(VISITS, work)


def test_the_right_funnel_passes():
    assert "8 lists of visits" in run_check(FUNNEL, funnel)


def without_order(visits):
    viewed = [[event for _, event in visit] for visit in visits]
    return (
        sum("pageview" in events for events in viewed),
        sum(events.count("pageview") > 1 for events in viewed),
        sum(events.count("pageview") > 1 and "conversion" in events for events in viewed),
    )


def strictly_after(visits):
    moved = [[(at - (event == "conversion"), event) for at, event in visit] for visit in visits]
    return funnel(moved)


def in_order_of_arrival(visits):
    steps = [0, 0, 0]
    for visit in visits:
        events = [event for _, event in visit]
        steps[0] += "pageview" in events
        steps[1] += events.count("pageview") > 1
        steps[2] += events.count("pageview") > 1 and events[-1] == "conversion"
    return steps


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (
            lambda v: (sum(e == "pageview" for one in v for _, e in one), 1, 1),
            "one visit with two page views",
        ),
        (without_order, "at or after the second page view"),
        (strictly_after, "A conversion at the second page view"),
        (in_order_of_arrival, "Compare their times"),
        (lambda v: (len(v), *funnel(v)[1:]), "Only a visit with a page view"),
        (lambda v: funnel(v)[0], "three numbers"),
        (lambda v: v[0], "three numbers"),
        (None, "no work yet"),
    ],
)
def test_a_wrong_funnel_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(FUNNEL, work)
