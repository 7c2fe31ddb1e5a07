"""Pictures of flash crowds: simulated for a site's size, and simulated next to a measured one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.core.text import number
from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.palette import BLUE, GREEN, INK, ORANGE, QUIET, SKY, VERMILION

from .bottlenecks import planned
from .capacity import Plan, Run, beacons_a_shard
from .limits import units
from .planner_figure import events_words
from .queue_model import FUNCTIONS, SENT, STEP, crowd_rates, lag, simulate, stages_of, waiting_at

_WIDTH = 9.6  # inches
_SMOOTH = 1.0  # seconds of a moving average, of rates and of measured values
_HEIGHT = 0.95  # of the most beacons that wait: above it, the crowd is at its peak
_COMPARED: tuple[dict[str, Any], ...] = (  # measured, its mean, simulated
    {"color": ORANGE, "linewidth": 0.8, "alpha": 0.6},
    {"color": ORANGE},
    {"color": INK, "linewidth": 1.4, "linestyle": "--"},
)


def simulate_flash_crowd(
    events: float = 116e6, factor: float = 10, shards: int | None = None
) -> Picture:
    """Return a picture of a simulated flash crowd at a site of a given size.

    Args:
        events: events a day without the crowd; the simulated site has the plan for them.
        factor: multiplies the rate, reached within a minute, for four minutes.
        shards: of the clicks stream, with at least as many KPUs; None for the plan's.

    Example:
        `simulate_flash_crowd(events=116e6, shards=15)`
    """
    plan = planned(events)
    if shards is not None:
        plan = replace(plan, shards=shards, kpus=max(shards, plan.kpus))
    asked = crowd_rates(plan.mean, factor)
    # Each server answers as many requests as a core in the measurement, and refuses the rest.
    answered = np.minimum(asked, plan.servers * units().server_requests_per_second)
    passed = simulate(answered, stages_of(plan))
    return draw_crowd(passed, plan, factor, refused=float((asked - answered).sum() * STEP))


def draw_crowd(passed: pd.DataFrame, plan: Plan, factor: float, refused: float = 0) -> Picture:
    """Return the picture of a simulated crowd: rates, waiting beacons, delay of the metrics.

    Args:
        passed: the result of `simulate`.
        plan: the site's resources.
        factor: of the crowd.
        refused: number of beacons that the servers refused.
    """
    late = lag(passed)
    usual = float(late.iloc[:100].dropna().max())
    over = late[late > usual + 1].index
    ends = min(passed.index[-1], max(passed.index[-1] / 12, (over.max() if len(over) else 0) + 120))
    passed_by = passed.set_axis(passed.index / 60)[passed.index <= ends]
    rates = passed_by[[SENT, FUNCTIONS]].set_axis(["sent", "counted"], axis=1).apply(_rate)
    panels = {
        "beacons a second": (rates, (ORANGE, BLUE)),
        "beacons waiting, by stage": (waiting_at(passed_by), (SKY, BLUE, GREEN)),
        "seconds until a beacon is a datapoint": (lag(passed_by).to_frame() * 60, (VERMILION,)),
    }
    picture = _draw(
        f"{factor:g} times the visitors: {events_words(plan.events)} events a day, simulated",
        panels,
        "minutes",
    )
    picture.sentence = _crowd_sentence(passed, plan, factor, late, over, refused)
    return picture


def _crowd_sentence(
    passed: pd.DataFrame, plan: Plan, factor: float, late: pd.Series, over: pd.Index, refused: float
) -> str:
    worst = waiting_at(passed).max()
    where = worst.idxmax()
    takes = plan.shards * beacons_a_shard(plan.design)
    words = (
        f"{factor:g} times {number(plan.mean)} beacons a second arrive within a minute, for four "
        f"minutes; {plan.shards} shards take {number(takes)} a second."
    )
    if len(over):
        words += (
            f" At most {number(round(worst.max()))} beacons wait, before: {where}. The "
            f"metrics are at most {late.max() / 60:.0f} minutes late, and on time again after "
            f"{(over.max() - over.min()) / 60:.0f} minutes. "
            "No answered beacon is lost: it waits in the servers' logs."
        )
    else:
        words += f" No beacon has to wait: the metrics are at most {late.max():.1f} s late."
    if refused > 0.5:
        words += f" The servers refuse {number(round(refused))} requests: there are too few."
    return words


def draw_comparison(simulated: pd.DataFrame, real: pd.DataFrame, run: Run) -> Picture:
    """Return the picture of the beacons that waited at each stage, simulated and measured.

    Args:
        simulated, real: results of `waiting_at` with the same times.
        run: the peak rate and the median seconds to a datapoint.
    """
    # Stages work in batches, so the measured line is a sawtooth; the simulation has its mean.
    mean = real.rolling(round(2 * _SMOOTH / STEP), center=True, min_periods=1).mean()
    panels = {}
    for name in real:
        lines = {"measured": real[name], "its mean": mean[name], "simulated": simulated[name]}
        panels[f"beacons waiting for: {name}"] = pd.DataFrame(lines), _COMPARED
    picture = _draw("The crowd, measured and simulated", panels, "seconds")
    inside = simulated.sum(axis=1)
    height = (inside > _HEIGHT * inside.max()).to_numpy()
    means = ", ".join(
        f"{name} {real.loc[height, name].mean():.0f} "
        f"(simulated {simulated.loc[height, name].mean():.0f})"
        for name in real
    )
    picture.sentence = (
        f"At {run.rate:g} beacons a second, on average {real[height].sum(axis=1).mean():.0f} were "
        f"in the pipeline, simulated {inside[height].mean():.0f}. By stage: {means}. The median "
        f"beacon was a datapoint after {run.lag:.1f} s. The simulation uses assets/measured.json, "
        "not this run."
    )
    return picture


def _rate(passed: pd.Series) -> pd.Series:
    steps = max(1, round(_SMOOTH / STEP))
    return passed.diff(steps).bfill() / (steps * STEP)


def _draw(
    title: str, panels: Mapping[str, tuple[pd.DataFrame, Sequence[Any]]], unit: str
) -> Picture:
    """Return a picture of panels below each other, with a common time axis.

    Args:
        title: of the picture.
        panels: by heading: a frame whose columns are its lines, and for each of them a colour
            or options of matplotlib's `plot`.
        unit: of the frames' index.
    """
    picture = Picture(_WIDTH, 0.8 + 1.4 * len(panels))
    picture.set_layout_engine("constrained", w_pad=0.2, h_pad=0.1)  # inches
    picture.suptitle(title, x=0.2 / _WIDTH, ha="left", fontsize=12, weight="bold", color=INK)
    rows = picture.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (heading, (frame, looks)) in zip(rows, panels.items(), strict=True):
        chart_parts.bare(axes)
        axes.set_title(heading, loc="left", fontsize=9, color=INK)
        for name, look in zip(frame, looks, strict=True):
            options = {"color": look} if isinstance(look, str) else look
            axes.plot(frame.index, frame[name], label=name, **{"linewidth": 1.8, **options})
        axes.set_xlim(0, frame.index[-1])
        whole = heading.startswith("beacons waiting")
        chart_parts.value_axis(axes, 0, max(1.0, float(np.nanmax(frame))), 0.95, whole=whole)
        if len(looks) > 1:
            options = {**chart_parts.LEGEND, "handlelength": 1.6}
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1.05), ncols=3, **options)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(unit, loc="right", fontsize=8.5, color=QUIET)
    return picture
