"""The lines of a dashboard's widget: its metrics, searches, and arithmetic over both.

CloudWatch's metric math reads like Python, so Python's own parser reads it; a walk over the tree
allows the few parts named here and nothing else. The emulator has no metric math, so it is done
here for every target alike.
"""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .dashboard_body import NotDrawn, Row, Widget, rows
from .dashboard_query import Points, Query, Reader
from .dashboard_search import parse_search

_OPERATORS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}
_FUNCTIONS: dict[str, Callable] = {"SUM": np.sum, "AVG": np.mean, "MAX": np.max, "MIN": np.min}
_PLACEHOLDER = re.compile(r"\$\{\s*(?:PROP\(\s*'([^']*)'\s*\)|(\w+))\s*\}")
_WHOLE_RANGE_VIEWS = {"singleValue", "bar", "pie", "table", "gauge"}


@dataclass(frozen=True)
class Line:
    """The values of a metric or of an expression, with what is known about them.

    Args:
        times, values: epoch seconds, ascending, and the value of each bucket.
        query: where it came from; None for arithmetic.
        options: of the widget's row: color, label, yAxis.
    """

    times: np.ndarray
    values: np.ndarray
    query: Query | None = None
    options: dict[str, Any] = field(default_factory=dict)
    label: str = ""


Fetch = Callable[[Query], Points]


def lines(widget: Widget, reader: Reader, fetch: Fetch) -> list[Line]:
    """Return the widget's visible lines, labelled.

    Args:
        widget: of type "metric".
        reader: answers searches.
        fetch: returns the points of a query. (The dashboard calls this twice: first to learn which
            queries there are, and then with their points, so that one request reads them all.)

    Raises:
        NotDrawn: an expression needs CloudWatch itself.
    """
    evaluation = _Evaluation(widget, reader, fetch)
    found = [
        replace(line, options=row.options)
        for row in evaluation.rows
        if row.visible
        for line in evaluation.of(row)
    ]
    return [replace(line, label=_label(line, found)) for line in found]


def whole_range(widget: Widget) -> bool:
    """Return whether the widget shows one value of the whole time, not one of each period."""
    wish = widget.properties.get("setPeriodToTimeRange", False)
    return bool(wish) and widget.properties.get("view") in _WHOLE_RANGE_VIEWS


class _Evaluation:
    def __init__(self, widget: Widget, reader: Reader, fetch: Fetch) -> None:
        self.rows = rows(widget.properties.get("metrics", []))
        self._reader, self._fetch = reader, fetch
        self._whole = whole_range(widget)
        self._stat = widget.properties.get("stat", "Average")
        self._period = int(widget.properties.get("period", 300))
        self._named = {row.options["id"]: row for row in self.rows if "id" in row.options}
        self._depth = 0

    def of(self, row: Row) -> list[Line]:
        stat, period = row.options.get("stat", self._stat), row.options.get("period", self._period)
        if not row.expression:
            return [self._line(Query(row.namespace, row.name, row.dimensions, stat, int(period)))]
        self._depth += 1
        try:
            if self._depth > 20:
                raise NotDrawn(f"this expression refers to itself: {row.expression}")
            tree = ast.parse(row.expression.strip(), mode="eval").body
            value = self._value(tree)
        except SyntaxError:
            raise NotDrawn(f"this expression: {row.expression}") from None
        finally:
            self._depth -= 1
        if isinstance(value, float):
            raise NotDrawn(f"an expression without a metric: {row.expression}")
        return value

    def _line(self, query: Query) -> Line:
        if not self._whole:
            return Line(*self._fetch(query), query)
        # A whole range is added up from its minutes, because periods begin at fixed times.
        if query.stat == "Average":
            total = self._line(replace(query, stat="Sum"))
            count = self._line(replace(query, stat="SampleCount"))
            return replace(_combine(operator.truediv, total, count), query=query)
        combine: dict[str, Callable] = {
            "Sum": np.sum,
            "SampleCount": np.sum,
            "Maximum": np.max,
            "Minimum": np.min,
        }
        if query.stat not in combine:
            raise NotDrawn(f"{query.stat} of the whole time range")
        times, values = self._fetch(replace(query, period=60))
        if not len(values):
            return Line(times, values, query)
        return Line(times[-1:] * 0, np.array([combine[query.stat](values)]), query)

    def _value(self, node: ast.expr) -> list[Line] | float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name) if name in self._named:
                return self.of(self._named[name])
            case ast.List(elts=parts):
                return [line for part in parts for line in self._lines(part)]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _arithmetic(np.multiply, -1.0, self._value(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _arithmetic(_OPERATORS[type(op)], self._value(left), self._value(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise NotDrawn(f"this part of an expression: {ast.unparse(node)}")

    def _call(self, name: str, arguments: list[ast.expr]) -> list[Line]:
        match name, arguments:
            case "SEARCH", [ast.Constant(value=str(text)), ast.Constant(value=str(stat)), *rest]:
                period = int(ast.literal_eval(rest[0])) if rest else self._period
                search = parse_search(text)
                return [
                    self._line(Query(search.namespace, metric, dimensions, stat, period))
                    for metric, dimensions in self._reader.search(search)
                ]
            case "SORT", [part, ast.Name(id=function), ast.Name(id=order), *rest] if (
                function in _FUNCTIONS
            ):
                ranked = sorted(
                    (line for line in self._lines(part) if len(line.values)),
                    key=lambda line: _FUNCTIONS[function](line.values),
                    reverse=order == "DESC",
                )
                return ranked[: int(ast.literal_eval(rest[0]))] if rest else ranked
            case "FILL", [part, value]:
                return [_fill(line, float(ast.literal_eval(value))) for line in self._lines(part)]
            case "METRICS", []:
                return [line for row in self.rows if not row.expression for line in self.of(row)]
            case (("SUM" | "AVG" | "MAX" | "MIN"), [part]):
                return [_merge(self._lines(part), _FUNCTIONS[name])]
        raise NotDrawn(f"the function {name}")

    def _lines(self, node: ast.expr) -> list[Line]:
        value = self._value(node)
        if isinstance(value, float):
            raise NotDrawn(f"a number where metrics are needed: {ast.unparse(node)}")
        return value


def _arithmetic(
    function: Callable, left: list[Line] | float, right: list[Line] | float
) -> list[Line] | float:
    if isinstance(left, float) and isinstance(right, float):
        with np.errstate(all="ignore"):
            return float(function(left, right))
    if isinstance(left, float):
        return [_apply(line, lambda values: function(left, values)) for line in right]
    if isinstance(right, float):
        return [_apply(line, lambda values: function(values, right)) for line in left]
    if len(right) == 1:
        return [_combine(function, line, right[0]) for line in left]
    if len(left) == 1:
        return [_combine(function, left[0], line) for line in right]
    raise NotDrawn("arithmetic between two lists of metrics")


def _apply(line: Line, function: Callable) -> Line:
    with np.errstate(all="ignore"):
        values = np.asarray(function(line.values), dtype=float)
    kept = np.isfinite(values)
    return replace(line, times=line.times[kept], values=values[kept])


def _combine(function: Callable, left: Line, right: Line) -> Line:
    """Apply a function where both lines have a value; leave out what is no number."""
    times, at_left, at_right = np.intersect1d(left.times, right.times, return_indices=True)
    part = Line(times, left.values[at_left])
    return _apply(part, lambda values: function(values, right.values[at_right]))


def _merge(parts: list[Line], function: Callable) -> Line:
    times = np.unique(np.concatenate([line.times for line in parts])) if parts else np.array([])
    values = [
        function([line.values[line.times == moment][0] for line in parts if moment in line.times])
        for moment in times
    ]
    return Line(times, np.array(values, dtype=float))


def _fill(line: Line, value: float) -> Line:
    if len(line.times) < 2 or line.query is None:
        return line
    times = np.arange(line.times[0], line.times[-1] + 1, line.query.period)
    values = np.full(len(times), value)
    values[np.searchsorted(times, line.times)] = line.values
    return replace(line, times=times, values=values)


def _label(line: Line, lines: list[Line]) -> str:
    """The row's own label with its placeholders filled, or what tells the line from the others."""
    query, values = line.query, line.values
    differing = " ".join(
        value
        for name, value in (query.dimensions if query else ())
        if any(other.query and (name, value) not in other.query.dimensions for other in lines)
    )
    plain = differing or (query.name if query else str(line.options.get("id", "")))
    template = line.options.get("label")
    if not template:
        return plain or line.options.get("expression", "")
    known = {"LABEL": plain}
    if query:
        known |= {"MetricName": query.name, "Namespace": query.namespace, "Stat": query.stat}
        known |= {f"Dim.{name}": value for name, value in query.dimensions}
    if len(values):
        numbers = {name: function(values) for name, function in _FUNCTIONS.items()}
        known |= {name: f"{value:,.4g}" for name, value in numbers.items()}
        known["LAST"] = f"{values[-1]:,.4g}"
    return _PLACEHOLDER.sub(lambda match: known.get(match[1] or match[2], "–"), template)
