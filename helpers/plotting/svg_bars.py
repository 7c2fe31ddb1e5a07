"""Counts over time as an SVG drawing that takes its colours from JupyterLab's theme.

It is a part of the page, not an image: in the dark theme its letters are light, and on a projector
they are as sharp as the page's own.
"""

import html
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers.core.text import number, shorten

from . import chart_parts
from .palette import SLATE
from .series import Series, edges

WIDTH, HEIGHT = 720, 290  # units of the drawing; the page scales it
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 6, 10, 26
_LABEL_STEPS, _MOST_LABELS = (60, 120, 600, 1800, 3600, 10_800, 86_400), 8
# Slate is too dark for a dark page: there it becomes the colour of secondary text.
_THEMED = {SLATE: f"var(--jp-ui-font-color2, {SLATE})"}


def event_bars(series: Sequence[Series], start: float, now: float, bucket: int, alt: str) -> str:
    """Return the drawing: a column for each bucket, the series on top of each other.

    Buckets that are still filling are faint.

    Args:
        series: counts; the first lies at the bottom.
        start, now: the time axis, epoch seconds.
        bucket: seconds in a bucket.
        alt: the text that a screen reader reads instead.

    Example:
        `event_bars(series, now - 300, now, 10, "Events, per 10 s")`
    """
    bounds = edges(start, now, bucket)
    across = (WIDTH - _LEFT - _RIGHT) / (now - start)
    floor = HEIGHT - _BOTTOM
    columns = [each.on(bounds) for each in series]
    top = 1.05 * (max(np.sum(columns, axis=0).max(), 1) if columns else 1)
    up = (floor - _TOP) / top

    parts = []
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10], integer=True).tick_values(0, top)
    for value in np.asarray(ticks)[:-1]:
        y = floor - value * up
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" class="rwa-rule"/>')
        parts.append(_text(_LEFT - 7, y + 5, number(value), "end"))
    step = next(step for step in _LABEL_STEPS if (now - start) / step <= _MOST_LABELS)
    for tick in np.arange(-(-start // step) * step, now, step):
        x = _LEFT + (tick - start) * across
        if _LEFT + 12 < x < WIDTH - 24:
            parts.append(_text(x, HEIGHT - 5, f"{datetime.fromtimestamp(tick, UTC):%H:%M}"))
    open_from = now - chart_parts.JOURNEY_SECONDS - bucket  # a later bucket may still grow
    base, colors = np.zeros(len(bounds) - 1), chart_parts.colored(series)
    for each, values in zip(series, columns, strict=True):
        color = _themed(colors[each.label])
        for n in np.flatnonzero(values):
            left, right = max(bounds[n], start), min(bounds[n] + bucket, now)
            if right <= left:
                continue
            parts.append(
                f'<rect x="{_LEFT + (left - start) * across:.1f}" '
                f'y="{floor - (base[n] + values[n]) * up:.1f}" '
                f'width="{(right - left) * across:.1f}" height="{values[n] * up:.1f}" '
                f'style="fill:{color}" opacity="{1 if bounds[n] <= open_from else 0.5}"/>'
            )
        base += values
    return (
        f'<svg class="rwa-bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(alt)}">{"".join(parts)}</svg>'
    )


def legend(series: Sequence[Series]) -> str:
    """Return the colours and names of the series, as HTML."""
    colors = chart_parts.colored(series)
    return "".join(
        f'<span class="rwa-key"><i style="background:{_themed(colors[each.label])}"></i>'
        f"<bdi>{html.escape(shorten(each.label, 18))}</bdi></span>"
        for each in series
    )


def _themed(color: str) -> str:
    return _THEMED.get(color, color)


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
