"""Flash crowds as pictures: one simulated at a site's size, and a small one beside the real one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import plot
from .bottlenecks import planned
from .capacity import Plan, beacons_a_shard
from .flash_crowd import FUNCTIONS, SENT, STEP, crowd_rates, lag, simulate, stages_of, waiting_at
from .palette import BLUE, GREEN, INK, ORANGE, QUIET, SKY, VERMILION
from .picture import Box, Picture
from .scale_picture import Run, events_words
from .units import units

_WIDTH, _LEFT = 9.6, 0.85  # inches
_COLORS = (SKY, BLUE, GREEN)
_SMOOTH = 1.0  # seconds: rates, and what was measured, are drawn as the mean over so long
_STYLES: dict[str, dict[str, Any]] = {
    "--": {"linestyle": "--", "linewidth": 1.4},
    "saw": {"linewidth": 0.8, "alpha": 0.6},
}
_HEIGHT = 0.95  # of the most that waits: when more does, the crowd is at its height


def simulated_crowd(
    events: float = 116e6, factor: float = 10, shards: int | None = None
) -> Picture:
    """Return a picture of a flash crowd at a site of some size, simulated.

    Args:
        events: events a day without the crowd; the plan for them must carry the crowd.
        factor: how many times as many come, within a minute, for four minutes.
        shards: of the clicks stream, and as many KPUs; None for what the plan has.

    Example:
        `simulated_crowd(events=116e6, shards=15)`
    """
    plan = planned(events)
    if shards is not None:
        plan = replace(plan, shards=shards, kpus=max(shards, plan.kpus))
    asked = crowd_rates(plan.mean, factor)
    # Each server answers as many as a core was measured to; who comes on top is refused.
    answered = np.minimum(asked, plan.servers * units().server_requests_per_second)
    passed = simulate(answered, stages_of(plan))
    return draw_crowd(passed, plan, factor, refused=float((asked - answered).sum() * STEP))


def draw_crowd(passed: pd.DataFrame, plan: Plan, factor: float, refused: float = 0) -> Picture:
    """Return the picture of a simulated crowd: rates, what waits, how late the numbers are.

    Args:
        passed: as `flash_crowd.simulate` returns it.
        plan: what the site has.
        factor: of the crowd.
        refused: beacons that the servers could not answer.
    """
    late = lag(passed)
    usual = float(late.iloc[:100].dropna().max())
    over = late[late > usual + 1].index
    ends = min(passed.index[-1], max(passed.index[-1] / 12, (over.max() if len(over) else 0) + 120))
    shown = passed[passed.index <= ends]
    picture = Picture(_WIDTH, 5.0)
    box = picture.box()
    title = f"Ten times the visitors: {events_words(plan.events)} events a day, simulated"
    box.text(0.2, 0.26, title.replace("Ten", f"{factor:g}"), points=12, weight="bold")
    arrived = _rate(shown[SENT])
    counted = _rate(shown[FUNCTIONS])
    panels = (
        ("beacons a second", ((arrived, ORANGE, "sent"), (counted, BLUE, "counted"))),
        ("beacons waiting, by stage", _waiting_lines(waiting_at(shown))),
        ("seconds until a beacon is a datapoint", ((late[shown.index], VERMILION, ""),)),
    )
    for number, (words, lines) in enumerate(panels):
        area = Box(picture, _LEFT, 0.78 + number * 1.4, _WIDTH - _LEFT - 0.3, 0.95)
        _panel(area, words, lines, ends)
    box.text(_WIDTH - 0.3, 4.88, "minutes", color=QUIET, ha="right", points=8.5)
    picture.sentence = _crowd_sentence(passed, plan, factor, late, over, refused)
    return picture


def _crowd_sentence(
    passed: pd.DataFrame, plan: Plan, factor: float, late: pd.Series, over: pd.Index, refused: float
) -> str:
    worst = waiting_at(passed).max()
    where = worst.idxmax()
    takes = plan.shards * beacons_a_shard(plan.design)
    words = (
        f"{factor:g} times {plot.number(plan.mean)} beacons a second come within a minute and stay "
        f"for four; {plan.shards} shards take {plot.number(takes)} a second."
    )
    if len(over):
        words += (
            f" {plot.number(round(worst.max()))} beacons wait at most, before: {where}. The "
            f"numbers are {late.max() / 60:.0f} minutes late at worst, and on time again "
            f"{(over.max() - over.min()) / 60:.0f} minutes after they began to be late. "
        )
        words += "Nothing that was answered is lost: it waits in the servers' logs."
    else:
        words += f" Nothing has to wait: the numbers stay {late.max():.1f} s behind."
    if refused > 0.5:
        words += f" The servers refuse {plot.number(round(refused))} until there are more of them."
    return words


def draw_comparison(simulated: pd.DataFrame, real: pd.DataFrame, run: Run) -> Picture:
    """Return the picture of what waited at each stage of a small crowd, simulated and in truth.

    Args:
        simulated, real: as `flash_crowd.waiting_at` returns them, of the same times.
        run: the rate at its height and the median seconds to a datapoint.
    """
    picture = Picture(_WIDTH, 0.78 + 1.4 * len(real.columns) + 0.05)
    box = picture.box()
    box.text(0.2, 0.26, "The crowd in truth, and as simulated", points=12, weight="bold")
    box.rectangle(_WIDTH - 4.0, 0.24, 0.22, 0.04, ORANGE)
    box.text(_WIDTH - 3.7, 0.26, "measured, and its mean")
    box.text(_WIDTH - 1.95, 0.26, "- - -", color=INK)
    box.text(_WIDTH - 1.6, 0.26, "simulated")
    end = float(real.index[-1])
    for number, name in enumerate(real.columns):
        area = Box(picture, _LEFT, 0.78 + number * 1.4, _WIDTH - _LEFT - 0.3, 0.95)
        # Stages work in batches, so what waits is a saw; its mean is what can be simulated.
        mean = real[name].rolling(round(2 * _SMOOTH / STEP), center=True, min_periods=1).mean()
        lines = (
            (real[name], ORANGE, "saw"),
            (mean, ORANGE, ""),
            (simulated[name], INK, "--"),
        )
        _panel(area, f"beacons waiting for: {name}", lines, end, unit=1)
    box.text(_WIDTH - 0.3, 0.78 + 1.4 * len(real.columns) - 0.07, "seconds", color=QUIET,
             ha="right", points=8.5)  # fmt: skip
    inside = simulated.sum(axis=1)
    height = (inside > _HEIGHT * inside.max()).to_numpy()
    means = ", ".join(
        f"{name} {real.loc[height, name].mean():.0f} "
        f"(simulated {simulated.loc[height, name].mean():.0f})"
        for name in real
    )
    picture.sentence = (
        f"At {run.rate:g} beacons a second {real[height].sum(axis=1).mean():.0f} were on their way "
        f"on average, simulated {inside[height].mean():.0f}. By stage: {means}. The median beacon "
        f"was a datapoint after {run.lag:.1f} s. The simulation knows assets/measured.json, not "
        "this run."
    )
    return picture


def _rate(passed: pd.Series) -> pd.Series:
    steps = max(1, round(_SMOOTH / STEP))
    return passed.diff(steps).bfill() / (steps * STEP)


def _waiting_lines(inside: pd.DataFrame) -> tuple[tuple[pd.Series, str, str], ...]:
    return tuple((inside[name], color, name) for name, color in zip(inside, _COLORS, strict=True))


def _panel(
    area: Box,
    words: str,
    lines: tuple[tuple[pd.Series, str, str], ...],
    end: float,
    unit: float = 60,
) -> None:
    """Draw one panel: lines with a label each; `--` and `saw` are labels of lines without one."""
    axes = area.axes()
    plot.prepare(axes, 0, end, area.width)
    area.text(-_LEFT + 0.2, -0.14, words, points=9, color=INK)
    x = 3.2
    for series, color, label in lines:
        style = _STYLES.get(label) or {"linewidth": 1.8}
        axes.plot(series.index, series.to_numpy(), color=color, **style)
        if label and label not in _STYLES:
            area.rectangle(x, -0.16, 0.22, 0.04, color)
            area.text(x + 0.3, -0.14, label, points=8.5)
            x += 0.6 + 0.075 * len(label)
    highest = max(float(np.nanmax(series.to_numpy())) for series, _, _ in lines)
    counts = words.startswith("beacons waiting")
    plot.value_axis(axes, 0, max(highest, 1), area.height, whole=counts)
    step = next(
        each for each in (1, 2, 5, 10, 20, 30, 60, 120) if end / unit / each <= area.width / 0.75
    )
    ticks = np.arange(0, end / unit, step)
    axes.set_xticks(ticks * unit, [f"{tick:g}" for tick in ticks])
