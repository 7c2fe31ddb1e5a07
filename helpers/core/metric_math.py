"""CloudWatch's metric math, for the dashboards drawn here and for the alarms evaluated here.

Python's parser parses it, because its syntax is similar; only the parts named here are evaluated.
The emulator has no metric math, so all targets use this module. The process that evaluates alarms
is small: this module imports neither numpy nor pandas.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


class Unsupported(Exception):
    """A dashboard or an alarm uses a feature that only CloudWatch has; the text names it."""


@dataclass(frozen=True)
class TimeSeries:
    """A metric's values, or an expression's.

    Args:
        values: by the start of their periods, ascending; a period without a value is left out.
        source: the caller's own data on the metric; arithmetic with numbers keeps it.
        period: seconds from one period to the next.
    """

    values: dict[float, float]
    source: Any = None
    period: float = 1


Value = float | TimeSeries | list[TimeSeries]  # a number is NaN where it has no value, as 0/0

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda left, right: bool(left) and bool(right),
    ast.Or: lambda left, right: bool(left) or bool(right),
}
# Operators that Python spells differently, and quoted text, which is not changed.
_SPELLINGS = re.compile(r"""'[^']*'|"[^"]*"|\b(?:AND|OR)\b|&&|\|\||\^""")
_PYTHON = {"AND": "and", "OR": "or", "&&": " and ", "||": " or ", "^": "**"}
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
}
_ROUNDED: dict[str, Callable] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


def _no_search(_text: str, _statistic: str, _period: int | None) -> list[TimeSeries]:
    raise Unsupported("the function SEARCH")


@dataclass
class MetricMath:
    """Evaluates expressions over metrics.

    Args:
        named: returns the metric's values or the text of the expression with an id, or None if no
            query has that id.
        metrics: returns all metrics, for METRICS().
        search: returns the result of SEARCH for a text, a statistic and a period (None: not given).
        periods: the periods that FILL fills, and in which a number within a list has its value:
            all of an alarm's evaluation range. None: a series begins and ends with its data.

    Example:
        >>> halves = MetricMath({"m1": TimeSeries({0: 3, 1: 0})}.get, list).evaluate("1 / m1")
        >>> halves.values
        {0: 0.3333333333333333}
    """

    named: Callable[[str], TimeSeries | str | None]
    metrics: Callable[[], list[TimeSeries]]
    search: Callable[[str, str, int | None], list[TimeSeries]] = _no_search
    periods: Sequence[float] | None = None
    _open: list[str] = field(default_factory=list)

    def evaluate(self, text: str) -> Value:
        """Return an expression's value.

        Args:
            text: metric math, e.g. `"IF(m1 > 0, m2 / m1, 0)"`.

        Raises:
            Unsupported: it uses an unsupported feature, or refers to itself.
        """
        if text in self._open:
            raise Unsupported(f"an expression that refers to itself: {text}")
        python = _SPELLINGS.sub(lambda match: _PYTHON.get(match[0], match[0]), text.strip())
        self._open.append(text)
        try:
            return self._value(ast.parse(python, mode="eval").body)
        except (SyntaxError, RecursionError, ValueError):
            raise Unsupported(f"this expression: {text}") from None
        finally:
            self._open.remove(text)

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name) if (found := self.named(name)) is not None:
                return self.evaluate(found) if isinstance(found, str) else found
            case ast.List(elts=parts):
                return self._list(parts)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _apply(operator.neg, self._value(operand))
            case (
                ast.BinOp(left=left, op=op, right=right)
                | ast.Compare(left=left, ops=[op], comparators=[right])
                | ast.BoolOp(op=op, values=[left, right])
            ) if type(op) in _OPERATORS:
                return _apply(_OPERATORS[type(op)], self._value(left), self._value(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise Unsupported(f"this part of an expression: {ast.unparse(node)}")

    def _call(self, name: str, arguments: list[ast.expr]) -> Value:
        match name, arguments:
            case "SEARCH", [ast.Constant(value=str(text)), ast.Constant(value=str(stat)), *rest]:
                return self.search(text, stat, int(ast.literal_eval(rest[0])) if rest else None)
            case "SORT", [part, ast.Name(id=by), ast.Name(id=order), *rest] if by in STATISTICS:
                most = int(ast.literal_eval(rest[0])) if rest else None
                return self._sorted(part, STATISTICS[by], order == "DESC")[:most]
            case "METRICS", []:
                return self.metrics()
            case "IF", [condition, then, *otherwise] if len(otherwise) <= 1:
                return _if(*(self._value(each) for each in (condition, then, *otherwise)))
            case "FILL", [part, filler]:
                return self._filled(part, filler)
            case _, [part] if name in _ROUNDED:
                return _apply(_ROUNDED[name], self._value(part))
            case _, [part] if name in STATISTICS:
                return _merged(STATISTICS[name], self._value(part), ast.unparse(part))
        parts = ", ".join(map(ast.unparse, arguments))
        raise Unsupported(f"the function call {name}({parts})")

    def _list(self, nodes: list[ast.expr]) -> list[TimeSeries]:
        values = [self._value(node) for node in nodes]
        if self.periods is not None:
            values = [
                TimeSeries(dict.fromkeys(self.periods, value))
                if isinstance(value, float)
                else value
                for value in values
            ]
        pairs = zip(values, nodes, strict=True)
        return [each for value, node in pairs for each in series_of(value, ast.unparse(node))]

    def _sorted(self, node: ast.expr, statistic: Callable, falling: bool) -> list[TimeSeries]:
        filled = [each for each in series_of(self._value(node), ast.unparse(node)) if each.values]
        return sorted(
            filled, key=lambda each: statistic(list(each.values.values())), reverse=falling
        )

    def _filled(self, node: ast.expr, filler: ast.expr) -> Value:
        value = self._value(node)
        repeat = isinstance(filler, ast.Name) and filler.id == "REPEAT"
        other = None if repeat else self._value(filler)
        if isinstance(other, list):
            raise Unsupported(f"several metrics where one is needed: {ast.unparse(filler)}")
        filled = [self._fill(each, other) for each in series_of(value, ast.unparse(node))]
        return filled if isinstance(value, list) else filled[0]

    def _fill(self, series: TimeSeries, filler: float | TimeSeries | None) -> TimeSeries:
        """Fill a series' gaps with another's values; if None, with its own last value (REPEAT)."""
        filled: dict[float, float] = {}
        last = math.nan
        for at in self.periods if self.periods is not None else _from_first_to_last(series):
            gap = last if filler is None else _at(filler, at)
            last = filled[at] = series.values.get(at, gap)
        return replace(series, values=_known(filled.items()))


def series_of(value: Value, text: str) -> list[TimeSeries]:
    """Return the time series in an expression's value.

    Args:
        value: of an expression.
        text: the expression.

    Raises:
        Unsupported: the value is a number.
    """
    if isinstance(value, float):
        raise Unsupported(f"a number where metrics are needed: {text}")
    return value if isinstance(value, list) else [value]


def _apply(function: Callable, *arguments: Value) -> Value:
    """Apply a function to numbers, in each period in which all arguments have a value."""
    lists = [argument for argument in arguments if isinstance(argument, list)]
    if lists:
        several = [each for each in lists if len(each) != 1]
        if sum(map(bool, several)) > 1:
            raise Unsupported("arithmetic between two lists of metrics")
        rows: Any = (
            [_nth(argument, index) for argument in arguments]
            for index in range(min(map(len, several), default=1))
        )
        return [_apply(function, *row) for row in rows]  # type: ignore[misc]
    series = [argument for argument in arguments if isinstance(argument, TimeSeries)]
    if not series:
        return _number(function, arguments)
    first, *others = series
    values = _known(
        (at, _number(function, [_at(argument, at) for argument in arguments]))
        for at in first.values
    )
    return TimeSeries(values, None if others else first.source, first.period)


def _nth(argument: Value, index: int) -> Value:
    if isinstance(argument, list):
        return argument[index if len(argument) > 1 else 0]
    return argument


def _number(function: Callable, arguments: Iterable[Any]) -> float:
    arguments = list(arguments)
    if any(math.isnan(argument) for argument in arguments):
        return math.nan
    try:
        result = float(function(*arguments))
    except (ZeroDivisionError, OverflowError, TypeError):  # TypeError: the result is complex
        return math.nan
    return result if math.isfinite(result) else math.nan


def _if(condition: Value, then: Value, otherwise: Value = math.nan) -> Value:
    if isinstance(condition, float):
        return math.nan if math.isnan(condition) else then if condition else otherwise
    if any(isinstance(part, list) for part in (condition, then, otherwise)):
        raise Unsupported("several metrics where IF needs one")
    values = _known(
        (at, _at(then if test else otherwise, at)) for at, test in condition.values.items()
    )
    return TimeSeries(values, period=condition.period)


def _merged(function: Callable, value: Value, text: str) -> Value:
    """Aggregate several metrics in each period; a single one over all its periods."""
    if isinstance(value, TimeSeries):
        return float(function(list(value.values.values()))) if value.values else 0.0
    columns: dict[float, list[float]] = {}
    for each in series_of(value, text):
        for at, number in each.values.items():
            columns.setdefault(at, []).append(number)
    values = {at: float(function(columns[at])) for at in sorted(columns)}
    return TimeSeries(values, period=min((each.period for each in value), default=1))


def _at(value: Any, at: float) -> float:  # noqa: ANN401 - a number or one TimeSeries
    return value.values.get(at, math.nan) if isinstance(value, TimeSeries) else value


def _known(values: Iterable[tuple[float, float]]) -> dict[float, float]:
    return {at: value for at, value in values if not math.isnan(value)}


def _from_first_to_last(series: TimeSeries) -> list[float]:
    times = list(series.values)
    between = range(int(times[0]), int(times[-1]), int(series.period)) if times else ()
    return sorted({*between, *times})
