"""The parts that the live chart and the dashboard share: axes, stacks, lines, bars, a legend."""

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

# A beacon is a CloudWatch datapoint about two seconds later: until then its bucket may still grow.
JOURNEY_SECONDS = 3
# How each legend looks; where it is, and in how many columns, differs.
LEGEND: dict[str, Any] = {
    "frameon": False, "fontsize": 9, "labelcolor": INK, "handlelength": 1, "handleheight": 1,
    "handletextpad": 0.5, "borderpad": 0, "borderaxespad": 0,
}  # fmt: skip
_TIME_STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def colored(series: Sequence[Series]) -> dict[str, str]:
    """Return each series' colour by its label: its own wish, or one from the palette."""
    wishes = {each.label: each.color for each in series if each.color}
    return item_colors(each.label for each in series if not each.color) | wishes


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
        inches: width of the axes, which decides how many times of day fit.
    """
    bare(axes)
    axes.set_xlim(start, end)
    most = max(2, int(inches / 0.75))
    step = next((step for step in _TIME_STEPS if (end - start) / step <= most), _TIME_STEPS[-1])
    margin = 0.25 / inches * (end - start)  # a label further left would lie upon the values' zero
    axes.set_xticks(np.arange(math.ceil((start + margin) / step) * step, end - margin / 3, step))
    axes.xaxis.set_major_formatter(lambda tick, _: _time(datetime.fromtimestamp(tick, UTC), step))


def _time(at: datetime, step: float) -> str:
    if step >= 86400:
        return day(at)
    return f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}"


def value_axis(
    axes: Axes,
    low: float,
    high: float,
    inches: float,
    *,
    fixed: bool = False,
    whole: bool,
) -> None:
    """Scale the value axis with up to five round numbers.

    Args:
        low, high: what must be seen.
        inches: height of the axes.
        fixed: end exactly at `high`, which someone chose, rather than a little above.
        whole: the values are counts, and so are the numbers.
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
    """Draw counts as steps on top of each other; what may still grow is pale and hatched.

    Args:
        series: the first lies at the bottom.
        bounds: the buckets' bounds, epoch seconds.
        now: epoch seconds; buckets that ended less than a beacon's journey ago may still grow.

    Returns:
        The sum of all series in each bucket.
    """
    colors = colored(series)
    closed = int(np.searchsorted(bounds[1:] + JOURNEY_SECONDS, now, side="right"))
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
                    # A thin rim in the card's colour tells neighbours apart without colour.
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
        closed = int(np.searchsorted(each.times + bucket + JOURNEY_SECONDS, now, side="right"))
        look: dict[str, Any] = {"color": colors[each.label], "linewidth": 1.6}
        size = 2.5 if len(each.times) <= 40 else 0
        axes.plot(
            each.times[:closed], each.values[:closed], marker="o", markersize=size, **look,
            solid_joinstyle="round",
        )  # fmt: skip
        tail = slice(max(closed - 1, 0), None)
        axes.plot(each.times[tail], each.values[tail], linestyle=":", **look)


def flow_legend(
    box: Box, entries: Sequence[tuple[str, str]], rows: int = 2, hidden: int = 0
) -> None:
    """Write (label, colour) entries side by side, on at most `rows` rows; say how many are left.

    Args:
        box: where; each row takes 0.19 inches.
        entries: in the order to be shown.
        rows: how many rows there are.
        hidden: how many lines the chart does not show at all.
    """
    x, row = 0.0, 0
    for index, (label, color) in enumerate(entries):
        left = len(entries) - index + hidden
        words = fit(label, 9, min(1.6, box.width - 0.3))
        needed = 0.17 + width(words, 9)
        more = 0.75 if row == rows - 1 and left > 1 else 0  # room to say "12 more"
        if x and x + needed + more > box.width:
            if row == rows - 1:
                box.text(x, 0.09 + row * 0.19, f"{left} more", color=QUIET)
                return
            x, row = 0.0, row + 1
        box.rectangle(x, 0.04 + row * 0.19, 0.11, 0.11, color)
        box.text(x + 0.16, 0.09 + row * 0.19, words)
        x += needed + 0.16
    if hidden:
        box.text(x, 0.09 + row * 0.19, f"{hidden} more", color=QUIET)


def bars(box: Box, rows: Sequence[tuple[str, float]]) -> None:
    """Draw a table of labels and values, each upon a bar as long as its value.

    The label is written on the bar, so that a long one has the whole width.

    Args:
        box: where; each row takes 0.18 to 0.3 inches, and what has no room is left out.
        rows: (label, value), the largest first.
    """
    rows = rows[: max(int(box.height / 0.18), 1)]
    height = min(0.3, box.height / max(len(rows), 1))
    longest = max((value for _, value in rows if math.isfinite(value)), default=0)
    for index, (label, value) in enumerate(rows):
        top, words = index * height, number(value)
        part = value / longest if longest > 0 and value > 0 else 0
        color = LINE if label.startswith(("all others", "(other)")) else BAR
        box.rectangle(0, top + 0.02, max(part * box.width, 0.02), height - 0.04, color)
        box.text(0.07, top + height / 2, fit(label, 9, box.width - width(words, 9) - 0.3))
        box.text(box.width - 0.06, top + height / 2, words, ha="right", color=INK)
