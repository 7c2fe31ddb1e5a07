"""The exercises of module 3: the differences that CloudWatch needs, and an alarm in metric math."""

import itertools
from collections.abc import Sequence
from typing import Any

from helpers.core.metric_math import MetricMath, TimeSeries, Unsupported

from .exercise import Exercise, NotYet, result_of

# The values of one row, in the order in which the table got them.
AMENDMENTS: tuple[list[int], ...] = ([100], [100, 107, 105], [5, 5, 9], [3, 0, 4], [])


def differences(values: Sequence[float]) -> list[float]:
    """Return what must be put so that CloudWatch's sum is the newest value, after each change.

    Args:
        values: of one row, in the order of its changes.

    Example:
        >>> differences([100, 107, 105])
        [100, 7, -2]
    """
    return [new - old for old, new in itertools.pairwise([0, *values])]


def check_differences(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from a row's values to the values to put."""
    for values in AMENDMENTS:
        found = result_of(work, list(values))
        if not isinstance(found, list | tuple):
            raise NotYet(f"It returns {found!r:.40}. The task asks for a list.")
        if len(found) > len(values):
            raise NotYet(f"For {values} it puts {len(found)} values: more than there are changes.")
        puts = [value for value in found if value]
        sums = list(itertools.accumulate(puts, initial=0))
        reached = [value for value, _ in itertools.groupby([0, *values])]
        if sums == reached:
            continue
        if list(found) == list(values) and len(values) > 1:
            raise NotYet("It puts each new value. CloudWatch adds them up: the sum is too large.")
        if list(found) == [abs(each) for each in differences(values)]:
            raise NotYet("A value may fall. Then a negative number must be put.")
        raise NotYet(f"For {values}, CloudWatch's sums are {sums[1:]}.")
    return f"CloudWatch has the newest value after each change of {len(AMENDMENTS)} rows"


# Page views and exceptions of each minute, and whether the alarm must be in ALARM.
MINUTES = (
    (100, 0, False), (100, 9, False), (100, 11, True), (200, 19, False), (200, 60, True),
    (0, 0, False), (1, 1, True), (0, 3, True), (1000, 100, False), (1000, 101, True),
)  # fmt: skip


def check_alarm(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check an expression that is 1 where more than a tenth of a minute's page views failed."""
    if not isinstance(work, str):
        raise NotYet(f"{work!r:.40} is no text. Metric math is a text, e.g. 'm1 + m2'.")
    views = TimeSeries({60 * n: each[0] for n, each in enumerate(MINUTES)}, period=60)
    failed = TimeSeries({60 * n: each[1] for n, each in enumerate(MINUTES)}, period=60)
    try:
        found = MetricMath({"views": views, "exceptions": failed}.get, list).evaluate(work)
    except Unsupported as error:
        raise NotYet(f"CloudWatch can't evaluate {error}.") from None
    if not isinstance(found, TimeSeries):
        raise NotYet(f"{work!r:.60} has no value for each minute. Does it use both metrics?")
    for number, (all_, errors, is_alarm) in enumerate(MINUTES):
        value = found.values.get(60 * number)
        minute = f"a minute of {all_:,} page views and {errors:,} exceptions"
        if value is None or value != value:
            raise NotYet(f"It has no value for {minute}. 0/0 is no number.")
        if value not in (0, 1):
            raise NotYet(f"For {minute} it is {value:.4g}. The alarm needs 1 or 0.")
        if bool(value) != is_alarm:
            state = "raises an alarm" if value else "raises none"
            raise NotYet(f"For {minute} it {state}.")
    return f"{len(MINUTES)} minutes have the right state"


EXERCISES = (
    Exercise("3-1", "What to put?", check_differences),
    Exercise("3-2", "An alarm in metric math", check_alarm),
)
