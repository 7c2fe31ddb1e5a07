"""The ledger as a picture: a bar for each stage, with flows, losses and additions between them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from helpers.core.text import day
from helpers.plotting.chart_parts import LEGEND
from helpers.plotting.figure import Box, Picture
from helpers.plotting.palette import (
    BLUE,
    CARD,
    GREEN,
    INK,
    LINE,
    ORANGE,
    OTHERS,
    PURPLE,
    QUIET,
    SKY,
    SLATE,
    VERMILION,
)

from .ledger_text import (
    ABSENT,
    ACCEPTED,
    BOTS,
    DUPLICATES,
    MISSING,
    NOTES,
    REJECTED,
    TITLES,
    UNKNOWN,
    WAITS,
    ZERO,
    count,
    difference,
    notes,
    sentence,
    state,
    totals,
)

COLORS = {ACCEPTED: BLUE, BOTS: SKY, REJECTED: SLATE, DUPLICATES: PURPLE}
STATE_COLORS = {
    ZERO: GREEN, MISSING: VERMILION, WAITS: ORANGE, UNKNOWN: ORANGE, ABSENT: OTHERS
}  # fmt: skip
_WIDTH = 9.4
_TOP, _BAR, _HEIGHT, _BELOW, _MARGIN = 1.0, 0.52, 1.75, 0.3, 0.4  # inches
_CHIP, _NOTE, _FOOT = 0.26, 0.16, 0.56  # heights of a difference, of a note, and of the legend
# Two curves, of three points each, joined by straight lines.
_RIBBON = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
_THIN = 0.03  # the height of a part that is not empty, but would be too thin to be seen


def draw_ledger(frame: pd.DataFrame, start: datetime, end: datetime | None) -> Picture:
    """Return the picture of a ledger.

    Args:
        frame: the ledger's frame.
        start: the start of its first bucket, UTC.
        end: the end of its last bucket, UTC; None for now.

    Example:
        `draw_ledger(account.frame, account.start, account.end)`
    """
    under = max(
        _CHIP * len(difference(frame, stage)) + _NOTE * len(notes(frame, stage)) for stage in TITLES
    )
    picture = Picture(_WIDTH, _TOP + _HEIGHT + _BELOW + under + _FOOT)
    picture.sentence = sentence(frame)
    box = picture.box().inside(left=0.2, right=0.2)
    until = "now" if end is None else f"{end:%H:%M:%S}"
    box.text(0, 0.26, "The ledger", points=13, weight="bold")
    box.text(1.3, 0.28, f"beacons of {day(start)}, {start:%H:%M:%S} to {until} UTC", color=QUIET)
    _verdict(box, frame)
    area = box.inside(top=_TOP)
    step = (area.width - 2 * _MARGIN - _BAR) / (len(TITLES) - 1)
    axes = _axes(area)
    highest = max(max((sum(totals(frame, stage).values()) for stage in TITLES), default=0), 1)
    bars = []
    for index, stage in enumerate(TITLES):
        x = _MARGIN + index * step
        bars.append(_bar(axes, frame, stage, x, highest))
        _labels(box, frame, stage, x + _BAR / 2, first=index == 0)
    _flows(axes, frame, bars, step, highest)
    if not any(count(frame, stage) for stage in TITLES):
        area.text(area.width / 2, _HEIGHT / 2, "No beacons in this time.", color=QUIET, ha="center")
    _legend(box.inside(top=box.height - 0.36), axes, frame)
    return picture


def _axes(area: Box) -> Axes:
    """Return axes in inches, with the bars' base at 0."""
    axes = area.inside(bottom=max(area.height - _HEIGHT - _BELOW, 0)).axes()
    axes.set_xlim(0, area.width)
    axes.set_ylim(-_BELOW, _HEIGHT)
    axes.set_axis_off()
    return axes


def _bar(
    axes: Axes, frame: pd.DataFrame, stage: str, x: float, highest: float
) -> dict[str, tuple[float, float]] | None:
    """Draw a stage's bar; return the ends of each part, None if the stage was not read."""
    if state(frame, stage) in (ABSENT, UNKNOWN):
        axes.bar(
            x, _HEIGHT, _BAR, align="edge", color=CARD, edgecolor=OTHERS, linestyle=(0, (3, 3))
        )
        return None
    parts, foot = {}, 0.0
    for name, number in totals(frame, stage).items():
        height = max(number / highest * (_HEIGHT - 3 * _THIN), _THIN) if number else 0.0
        parts[name] = (foot, foot + height)
        axes.bar(x, height, _BAR, foot, align="edge", color=COLORS[name], edgecolor=CARD)
        foot += height
    axes.plot([x, x + _BAR], [0, 0], color=QUIET, linewidth=1)
    return parts


def _flows(axes: Axes, frame: pd.DataFrame, bars: Sequence, step: float, highest: float) -> None:
    stages = list(TITLES)
    here = [index for index, parts in enumerate(bars) if parts is not None]
    for left, right in pairwise(here):
        begins, ends = _MARGIN + left * step + _BAR, _MARGIN + right * step
        lower, upper = bars[left], bars[right]
        for name in COLORS:
            (foot, head), (foot2, head2) = lower[name], upper[name]
            flow = min(head - foot, head2 - foot2)
            if flow:
                # Missing beacons leave at a part's base; doubles are on top of it.
                after = (foot2, foot2 + flow)
                _band(axes, begins, ends, (head - flow, head), after, COLORS[name])
        _draw_missing(axes, frame, stages[right], begins, ends, highest)
        _draw_additional(axes, frame, stages[right], ends, upper, highest)


def _draw_missing(
    axes: Axes, frame: pd.DataFrame, stage: str, x: float, ends: float, highest: float
) -> None:
    """Draw the beacons that leave between two bars: red or amber, or grey if they are no loss."""
    color, lost = STATE_COLORS[state(frame, stage)], count(frame, stage, "Missing")
    if stage == "answered":
        color, lost = OTHERS, count(frame, "unanswered") + count(frame, "refused")
    if not lost:
        return
    thick = min(max(lost / highest * _HEIGHT, _THIN), 0.42)
    left, right = (x + ends - thick) / 2, (x + ends + thick) / 2
    corners = [
        (x, thick), (right, thick), (right, thick), (right, -_BELOW),
        (left, -_BELOW), (left, 0), (left, 0), (x, 0), (x, thick),
    ]  # fmt: skip
    axes.add_patch(PathPatch(Path(corners, _RIBBON), color=color, linewidth=0, zorder=3))


def _draw_additional(
    axes: Axes,
    frame: pd.DataFrame,
    stage: str,
    x: float,
    parts: dict[str, tuple[float, float]],
    highest: float,
) -> None:
    """Draw a stage's doubles, hatched, and the archive's beacons that the journal lacks."""
    top = max(head for _, head in parts.values())
    twice = count(frame, stage, "Double")
    if twice:
        height = min(max(twice / highest * _HEIGHT, 2 * _THIN), top)
        axes.bar(x, height, _BAR, top - height, align="edge", color="none", hatch="////",
                 edgecolor=STATE_COLORS[state(frame, stage)], linewidth=1.2)  # fmt: skip
    others = sum(count(frame, row) for row, (at, _) in NOTES.items() if at == stage)
    if stage == "archived" and others:
        thick = min(max(others / highest * _HEIGHT, _THIN), 0.3)
        _band(axes, x - 0.42, x, (_HEIGHT - thick, _HEIGHT), (top - thick, top), OTHERS)


def _band(
    axes: Axes,
    left: float,
    right: float,
    begins: tuple[float, float],
    ends: tuple[float, float],
    color: str,
) -> None:
    middle = (left + right) / 2
    corners = [
        (left, begins[1]), (middle, begins[1]), (middle, ends[1]), (right, ends[1]),
        (right, ends[0]), (middle, ends[0]), (middle, begins[0]), (left, begins[0]),
        (left, begins[1]),
    ]  # fmt: skip
    axes.add_patch(PathPatch(Path(corners, _RIBBON), color=color, linewidth=0, alpha=0.3))


def _labels(box: Box, frame: pd.DataFrame, stage: str, x: float, first: bool) -> None:
    condition = state(frame, stage)
    middle = {"ha": "center"}
    box.text(x, 0.62, TITLES[stage], points=10, weight="bold", **middle)
    read = condition not in (ABSENT, UNKNOWN)
    words = f"{count(frame, stage):,}" if read else "–"
    box.text(x, 0.83, words, points=10, color=INK if read else QUIET, **middle)
    if not first:
        row = _TOP + _HEIGHT + _BELOW + 0.08
        for line in difference(frame, stage):
            _chip(box, x, row, line, condition, points=9, **middle)
            row += _CHIP
        for note in notes(frame, stage):
            box.text(x, row, note, points=8, color=QUIET, **middle)
            row += _NOTE


def _verdict(box: Box, frame: pd.DataFrame) -> None:
    states = [state(frame, stage) for stage in TITLES]
    condition = next((each for each in (MISSING, UNKNOWN, WAITS) if each in states), ZERO)
    words = {
        ZERO: "it balances", WAITS: "on its way", UNKNOWN: "not known",
        MISSING: "it does not balance",
    }  # fmt: skip
    _chip(box, box.width - 0.08, 0.27, words[condition], condition, points=11, ha="right")


def _chip(box: Box, x: float, y: float, words: str, condition: str, **options: Any) -> None:  # noqa: ANN401
    # Amber is too light for white letters.
    text = box.text(
        x, y, words, color=INK if condition in (WAITS, UNKNOWN) else CARD, weight="bold", **options
    )
    text.set_bbox(
        {"boxstyle": "round,pad=0.3", "facecolor": STATE_COLORS[condition], "edgecolor": "none"}
    )


def _legend(box: Box, axes: Axes, frame: pd.DataFrame) -> None:
    box.rectangle(0, -0.06, box.width, 0.008, LINE)
    there = [stage for stage in TITLES if state(frame, stage) not in (ABSENT, UNKNOWN)]
    balances = all(state(frame, stage) == ZERO for stage in there)
    shown = totals(frame, there[-1] if balances else "sent")
    handles = [Patch(color=COLORS[name], label=f"{n:,} {name}") for name, n in shown.items()]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(box.left, 0.2), ncols=4,
                bbox_transform=box.figure.dpi_scale_trans, **LEGEND)  # fmt: skip
    letters = frame.loc["dead_letters", "Beacons"]
    if not pd.isna(letters):
        words = "1 batch" if letters == 1 else f"{letters:,} batches"
        color = VERMILION if letters else QUIET
        box.text(box.width, 0.16, f"{words} in the dead-letter queues", color=color, ha="right")
