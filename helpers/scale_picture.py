"""The planner's picture: the curve of dollars, the plan in numbers, the ladder of limits."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.axes import Axes

from .bottlenecks import MOST_EVENTS, Step, ladder, next_step, planned, used
from .capacity import DAY, Plan
from .monthly import dollars, monthly, thrifty
from .palette import BAR, BLUE, CARD, DESK, GREEN, INK, LINE, ORANGE, QUIET, VERMILION
from .picture import Box, Picture
from .text import number
from .text_fitting import FAMILY, fit

LEAST_EVENTS = 1e6
_WIDTH, _TOP, _CURVE, _ROW = 9.6, 0.62, 2.65, 0.23  # inches
_LEFT, _SIDE = 0.75, 3.0


@dataclass(frozen=True)
class Run:
    """A run of the learner's own.

    Args:
        rate: beacons a second that were counted, at the height of it.
        lag: seconds from the request to a datapoint, the median.
    """

    rate: float
    lag: float

    @property
    def events(self) -> float:
        """As many events a day."""
        return self.rate * DAY


def draw_scale(picture: Picture, events: float, run: Run | None = None) -> str:
    """Draw the plan for a number of events a day; return the sentence that says what is seen.

    Args:
        picture: drawn into; it should be empty, of `picture_size()`.
        events: a day, from a million to 10 billion.
        run: the learner's own, drawn upon the curve.
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
    """Return a number of events as a reader says it.

    Example:
        >>> events_words(116e6), events_words(2.5e9)
        ('116 million', '2.5 billion')
    """
    if events >= 1e9:
        return f"{events / 1e9:.3g} billion"
    return f"{events / 1e6:.3g} million"


def sentence(plan: Plan, run: Run | None = None) -> str:
    """Return in words what a plan is: resources, dollars, and the next limit."""
    words = (
        f"{events_words(plan.events)} events a day need {plan.servers} servers, {plan.shards} + "
        f"{plan.metric_shards} shards, {plan.kpus + 1} KPUs, {plan.concurrency} functions at once, "
        f"{number(plan.rows)} rows a second and {plan.metrics} CloudWatch metrics: "
        f"${dollars(plan):,.0f} a month."
    )
    step = next_step(plan.events)
    if step is None:
        words += " No limit is left up to 10 billion."
    else:
        words += (
            f" First to be exceeded: {step.limit.name}, at {events_words(step.events)} a day. "
            f"{step.limit.why}. Then: {step.limit.answer}."
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
    events, spent, saved = _curves()
    _prepare(axes, float(saved.min()), float(spent.max()))
    area.text(-0.6, -0.14, "dollars a month", color=QUIET, points=8.5)
    axes.plot(events, spent, color=BLUE, linewidth=2)
    axes.plot(events, saved, color=GREEN, linewidth=1.6, linestyle="--")
    axes.text(1.2e6, spent[0] * 1.55, "as it grows", color=BLUE, fontsize=9, family=FAMILY)
    words = "with 25 KB records and fewer PutMetricData"
    axes.text(1.6e7, saved[0] * 0.78, words, color=GREEN, fontsize=8.5, family=FAMILY)
    for count, step in enumerate(ladder(), 1):
        if count > 1 and step.events < ladder()[count - 2].events * 1.25:
            continue  # stands with the one before
        at = dollars(planned(step.events))
        axes.annotate(
            _numbers(count),
            (step.events, at),
            (0, 13),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
            family=FAMILY,
        )
        axes.plot([step.events], [at], marker="|", color=INK, markersize=8)
    axes.axvline(plan.events, color=VERMILION, linewidth=1)
    axes.plot([plan.events], [dollars(plan)], "o", color=VERMILION, markersize=8)
    if run is not None and LEAST_EVENTS <= run.events <= MOST_EVENTS:
        cost = dollars(planned(run.events))
        axes.plot([run.events], [cost], "D", color=ORANGE, markeredgecolor=INK, markersize=9)
        axes.annotate(
            f"your run: {number(run.rate)}/s, {run.lag:.1f} s",
            (run.events, cost),
            (8, -16),
            textcoords="offset points",
            fontsize=9,
            color=INK,
            family=FAMILY,
        )


def _numbers(first: int) -> str:
    """Return the numbers of the steps that stand together with step `first` (from 1)."""
    steps, last = ladder(), first
    while last < len(steps) and steps[last].events < steps[last - 1].events * 1.25:
        last += 1
    return f"{first}" if last == first else f"{first}–{last}"


def _prepare(axes: Axes, low: float, high: float) -> None:
    axes.set_facecolor(CARD)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(LINE)
    axes.tick_params(which="both", length=0, labelsize=9, labelcolor=QUIET, pad=3)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(LEAST_EVENTS * 0.85, MOST_EVENTS * 1.2)
    axes.set_ylim(low * 0.6, high * 2.2)
    sizes = (1e6, 1e7, 1e8, 1e9, 1e10)
    axes.set_xticks(sizes, ["1 M a day", "10 M", "100 M", "1 G", "10 G"], family=FAMILY)
    ticks = [each for each in (100, 1e3, 1e4, 1e5) if low * 0.6 <= each <= high * 2.2]
    axes.set_yticks(ticks, [f"{each:,.0f}" for each in ticks], family=FAMILY)
    axes.minorticks_off()


def _draw_numbers(box: Box, plan: Plan) -> None:
    box.rectangle(0, 0, box.width, box.height, DESK)
    rows = [
        ("beacon servers, an agent each", f"{plan.servers:,}"),
        ("shards: clicks + metrics", f"{plan.shards:,} + {plan.metric_shards:,}"),
        ("KPUs, one of them directing", f"{plan.kpus + 1:,}"),
        ("functions at once, of 1,000", f"{plan.concurrency:,}"),
        ("rows into DynamoDB, a second", number(round(plan.rows))),
        ("PutMetricData/s, of 500", number(plan.put_calls)),
        ("CloudWatch metrics", f"{plan.metrics:,}"),
    ]
    for index, (what, count) in enumerate(rows):
        y = 0.19 + index * 0.235
        box.text(0.12, y, what, color=QUIET)
        box.text(box.width - 0.12, y, count, ha="right", weight="bold")
    y = 0.19 + len(rows) * 0.235 + 0.12
    box.text(0.12, y, "dollars a month", color=QUIET)
    box.text(
        box.width - 0.12, y - 0.02, f"${dollars(plan):,.0f}", points=15, ha="right", weight="bold"
    )
    services = list(monthly(plan).items())[:4]
    total = dollars(plan)
    for index, (name, cost) in enumerate(services):
        top = y + 0.2 + index * 0.195
        box.rectangle(0.12, top, max(0.02, (box.width - 0.24) * cost / total), 0.165, BAR)
        box.text(0.18, top + 0.085, name, points=8.5)
        box.text(box.width - 0.12, top + 0.085, f"${cost:,.0f}", points=8.5, ha="right")


def _draw_ladder(rows: Box, plan: Plan) -> None:
    columns = (0.0, 0.3, 1.15, 3.75)
    heads = ("", "from", "the limit, and how much of it is used", "what changes there")
    for x, head in zip(columns, heads, strict=True):
        rows.text(x, _ROW / 2, head, color=QUIET, points=8.5)
    parts, coming = used(plan), next_step(plan.events)
    for index, step in enumerate(ladder(), 1):
        part = None if step.events < plan.events else parts.get(step.limit.name, 0.0)
        _draw_step(rows, index, columns, step, part, step is coming)
        if step.after == plan.design and step.events < plan.events:
            rows.rectangle(0, _ROW * (index + 1) - 0.01, rows.width, 0.02, VERMILION)


def _draw_step(
    rows: Box,
    index: int,
    columns: tuple[float, ...],
    step: Step,
    part: float | None,
    is_next: bool,
) -> None:
    top, middle = _ROW * index, _ROW * (index + 0.5)
    weight = "bold" if is_next else "normal"
    color = INK if is_next or part is None else QUIET
    if part:
        bar = (columns[3] - columns[2] - 0.1) * min(part, 1)
        shade = ORANGE if is_next else BAR
        rows.rectangle(columns[2] - 0.03, top + 0.02, max(bar, 0.02), _ROW - 0.04, shade)
    rows.text(columns[0] + 0.02, middle, f"{index}", color=color, weight=weight)
    words = events_words(step.events).replace("illion", "")
    rows.text(columns[1], middle, words.replace(" m", " M").replace(" b", " G"), color=color)
    mark = "✓ " if part is None else f"{part:.0%} " if part else ""
    name = fit(mark + step.limit.name, 9, columns[3] - columns[2] - 0.12)
    rows.text(columns[2], middle, name, color=INK, weight=weight)
    answer = fit(step.limit.answer, 8.5, rows.width - columns[3])
    rows.text(columns[3], middle, answer, color=color, points=8.5)
