"""Draws one widget of a dashboard in its box, and describes it in words.

Each function returns a phrase for the dashboard's sentence, or an empty one.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from matplotlib.axes import Axes

from helpers.core.metric_math import Unsupported
from helpers.core.text import number, quoted
from helpers.plotting import chart_parts
from helpers.plotting.figure import Box
from helpers.plotting.palette import CARD, GREEN, INK, OTHERS, QUIET, VERMILION
from helpers.plotting.series import Series, edges, largest
from helpers.plotting.text_fitting import fit, width

from .body import Widget
from .expressions import Line, whole_range
from .queries import shortest_period

_MARGIN = 0.12
_ROW = 0.19  # inches of a legend's row
_MOST_STACKED, _MOST_LINES, _MOST_BARS = 7, 7, 10
_ALARM_LOOKS = {
    "OK": ("✔ OK", GREEN),
    "ALARM": ("▲ IN ALARM", VERMILION),
    "INSUFFICIENT_DATA": ("… no data yet", QUIET),
}


def metric(box: Box, widget: Widget, lines: Sequence[Line], start: float, now: float) -> str:
    """Draw a widget of type "metric".

    Args:
        box: the widget's card.
        widget: its JSON.
        lines: its values.
        start, now: the time axis, epoch seconds.

    Raises:
        Unsupported: the view is none of timeSeries, bar, pie, singleValue and table.
    """
    view = widget.properties.get("view", "timeSeries")
    inner = box.inside(left=_MARGIN, top=title(box, widget), right=_MARGIN, bottom=0.1)
    if view == "timeSeries":
        return _time_series(inner, widget, lines, start, now)
    drawn = {"bar": _bars, "table": _bars, "pie": _pie, "singleValue": _single_values}
    if view not in drawn:
        raise Unsupported(f'the view "{view}"')
    if whole_range(widget):
        return drawn[view](inner, lines, widget)
    # Without setPeriodToTimeRange these views show the newest period that has a value.
    newest = max((line.times[-1] for line in lines if len(line.times)), default=0)
    return drawn[view](inner, [line.between(newest, newest + 1) for line in lines], widget)


def text(box: Box, widget: Widget) -> str:
    """Draw a widget of type "text": headings, paragraphs and lists of its Markdown."""
    inner, y = box.inside(left=_MARGIN, top=0.1, right=_MARGIN, bottom=0.05), 0.0
    words = ""
    for line in str(widget.properties.get("markdown", "")).splitlines():
        heading = re.match(r"(#{1,6})\s+(.*)", line)
        points = {1: 14, 2: 12}.get(len(heading[1]), 10.5) if heading else 9.5
        plain = _plain(heading[2] if heading else line)
        if not plain:
            y += 0.08
            continue
        words = words or plain
        for part in _wrap(plain, points, inner.width):
            height = points / 72 * 1.45
            if y + height > inner.height + 0.04:
                inner.text(inner.width, inner.height - 0.02, "…", color=QUIET, ha="right")
                return words
            weight = "bold" if heading else "normal"
            inner.text(0, y + height / 2, part, points=points, weight=weight)
            y += height
    return words


def alarm(box: Box, widget: Widget, states: dict[str, dict[str, Any]]) -> str:
    """Draw a widget of type "alarm": the state of each alarm.

    Args:
        box: the widget's card.
        widget: its JSON; "alarms" are ARNs.
        states: MetricAlarms of DescribeAlarms by their names.
    """
    inner = box.inside(left=_MARGIN, top=title(box, widget), right=_MARGIN, bottom=0.08)
    phrases = []
    for row, name in enumerate(alarm_names(widget)):
        state = states.get(name)
        words, color = _ALARM_LOOKS.get(
            state["StateValue"] if state else "", ("no such alarm", QUIET)
        )
        y = 0.12 + row * 0.52
        if y + 0.3 > inner.height:
            break
        inner.rectangle(0, y - 0.12, 1.1, 0.24, color)
        inner.text(0.08, y, words, color=CARD, weight="bold")
        since = state and state.get("StateUpdatedTimestamp")
        when = f"since {since:%H:%M}" if isinstance(since, datetime) else ""
        inner.text(1.18, y, when, color=QUIET)
        inner.text(0, y + 0.24, fit(name, 9, inner.width))
        phrases.append(f"alarm {name}: {words[2:] if state else words}")
    return ", ".join(phrases)


def not_drawn(box: Box, widget: Widget, reason: str) -> None:
    """Draw a box with the reason why only the CloudWatch console shows this widget."""
    inner = box.inside(left=_MARGIN, top=title(box, widget), right=_MARGIN, bottom=0.1)
    lines = _wrap(f"Not drawn here: {reason}.", 9, inner.width)
    for row, line in enumerate(lines[: max(int(inner.height / 0.18), 1)]):
        inner.text(0, 0.1 + row * 0.18, line, color=QUIET)


def title(box: Box, widget: Widget) -> float:
    """Write the widget's title on one or two lines; return where, in inches, the rest may begin."""
    room = (box.width - 2 * _MARGIN) * 0.88  # bold letters are wider than measured
    lines = _wrap(_title(widget), 10, room)
    if len(lines) > 2 or box.height < 1.5:
        lines = [fit(_title(widget), 10, room)]
    for row, line in enumerate(lines):
        box.text(_MARGIN, 0.21 + row * 0.18, line, points=10, weight="bold")
    return 0.42 if len(lines) < 2 else 0.57


def alarm_names(widget: Widget) -> list[str]:
    """Return the names at the end of the widget's alarm ARNs."""
    return [str(arn).split(":alarm:")[-1] for arn in widget.properties.get("alarms", [])]


def _time_series(box: Box, widget: Widget, lines: Sequence[Line], start: float, now: float) -> str:
    asked = lines[0].query if lines and lines[0].query else None
    bucket = asked.period if asked else int(widget.properties.get("period", 300))
    bucket = max(bucket, shortest_period(now - start))
    stacked = bool(widget.properties.get("stacked"))
    series: list[Series] = [line.between(start - bucket, now + bucket) for line in lines]
    series = [each for each in series if len(each.times)]
    if stacked:
        shown = largest(series, _MOST_STACKED - 1, OTHERS)
    else:
        shown = sorted(series, key=lambda each: -each.total())[:_MOST_LINES]
    colors = chart_parts.colored(shown)
    entries = [(each.label, colors[each.label]) for each in shown]
    hidden = len(series) - len(shown) if not stacked else 0
    legend = widget.properties.get("legend", {}).get("position", "bottom") != "hidden"
    # A small box needs its space for the curve.
    rows = (1 if len(entries) < 4 else 2) if legend and box.height > 1.1 else 0
    area = box.inside(left=0.38, top=0.02, bottom=0.26 + rows * _ROW)
    axes = area.axes()
    chart_parts.prepare(axes, start, now, area.width)
    left = widget.properties.get("yAxis", {}).get("left", {})
    marks = widget.properties.get("annotations", {}).get("horizontal", [])
    if not shown:
        axes.set_yticks([])
        area.text(area.width / 2, area.height / 2, "no data yet", color=QUIET, ha="center")
        return ""
    if stacked:
        high, low = float(chart_parts.stack(axes, shown, edges(start, now, bucket), now).max()), 0.0
    else:
        chart_parts.lines(axes, shown, bucket, now)
        high = float(max(each.values.max() for each in shown))
        low = min(0.0, float(min(each.values.min() for each in shown)))
    high = max([high, *(float(mark["value"]) for mark in marks)])
    low, top = float(left.get("min", low)), float(left.get("max", high))
    whole = chart_parts.are_whole(shown)
    chart_parts.value_axis(axes, low, top, area.height, fixed="max" in left, whole=whole)
    for mark in marks:
        _mark(area, axes, mark)
    if rows:
        below = box.inside(top=box.height - rows * _ROW)
        _legend(below, entries, rows, hidden)
    newest = chart_parts.newest_bucket(shown, bucket, now)
    return _phrase(
        widget, [(each.label, each.between(newest, newest + 1).total()) for each in shown]
    )


def _legend(box: Box, entries: Sequence[tuple[str, str]], rows: int, hidden: int) -> None:
    """Write (label, colour) entries on up to `rows` rows, then how many more series there are.

    `hidden` is the number of series that the chart does not show.
    """
    x, row = 0.0, 0
    for index, (label, color) in enumerate(entries):
        left = len(entries) - index + hidden
        more = 0.75 if row == rows - 1 and left > 1 else 0  # inches for "12 more"
        text = fit(label, 9, min(1.6, box.width - 0.3 - more))
        needed = 0.17 + width(text, 9)
        if x and x + needed + more > box.width:
            if row == rows - 1:
                hidden = left
                break
            x, row = 0.0, row + 1
        box.rectangle(x, 0.04 + row * _ROW, 0.11, 0.11, color)
        box.text(x + 0.16, 0.09 + row * _ROW, text)
        x += needed + 0.16
    if hidden:
        box.text(x, 0.09 + row * _ROW, f"{hidden} more", color=QUIET)


def _mark(area: Box, axes: Axes, mark: dict[str, Any]) -> None:
    """Draw a horizontal annotation: a dashed line with its label above."""
    value, (low, high) = float(mark["value"]), axes.get_ylim()
    if not low <= value <= high:
        return
    y = area.height * (1 - (value - low) / (high - low))
    color = mark.get("color", VERMILION)
    axes.axhline(value, color=color, linewidth=1.2, linestyle="--")
    words = fit(str(mark.get("label", "")), 9, area.width - 0.1) if mark.get("label") else ""
    below = y < 0.16
    behind = {"facecolor": CARD, "edgecolor": "none", "pad": 0.8, "alpha": 0.8}  # of lines
    area.text(0.04, y + (0.1 if below else -0.1), words, color=INK, bbox=behind)


def _bars(box: Box, lines: Sequence[Series], widget: Widget) -> str:
    rows = [(line.label, line.total()) for line in lines if len(line.values)]
    if not rows:
        box.text(box.width / 2, box.height / 2, "no data yet", color=QUIET, ha="center")
        return ""
    if len(rows) > _MOST_BARS:
        rows = sorted(rows, key=lambda row: -row[1])  # only the smallest may be left out
    chart_parts.bars(box, rows[:_MOST_BARS])
    return _phrase(widget, rows)


def _pie(box: Box, lines: Sequence[Series], widget: Widget) -> str:
    parts = [line for line in lines if line.total() > 0]
    if not parts:
        return _bars(box, [], widget)
    shown = largest(parts, _MOST_STACKED - 1, OTHERS)
    colors, size = chart_parts.colored(shown), min(box.height, box.width * 0.4)
    axes = Box(box.figure, box.left, box.top, size, size).axes()
    axes.pie(
        [each.total() for each in shown],
        colors=[colors[each.label] for each in shown],
        startangle=90,
        counterclock=False,
        wedgeprops={"width": 0.42, "edgecolor": CARD},
        radius=1.2,
    )
    whole = sum(each.total() for each in shown)
    side = box.inside(left=size + 0.15)
    for row, each in enumerate(shown):
        y = 0.12 + row * 0.24
        if y > side.height:
            break
        chart_parts.swatch_row(
            side, y, colors[each.label], each.label, f"{each.total() / whole:.0%}"
        )
    return _phrase(widget, [(each.label, each.total()) for each in shown])


def _single_values(box: Box, lines: Sequence[Series], widget: Widget) -> str:
    rows = [(line.label, line.total() if len(line.values) else math.nan) for line in lines]
    share = box.width / max(len(rows), 1)
    # Bold letters are wider than those that `width` measures, and figures need a gap.
    widest = [9 * share / width(number(value), 9) * 0.75 for _, value in rows]
    points = max(min([30.0, (box.height - 0.25) * 72 * 0.7, *widest]), 9)
    for column, (label, value) in enumerate(rows):
        cell = box.inside(left=column * share, right=box.width - (column + 1) * share)
        cell.text(0, cell.height * 0.42, number(value), points=points, weight="bold")
        if cell.height > 0.5:
            cell.text(0, cell.height - 0.1, fit(label, 9, cell.width - 0.1), color=QUIET)
    return _phrase(widget, rows)


def _title(widget: Widget) -> str:
    first = widget.properties.get("metrics", [[]])[:1]
    names = [str(part) for part in (first[0] if first else []) if not isinstance(part, dict)]
    return str(widget.properties.get("title") or (names[1] if len(names) > 1 else widget.kind))


def _phrase(widget: Widget, values: Sequence[tuple[str, float]]) -> str:
    words = ", ".join(f"{quoted(label, 30)} {number(value)}" for label, value in values[:2])
    return f"{_title(widget)}: {words}"


def _plain(markdown: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown.strip())
    text = re.sub(r"^[*-]\s+", "• ", text)
    return re.sub(r"\*\*|__|`", "", text)


def _wrap(text: str, points: float, inches: float) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        word = fit(word, points, inches)
        longer = f"{line} {word}".strip()
        if line and width(longer, points) > inches:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines
