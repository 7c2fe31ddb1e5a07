"""The lines of a dashboard's widget: its metrics, searches, and metric math over both."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.core.metric_math import STATISTICS, MetricMath, TimeSeries, Unsupported, series_of
from helpers.plotting.palette import OTHERS
from helpers.plotting.series import Series

from .body import Row, Widget, rows
from .queries import Points, Query, Reader
from .search import parse_search

_PLACEHOLDER = re.compile(r"\$\{\s*(?:PROP\(\s*'([^']*)'\s*\)|(\w+))\s*\}")
_WHOLE_RANGE_VIEWS = {"singleValue", "bar", "pie", "table", "gauge"}
# How the values of a whole range's minutes become one value.
_OF_MINUTES: dict[str, Callable] = {
    "Sum": np.sum,
    "SampleCount": np.sum,
    "Maximum": np.max,
    "Minimum": np.min,
}


@dataclass(frozen=True)
class Line(Series):
    """The values of a metric or of an expression.

    Args:
        query: where the values came from; None for arithmetic.
    """

    query: Query | None = None


Fetch = Callable[[Query], Points]


def lines(widget: Widget, reader: Reader, fetch: Fetch) -> list[Line]:
    """Return the widget's visible lines, labelled.

    Args:
        widget: of type "metric".
        reader: answers searches.
        fetch: returns the points of a query. (The dashboard calls this twice: first to learn which
            queries there are, and then with their points, so that one request reads them all.)

    Raises:
        Unsupported: an expression needs CloudWatch itself.
    """
    values = _Values(widget, reader, fetch)
    found = [(row, series) for row in values.rows if row.visible for series in values.of(row)]
    every = [series for _, series in found]
    return [_line(row, series, every) for row, series in found]


def whole_range(widget: Widget) -> bool:
    """Return whether the widget shows one value of the whole time, not one of each period."""
    wish = widget.properties.get("setPeriodToTimeRange", False)
    return bool(wish) and widget.properties.get("view") in _WHOLE_RANGE_VIEWS


class _Values:
    """The values of a widget's rows."""

    def __init__(self, widget: Widget, reader: Reader, fetch: Fetch) -> None:
        self.rows = rows(widget.properties.get("metrics", []))
        self._reader, self._fetch = reader, fetch
        self._whole = whole_range(widget)
        self._stat = widget.properties.get("stat", "Average")
        self._period = int(widget.properties.get("period", 300))
        self._by_id = {row.options["id"]: row for row in self.rows if "id" in row.options}
        self._math = MetricMath(self._named, self._metrics, self._search)

    def of(self, row: Row) -> list[TimeSeries]:
        if not row.expression:
            return [self._metric(row)]
        return series_of(self._math.evaluate(row.expression), row.expression)

    def _named(self, name: str) -> TimeSeries | str | None:
        row = self._by_id.get(name)
        return None if row is None else row.expression or self._metric(row)

    def _metrics(self) -> list[TimeSeries]:
        return [self._metric(row) for row in self.rows if not row.expression]

    def _metric(self, row: Row) -> TimeSeries:
        stat, period = row.options.get("stat", self._stat), row.options.get("period", self._period)
        return self._read(Query(row.namespace, row.name, row.dimensions, stat, int(period)))

    def _search(self, text: str, stat: str, period: int | None) -> list[TimeSeries]:
        search = parse_search(text)
        return [
            self._read(Query(search.namespace, metric, dimensions, stat, period or self._period))
            for metric, dimensions in self._reader.search(search)
        ]

    def _read(self, query: Query) -> TimeSeries:
        if self._whole:
            value = self._of_whole_range(query)
            return TimeSeries({} if math.isnan(value) else {0.0: value}, query)
        times, values = self._fetch(query)
        points = dict(zip(times.tolist(), values.tolist(), strict=True))
        return TimeSeries(points, query, query.period)

    def _of_whole_range(self, query: Query) -> float:
        """Return one value of all minutes: a longer period would begin at a fixed time."""
        if query.stat == "Average":
            total, count = (
                self._of_whole_range(replace(query, stat=stat)) for stat in ("Sum", "SampleCount")
            )
            return total / count if count else math.nan
        if query.stat not in _OF_MINUTES:
            raise Unsupported(f"{query.stat} of the whole time range")
        _, values = self._fetch(replace(query, period=60))
        return float(_OF_MINUTES[query.stat](values)) if len(values) else math.nan


def _line(row: Row, series: TimeSeries, every: Sequence[TimeSeries]) -> Line:
    label = _label(row, series, every)
    color = row.options.get("color") or (OTHERS if label == "(other)" else None)
    times, values = (
        np.array(list(part), float) for part in (series.values, series.values.values())
    )
    return Line(label, times, values, color, series.source)


def _label(row: Row, series: TimeSeries, every: Sequence[TimeSeries]) -> str:
    """The row's own label with its placeholders filled, or what differs from the others."""
    query, values = series.source, list(series.values.values())
    differing = " ".join(
        value
        for name, value in (query.dimensions if query else ())
        if any(each.source and (name, value) not in each.source.dimensions for each in every)
    )
    plain = differing or (query.name if query else str(row.options.get("id", "")))
    template = row.options.get("label")
    if not template:
        return plain or row.expression
    known = {"LABEL": plain}
    if query:
        known |= {"MetricName": query.name, "Namespace": query.namespace, "Stat": query.stat}
        known |= {f"Dim.{name}": value for name, value in query.dimensions}
    if values:
        numbers = {name: function(values) for name, function in STATISTICS.items()}
        numbers["LAST"] = values[-1]
        known |= {name: f"{value:,.4g}" for name, value in numbers.items()}
    return _PLACEHOLDER.sub(lambda match: known.get(match[1] or match[2], "–"), template)
