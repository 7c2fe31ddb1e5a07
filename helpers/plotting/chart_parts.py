"""Parts that the charts and the dashboard share: axes, stacks, lines, bars."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.core.text import day, number

from .figure import Box
from .palette import BAR, CARD, INK, LINE, QUIET, item_colors
from .series import Series
from .text_fitting import fit, width

# A beacon becomes a CloudWatch datapoint after about two seconds: until then its bucket may grow.
JOURNEY_SECONDS = 3
# The look of each legend; its place and its number of columns differ.
LEGEND: dict[str, Any] = {
    "frameon": False, "fontsize": 9, "labelcolor": INK, "handlelength": 1, "handleheight": 1,
    "handletextpad": 0.5, "borderpad": 0, "borderaxespad": 0,
}  # fmt: skip
_TIME_STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def colored(series: Sequence[Series]) -> dict[str, str]:
    """Return each series' colour by its label: the requested one, or one from the palette."""
    requested = {each.label: each.color for each in series if each.color}
    return item_colors(each.label for each in series if not each.color) | requested


def is_finished(start: np.ndarray, bucket: float, now: float) -> np.ndarray:
    """Return which buckets have all their beacons, from their starts (epoch seconds)."""
    return start + bucket + JOURNEY_SECONDS <= now


def newest_bucket(series: Sequence[Series], bucket: float, now: float) -> float:
    """Return the start of the newest finished bucket of all series; of the newest if none is."""
    times = np.unique(np.concatenate([each.times for each in series]))
    finished = times[is_finished(times, bucket, now)]
    return (finished if len(finished) else times)[-1]


def bare(axes: Axes, grid: Literal["y", "both"] = "y") -> None:
    """Give the axes a bare look: a line below, and a pale grid along the `y` axis or `both`."""
    axes.set_facecolor(CARD)
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color=LINE)
    axes.tick_params(which="both", length=0, labelsize=9, labelcolor=QUIET, pad=3)
    axes.grid(axis=grid, color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)


def prepare(axes: Axes, start: float, end: float, inches: float) -> None:
    """Give the axes a bare look and a time axis from `start` to `end` (epoch seconds, UTC).

    Args:
        inches: width of the axes, which limits the number of labels.
    """
    bare(axes)
    axes.set_xlim(start, end)
    most = max(2, int(inches / 0.75))
    step = next((step for step in _TIME_STEPS if (end - start) / step <= most), _TIME_STEPS[-1])
    margin = 0.25 / inches * (end - start)  # a label further left would cover the values' zero
    axes.set_xticks(np.arange(math.ceil((start + margin) / step) * step, end - margin / 3, step))

    def label(tick: float, _: float) -> str:
        at = datetime.fromtimestamp(tick, UTC)
        if step >= 86400:
            return day(at)
        return f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}"

    axes.xaxis.set_major_formatter(label)


def value_axis(
    axes: Axes, low: float, high: float, inches: float, *, fixed: bool = False, whole: bool
) -> None:
    """Scale the value axis with up to five round numbers.

    Args:
        low, high: the range that must be visible.
        inches: height of the axes.
        fixed: end exactly at `high`, instead of a little above.
        whole: the values are counts, so the axis has whole numbers only.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        low, high = (low, low + 1) if math.isfinite(low) else (0, 1)
    axes.set_ylim(low, high if fixed else high + (high - low) * 0.08)
    most = max(1, min(5, int(inches / 0.3)))
    axes.yaxis.set_major_locator(
        MaxNLocator(most, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=1)
    )
    # Rounded, because a tick may be 0.30000000000000004.
    axes.yaxis.set_major_formatter(lambda tick, _: number(round(tick, 12)))


def are_whole(series: Sequence[Series]) -> bool:
    """Return whether all values are whole numbers, as counts are."""
    return all(bool(np.all(each.values == np.round(each.values))) for each in series)


def stack(axes: Axes, series: Sequence[Series], bounds: np.ndarray, now: float) -> np.ndarray:
    """Draw counts as steps on top of each other; buckets that may still grow are pale and hatched.

    Args:
        series: the first is at the bottom.
        bounds: the buckets' bounds, epoch seconds.
        now: epoch seconds.

    Returns:
        The sum of all series in each bucket.
    """
    colors = colored(series)
    closed = int(is_finished(bounds[:-1], bounds[1] - bounds[0], now).sum())
    total = np.zeros(len(bounds) - 1)
    for each in series:
        above = total + each.on(bounds)
        for part, alpha in ((slice(0, closed), 1.0), (slice(closed, None), 0.45)):
            if len(above[part]):
                axes.stairs(
                    above[part],
                    bounds[part.start : (part.stop or len(bounds)) + 1],
                    baseline=total[part],
                    fill=True,
                    facecolor=colors[each.label],
                    alpha=alpha,
                    # A thin rim in the card's colour separates neighbours without colour.
                    edgecolor=CARD,
                    linewidth=0.5,
                )
        total = above
    if closed < len(total) and total[closed:].any():
        axes.stairs(
            total[closed:],
            bounds[closed:],
            fill=True,
            facecolor="none",
            edgecolor=CARD,
            hatch="////",
            linewidth=0,
        )
    return total


def lines(axes: Axes, series: Sequence[Series], bucket: float, now: float) -> None:
    """Draw each series as a line; the part whose buckets may still grow is dotted.

    Args:
        bucket: length of a bucket, seconds.
        now: epoch seconds.
    """
    colors = colored(series)
    for each in series:
        closed = int(is_finished(each.times, bucket, now).sum())
        look: dict[str, Any] = {"color": colors[each.label], "linewidth": 1.6}
        size = 2.5 if len(each.times) <= 40 else 0
        look_closed = look | {"marker": "o", "markersize": size, "solid_joinstyle": "round"}
        axes.plot(each.times[:closed], each.values[:closed], **look_closed)
        tail = slice(max(closed - 1, 0), None)
        axes.plot(each.times[tail], each.values[tail], linestyle=":", **look)


def swatch_row(box: Box, y: float, color: str, label: str, value: str) -> None:
    """Write a legend's entry `y` inches below the top: colour, label, and value at the right."""
    box.rectangle(0, y - 0.065, 0.13, 0.13, color)
    box.text(0.2, y, fit(label, 9, box.width - 0.35 - width(value, 9)))
    box.text(box.width, y, value, ha="right")


def bars(box: Box, rows: Sequence[tuple[str, float]]) -> None:
    """Draw a table of labels and values, each on a bar as long as its value.

    The label is written on the bar, so that a long label has the whole width.

    Args:
        box: each row is 0.18 to 0.3 inches high; rows that do not fit are left out.
        rows: (label, value), the largest first.
    """
    rows = rows[: max(int(box.height / 0.18), 1)]
    height = min(0.3, box.height / max(len(rows), 1))
    longest = max((value for _, value in rows if math.isfinite(value)), default=0)
    for index, (label, value) in enumerate(rows):
        top, text = index * height, number(value)
        part = value / longest if longest > 0 and value > 0 else 0
        color = LINE if label.startswith(("all others", "(other)")) else BAR
        box.rectangle(0, top + 0.02, max(part * box.width, 0.02), height - 0.04, color)
        box.text(0.07, top + height / 2, fit(label, 9, box.width - width(text, 9) - 0.3))
        box.text(box.width - 0.06, top + height / 2, text, ha="right")
