"""A picture of a metric's values over time, and the sentence that describes it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from helpers.core.text import number, quoted

from . import chart_parts
from .figure import Box, Picture
from .palette import OTHERS, QUIET
from .series import Series, edges, largest
from .text_fitting import fit

SHOWN = 6  # items with a name of their own; the palette has seven colours
_LEGEND_INCHES = 2.5
# Each value covers the whole hour before it: its values must not be added up over time.
_OVERLAPPING = {"hourly_events"}


@dataclass(frozen=True)
class Metric:
    """A metric's row of the catalog: how to read and to draw it."""

    name: str
    title: str
    bucket: int = 10
    statistic: str = "Sum"
    unit: str = "Count"
    needs: str = "modules 1 to 3"
    delay: str = "a few seconds"

    def adds_up(self) -> bool:
        """Whether values of different items at one time may be added up, and so be stacked."""
        return self.statistic == "Sum" and self.unit == "Count"


def draw_metric(
    picture: Picture,
    frame: pd.DataFrame,
    metric: Metric,
    minutes: float,
    items: Sequence[str] | None = None,
    now: float | None = None,
) -> str:
    """Draw a metric's values over the last minutes; return the sentence that describes them.

    Args:
        picture: an empty one, to draw in.
        frame: columns Time, Item, Value, as `cloudwatch_values` and `metric_values` return them.
        metric: its row of the catalog.
        minutes: length of the time axis, which ends now.
        items: only these, or None for the largest.
        now: epoch seconds; the clock's by default.
    """
    now = time.time() if now is None else now
    start = now - minutes * 60
    if items is not None:
        items = [items] if isinstance(items, str) else list(items)
        frame = frame[frame["Item"].isin(items)]
    recent = [each.between(start - metric.bucket, now + metric.bucket) for each in as_series(frame)]
    series = [
        replace(each, color=OTHERS if each.label == "(other)" else None)
        for each in recent
        if len(each.times)
    ]
    box = picture.box().inside(left=0.15, right=0.15, bottom=0.1)
    units = {"Count": f", per {metric.bucket} s", "None": ""}
    title = metric.title + units.get(metric.unit, f", {metric.unit.lower()}")
    box.text(0, 0.24, fit(title, 11, 6), points=11, weight="bold")
    area = box.inside(left=0.5, top=0.5, right=_LEGEND_INCHES, bottom=0.25)
    axes = area.axes()
    chart_parts.prepare(axes, start, now, area.width)
    if not series:
        axes.set_yticks([])
        area.text(area.width / 2, area.height / 2, "no values yet", color=QUIET, ha="center")
        return (
            f"{metric.name}: no value in the last {minutes:g} minutes, read at {clock(now)}. "
            f"→ Send beacons (Traffic(cloud)) with {metric.needs} deployed, "
            f"and wait {metric.delay}."
        )
    area.text(-0.05, area.height + 0.14, "UTC", color=QUIET, ha="right")
    shown = choose(series, metric, len(items) if items else SHOWN)
    if metric.adds_up():
        low, high = 0.0, chart_parts.stack(axes, shown, edges(start, now, metric.bucket), now).max()
    else:
        chart_parts.lines(axes, shown, metric.bucket, now)
        low = min(0.0, min(each.values.min() for each in shown))
        high = max(each.values.max() for each in shown)
    chart_parts.value_axis(axes, low, high, area.height, whole=metric.unit == "Count")
    side = Box(picture, area.left + area.width + 0.25, 0, _LEGEND_INCHES - 0.25, box.height)
    _legend(side, shown, metric, now, more=len(series) - len(shown))
    return _sentence(metric, series, frame, now)


def as_series(frame: pd.DataFrame) -> list[Series]:
    """Return one Series for each Item of a frame with the columns Time, Item, Value."""
    if frame.empty:
        return []
    seconds = pd.to_datetime(frame["Time"], utc=True).dt.as_unit("ms").astype("int64") / 1000
    table = pd.DataFrame({"t": seconds, "item": frame["Item"], "v": frame["Value"].astype(float)})
    table = table.dropna().sort_values("t", kind="stable")
    return [
        Series(str(item), rows["t"].to_numpy(), rows["v"].to_numpy())
        for item, rows in table.groupby("item", sort=True)
    ]


def choose(series: Sequence[Series], metric: Metric, most: int) -> list[Series]:
    """Return the series to draw: the largest, and the sum of the others if they add up."""
    if metric.adds_up():
        return largest(series, most, OTHERS)
    return sorted(series, key=lambda each: (-each.values[-1], each.label))[: most + 1]


def latest(series: Sequence[Series], metric: Metric, now: float) -> tuple[str, list[float]]:
    """Return the time that the newest amounts cover, in words, and the amount of each series.

    Counts of short buckets are added up over the last minute. Others are shown as they are: a sum
    of means, of distinct visitors or of overlapping hours would be meaningless.
    """
    if metric.adds_up() and metric.bucket < 60 and metric.name not in _OVERLAPPING:
        return "in the last minute", [each.between(now - 60, now + 60).total() for each in series]
    start = chart_parts.newest_bucket(series, metric.bucket, now)
    heading = f"in the {metric.bucket} s from {datetime.fromtimestamp(start, UTC):%H:%M:%S}"
    return heading, [each.between(start, start + 1).total() for each in series]


def clock(seconds: float) -> str:
    """Return a time of day with its zone, e.g. `10:31:20 UTC`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"


def _legend(box: Box, shown: Sequence[Series], metric: Metric, now: float, more: int) -> None:
    colors = chart_parts.colored(shown)
    heading, amounts = latest(shown, metric, now)
    rows = list(zip(shown, amounts, strict=True))
    if metric.adds_up():
        rows.reverse()  # in the order of the layers, from top to bottom
        note = "pale: still filling"
    else:
        rows.sort(key=lambda row: -row[1])
        note = f"{more} more are not shown" if more else ""
    box.text(box.width, 0.24, heading, color=QUIET, ha="right")
    for row, (each, amount) in enumerate(rows):
        chart_parts.swatch_row(
            box, 0.58 + row * 0.25, colors[each.label], each.label, number(amount)
        )
    box.text(0, box.height - 0.07, note, color=QUIET)


def _sentence(metric: Metric, series: Sequence[Series], frame: pd.DataFrame, now: float) -> str:
    heading, amounts = latest(series, metric, now)
    highest = int(np.argmax(amounts))
    name, amount = quoted(series[highest].label), number(amounts[highest])
    several = len(series) > 1 and amounts[highest] > 0
    if metric.adds_up():
        values = f"{number(sum(amounts))} {heading}"
        values += f", most of them {name} ({amount})" if several else ""
    else:
        values = f"highest {amount} ({name}) {heading}" if several else f"{amount} {heading}"
    if "NewestBeacon" in frame and frame["NewestBeacon"].notna().any():
        newest = f"newest beacon {frame['NewestBeacon'].max():%H:%M:%S} UTC"
    else:
        newest = f"newest bucket {clock(max(each.times[-1] for each in series))}"
    return f"{metric.name}: {values}; {newest}, read at {clock(now)}."
