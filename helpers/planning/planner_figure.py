"""The planner's picture: the curve of dollars, the plan in numbers, the ladder of limits."""

from functools import cache

import numpy as np

from helpers.core.text import number
from helpers.plotting.chart_parts import LEGEND, bare
from helpers.plotting.figure import Box, Picture
from helpers.plotting.palette import BAR, BLUE, CARD, DESK, GREEN, INK, ORANGE, QUIET, VERMILION
from helpers.plotting.text_fitting import fit

from .bottlenecks import MOST_EVENTS, Step, ladder, next_step, planned, used
from .capacity import Plan, Run, p50
from .monthly_cost import dollars, monthly, thrifty

LEAST_EVENTS = 1e6
_WIDTH, _TOP, _CURVE, _ROW = 9.6, 0.62, 2.65, 0.23  # inches
_LEFT, _SIDE = 0.75, 3.0
_COLUMNS = (0.0, 0.3, 1.15, 3.75)  # of the ladder, inches


def draw_scale(picture: Picture, events: float, run: Run | None = None) -> str:
    """Draw the plan for a number of events a day; return the sentence that describes the picture.

    Args:
        picture: an empty picture of `picture_size()`.
        events: events a day, from a million to 10 billion.
        run: the learner's run, marked on the curve.
    """
    plan = planned(events)
    box = picture.box()
    box.text(0.2, 0.26, f"{events_words(events)} events a day", points=13, weight="bold")
    words = f"{number(plan.mean)} a second, {number(plan.peak)} in the busiest minute"
    box.text(_WIDTH - 0.25, 0.27, words, color=QUIET, ha="right")
    area = Box(picture, _LEFT, _TOP, _WIDTH - _LEFT - _SIDE - 0.35, _CURVE)
    _draw_curve(area, plan, run)
    side = Box(picture, _WIDTH - _SIDE, _TOP - 0.08, _SIDE - 0.25, _CURVE + 0.3)
    _draw_numbers(side, plan)
    rows = Box(picture, 0.2, _TOP + _CURVE + 0.55, _WIDTH - 0.4, _ROW * (len(ladder()) + 1))
    _draw_ladder(rows, plan)
    return sentence(plan, run)


def picture_size() -> tuple[float, float]:
    """Return the picture's width and height in inches."""
    return _WIDTH, _TOP + _CURVE + 0.55 + _ROW * (len(ladder()) + 1) + 0.15


def events_words(events: float) -> str:
    """Return a number of events in words.

    Example:
        >>> events_words(116e6), events_words(2.5e9)
        ('116 million', '2.5 billion')
    """
    if events >= 1e9:
        return f"{events / 1e9:.3g} billion"
    return f"{events / 1e6:.3g} million"


def sentence(plan: Plan, run: Run | None = None) -> str:
    """Return a plan in words: resources, dollars, and the next limit."""
    words = (
        f"{events_words(plan.events)} events a day need {plan.servers} servers, {plan.shards} + "
        f"{plan.metric_shards} shards, {plan.kpus + 1} KPUs, {plan.concurrency} functions at once, "
        f"{number(plan.rows)} rows a second and {plan.metrics} CloudWatch metrics: "
        f"${dollars(plan):,.0f} a month, {p50(plan):.1f} s to a datapoint (median, on AWS)."
    )
    step = next_step(plan.events)
    if step is None:
        words += " No further limit is exceeded up to 10 billion."
    else:
        words += (
            f" The next limit: {step.limit.name}, at {events_words(step.events)} a day. "
            f"{step.limit.why}. The change: {step.limit.answer}."
        )
    if run is not None:
        words += (
            f" Your own run: {number(run.rate)} beacons a second, as many as "
            f"{events_words(run.events)} a day, {run.lag:.1f} s to a datapoint."
        )
    return words


@cache
def _curves() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    events = np.geomspace(LEAST_EVENTS, MOST_EVENTS, 81)
    plans = [planned(each) for each in events]
    saved = np.array([dollars(thrifty(plan)) for plan in plans])
    return events, np.array([dollars(plan) for plan in plans]), saved


def _draw_curve(area: Box, plan: Plan, run: Run | None) -> None:
    axes = area.axes()
    bare(axes, "both")
    axes.set(xscale="log", yscale="log", xlim=(LEAST_EVENTS * 0.85, MOST_EVENTS * 1.2))
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda events, _: number(events))
    axes.yaxis.set_major_formatter(lambda cost, _: number(cost))
    axes.set_xlabel("events a day", loc="right", fontsize=8.5, color=QUIET)
    area.text(-0.6, -0.14, "dollars a month", color=QUIET, points=8.5)
    events, spent, saved = _curves()
    axes.set_ylim(saved.min() * 0.6, spent.max() * 2.2)
    axes.plot(events, spent, color=BLUE, linewidth=2, label="as it grows")
    axes.plot(events, saved, color=GREEN, linewidth=1.6, linestyle="--",
              label="shared KPUs, 25 KB records, fewer PutMetricData")  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(0.03, 0.98), framealpha=1, facecolor=CARD,
                edgecolor=CARD, **{**LEGEND, "handlelength": 2.2, "frameon": True})  # fmt: skip
    for count, step in enumerate(ladder(), 1):
        if count > 1 and step.events < ladder()[count - 2].events * 1.25:
            continue  # its number is in the label of the previous step
        at = step.events, dollars(planned(step.events))
        axes.plot(*at, marker="|", color=INK, markersize=8)
        axes.annotate(_numbers(count), at, (0, 13), textcoords="offset points", ha="center",
                      fontsize=8, color=INK)  # fmt: skip
    axes.axvline(plan.events, color=VERMILION, linewidth=1)
    axes.plot(plan.events, dollars(plan), "o", color=VERMILION, markersize=8)
    if run is not None and LEAST_EVENTS <= run.events <= MOST_EVENTS:
        at = run.events, dollars(planned(run.events))
        axes.plot(*at, "D", color=ORANGE, markeredgecolor=INK, markersize=9)
        axes.annotate(f"your run: {number(run.rate)}/s, {run.lag:.1f} s", at, (8, -16),
                      textcoords="offset points", fontsize=9, color=INK)  # fmt: skip


def _numbers(first: int) -> str:
    """Return the numbers of the steps in the label of step `first` (from 1)."""
    steps, last = ladder(), first
    while last < len(steps) and steps[last].events < steps[last - 1].events * 1.25:
        last += 1
    return f"{first}" if last == first else f"{first}–{last}"


def _draw_numbers(box: Box, plan: Plan) -> None:
    box.rectangle(0, 0, box.width, box.height, DESK)
    right = box.width - 0.12
    rows = {
        "beacon servers, an agent each": f"{plan.servers:,}",
        "shards: clicks + metrics": f"{plan.shards:,} + {plan.metric_shards:,}",
        "KPUs, with one coordinator": f"{plan.kpus + 1:,}",
        "functions at once, of 1,000": f"{plan.concurrency:,}",
        "rows into DynamoDB, a second": number(round(plan.rows)),
        "PutMetricData/s, of 500": number(plan.put_calls),
        "CloudWatch metrics": f"{plan.metrics:,}",
        "seconds to a datapoint (p50)": f"{p50(plan):.1f}",
    }
    for index, (label, count) in enumerate(rows.items()):
        y = 0.19 + index * 0.21
        box.text(0.12, y, label, color=QUIET)
        box.text(right, y, count, ha="right", weight="bold")
    total, y = dollars(plan), 0.19 + len(rows) * 0.21 + 0.11
    box.text(0.12, y, "dollars a month", color=QUIET)
    box.text(right, y - 0.02, f"${total:,.0f}", points=15, ha="right", weight="bold")
    for index, (name, cost) in enumerate(list(monthly(plan).items())[:4]):
        top = y + 0.2 + index * 0.195
        box.rectangle(0.12, top, max(0.02, (box.width - 0.24) * cost / total), 0.165, BAR)
        box.text(0.18, top + 0.085, name, points=8.5)
        box.text(right, top + 0.085, f"${cost:,.0f}", points=8.5, ha="right")


def _draw_ladder(rows: Box, plan: Plan) -> None:
    """Draw the limits as rows of a table: number, events a day, limit and used part, change."""
    heads = ("", "from", "limit, and the part of it that is used", "change of the design")
    for x, head in zip(_COLUMNS, heads, strict=True):
        rows.text(x, _ROW / 2, head, color=QUIET, points=8.5)
    parts, coming = used(plan), next_step(plan.events)
    for index, step in enumerate(ladder(), 1):
        passed = step.events < plan.events
        part = None if passed else parts.get(step.limit.name, 0.0)
        row = rows.inside(top=_ROW * index)
        _draw_step(row, index, step, part, is_next=step is coming)
        if passed and step.after == plan.design:
            row.rectangle(0, _ROW - 0.01, rows.width, 0.02, VERMILION)


def _draw_step(row: Box, index: int, step: Step, part: float | None, *, is_next: bool) -> None:
    """Draw a limit's row; `part` is the used part, None if it is exceeded."""
    place, since, name, answer = _COLUMNS
    weight = "bold" if is_next else "normal"
    color = INK if is_next or part is None else QUIET
    if part:
        bar = (answer - name - 0.1) * min(part, 1)
        row.rectangle(name - 0.03, 0.02, max(bar, 0.02), _ROW - 0.04, ORANGE if is_next else BAR)
    mark = "✓ " if part is None else f"{part:.0%} " if part else ""
    limit = fit(mark + step.limit.name, 9, answer - name - 0.12)
    change = fit(step.limit.answer, 8.5, row.width - answer)
    row.text(place + 0.02, _ROW / 2, f"{index}", color=color, weight=weight)
    row.text(since, _ROW / 2, number(step.events), color=color)
    row.text(name, _ROW / 2, limit, weight=weight)
    row.text(answer, _ROW / 2, change, color=color, points=8.5)
