"""The exercises of module 7: visits by a gap, in whatever order the beacons arrive."""

import itertools
from collections.abc import Iterable
from typing import Any

from .exercise import Exercise, NotYet, result_of

GAP = 1800  # seconds
# Times of one visitor's page views, in seconds.
TIMES: tuple[list[int], ...] = (
    [],
    [0],
    [0, 60, 600],
    [0, 1800],
    [0, 1801],
    [0, 1800, 3600, 5400],
    [3599, 3601],
    [0, 2000, 2060, 5000],
    [5000, 0, 2060, 2000],
    [10, 10, 10],
)


def visits(times: Iterable[float], gap: float = GAP) -> list[list[float]]:
    """Return the visits of one visitor: the times of each, in their order.

    Args:
        times: of the page views, in any order, in seconds.
        gap: the longest pause within a visit.

    Example:
        >>> visits([0, 60, 4000])
        [[0, 60], [4000]]
    """
    found: list[list[float]] = []
    for time in sorted(times):
        if found and time - found[-1][-1] <= gap:
            found[-1].append(time)
        else:
            found.append([time])
    return found


def check_visits(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from the times of a visitor's page views to (visits, bounces)."""
    found = [result_of(work, list(times)) for times in TIMES]
    for times, pair in zip(TIMES, found, strict=True):
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise NotYet(
                f"For {times} it returns {pair!r:.40}. It should return a pair of numbers."
            )
    if found == [counted(times) for times in TIMES]:
        return f"{len(TIMES)} visitors have the right visits and bounces"
    common = {
        "It counts by the hour of the clock: 3,599 and 3,601 are two seconds apart.": [
            by_the_clock(times) for times in TIMES
        ],
        "A pause of exactly 30 minutes is still one visit.": [
            counted(times, GAP - 0.001) for times in TIMES
        ],
        "It is right if the page views come in order. They may come late.": [
            counted(times, ordered=False) for times in TIMES
        ],
        "It measures from the beginning of a visit, not from the page view before.": [
            counted_from_start(times) for times in TIMES
        ],
    }
    for sentence, results in common.items():
        if found == results:
            raise NotYet(sentence)
    times, pair = next(
        (times, pair) for times, pair in zip(TIMES, found, strict=True) if pair != counted(times)
    )
    raise NotYet(f"Page views at {times} s: {pair[0]!r:.20} visits and {pair[1]!r:.20} bounces?")


def counted(times: list[int], gap: float = GAP, ordered: bool = True) -> tuple[int, int]:
    """Return visits and bounces."""
    if ordered:
        parts = visits(times, gap)
    else:
        parts = []
        for time in times:
            if parts and time - parts[-1][-1] <= gap:
                parts[-1].append(time)
            else:
                parts.append([time])
    return len(parts), sum(len(part) == 1 for part in parts)


def by_the_clock(times: list[int]) -> tuple[int, int]:
    """Return what a tool counts that groups by the hour of the clock."""
    hours = [list(group) for _, group in itertools.groupby(sorted(times), lambda at: at // 3600)]
    return len(hours), sum(len(hour) == 1 for hour in hours)


def counted_from_start(times: list[int]) -> tuple[int, int]:
    """Return what is counted if a visit ends half an hour after its beginning."""
    parts: list[list[int]] = []
    for time in sorted(times):
        if parts and time - parts[-1][0] <= GAP:
            parts[-1].append(time)
        else:
            parts.append([time])
    return len(parts), sum(len(part) == 1 for part in parts)


# Visits: the time and event of each beacon, in the order of arrival.
FUNNEL: tuple[tuple[list[list[tuple[int, str]]], str], ...] = (
    (
        [[(0, "pageview"), (9, "pageview"), (20, "conversion")]],
        "This is one visit with two page views and a conversion.",
    ),
    (
        [[(0, "pageview")], [(0, "pageview"), (5, "pageview"), (9, "pageview"), (9, "conversion")]],
        "It counts page views. A step counts visits.",
    ),
    (
        [[(0, "pageview"), (5, "conversion"), (9, "pageview")]],
        "The conversion must be at or after the second page view.",
    ),
    (
        [[(20, "conversion"), (9, "pageview"), (0, "pageview")]],
        "Beacons may arrive late. Compare their times.",
    ),
    (
        [[(0, "click")], [(1, "pageview")]],
        "Only a visit with a page view is in the funnel.",
    ),
    ([], "There may be no visit at all."),
    (
        [[(0, "pageview"), (5, "pageview"), (6, "conversion"), (9, "conversion")]],
        "A visit with two conversions counts once.",
    ),
    (
        [[(0, "pageview"), (9, "pageview"), (9, "conversion")]],
        "A conversion at the second page view is at or after it.",
    ),
)


def funnel(found: Iterable[list[tuple[int, str]]]) -> tuple[int, int, int]:
    """Return the visits with a page view, those with two, and those that converted after that.

    Args:
        found: visits; of each beacon the time and the event.

    Example:
        >>> funnel([[(0, "pageview")], [(0, "pageview"), (5, "pageview"), (9, "conversion")]])
        (2, 1, 1)
    """
    steps = [0, 0, 0]
    for visit in found:
        views = sorted(time for time, event in visit if event == "pageview")
        steps[0] += len(views) > 0
        steps[1] += len(views) > 1
        bought = [time for time, event in visit if event == "conversion"]
        steps[2] += len(views) > 1 and any(time >= views[1] for time in bought)
    return steps[0], steps[1], steps[2]


def check_funnel(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from visits to the three steps of a funnel."""
    for visits_, sentence in FUNNEL:
        found = result_of(work, [list(visit) for visit in visits_])
        if not isinstance(found, tuple | list) or [type(one) for one in found] != [int] * 3:
            raise NotYet(f"It returns {found!r:.40}. It should return three numbers.")
        if tuple(found) != funnel(visits_):
            raise NotYet(f"For {visits_} it returns {tuple(found)}. {sentence}")
    return f"{len(FUNNEL)} lists of visits have the right three steps"


EXERCISES = (
    Exercise("7-1", "Visits of one visitor", check_visits),
    Exercise("7-2", "A funnel of visits", check_funnel),
)
