"""Metric math for alarms: arithmetic over values that lie on the same periods.

CloudWatch's expressions read nearly like Python's, so Python's own parser reads them; a walk over
the tree allows the parts named here and nothing else. The dashboard has math of its own
(`helpers.dashboard_math`): there a line ends where its data ends, while an alarm must know of each
period of its evaluation range whether it has a value, and FILL fills all of it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

# One value for each period of the evaluation range, oldest first; None where there is none.
Values = list[float | None]


class NotEvaluated(Exception):
    """An alarm that needs CloudWatch itself; its text says which part does."""


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
_SPELLINGS = (("&&", " and "), ("||", " or "), ("^", "**"))
_WORDS = re.compile(r"\b(AND|OR)\b")
_MERGED: dict[str, Callable] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: sum(values) / len(values),
}
_EACH: dict[str, Callable] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


def evaluate(text: str, metrics: Mapping[str, Values], others: Mapping[str, str]) -> Values:
    """Return an expression's value of each period; None where it has none (as 0/0 has none).

    Args:
        text: CloudWatch's metric math, e.g. `"IF(m1 > 0, m2 / m1, 0)"`.
        metrics: the metrics' values by their ids.
        others: further expressions by their ids.

    Raises:
        NotEvaluated: it has a part that is not known here, or refers to itself.

    Example:
        >>> evaluate("m2 / m1", {"m1": [2, 0, None], "m2": [1, 1, 1]}, {})
        [0.5, None, None]
    """
    value: Any = _Walk(metrics, others).of(text)
    if not isinstance(value, list) or any(isinstance(part, list) for part in value):
        raise NotEvaluated(f"an expression that gives no single series: {text}")
    return value


class _Walk:
    def __init__(self, metrics: Mapping[str, Values], others: Mapping[str, str]) -> None:
        self._metrics, self._others = metrics, others
        self._length = len(next(iter(metrics.values()), []))
        self._open: list[str] = []

    def of(self, text: str) -> Values | list[Values] | float:
        if text in self._open:
            raise NotEvaluated(f"an expression that refers to itself: {text}")
        python = _WORDS.sub(lambda word: word[0].lower(), text.strip())
        for theirs, ours in _SPELLINGS:
            python = python.replace(theirs, ours)
        self._open.append(text)
        try:
            return self._value(ast.parse(python, mode="eval").body)
        except (SyntaxError, RecursionError, ValueError):
            raise NotEvaluated(f"this expression: {text}") from None
        finally:
            self._open.remove(text)

    def _value(self, node: ast.expr) -> Values | list[Values] | float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name) if name in self._metrics:
                return self._metrics[name]
            case ast.Name(id=name) if name in self._others:
                return self.of(self._others[name])
            case ast.List(elts=parts):
                return [self._series(part) for part in parts]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._each(operator.neg, operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._each(_OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return self._each(_OPERATORS[type(op)], left, right)
            case ast.BoolOp(op=op, values=[left, right]):
                return self._each(_OPERATORS[type(op)], left, right)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise NotEvaluated(f"this part of an expression: {ast.unparse(node)}")

    def _call(self, name: str, arguments: list[ast.expr]) -> Values | list[Values] | float:
        match name, arguments:
            case "METRICS", []:
                return list(self._metrics.values())
            case "IF", [condition, then]:
                return self._if(condition, then, None)
            case "IF", [condition, then, otherwise]:
                return self._if(condition, then, self._series(otherwise))
            case "FILL", [part, ast.Name(id="REPEAT")]:
                return self._over(part, _repeat)
            case "FILL", [part, value]:
                filler = self._series(value)
                return self._over(part, lambda values: _fill(values, filler))
            case _, [part] if name in _EACH:
                return self._each(_EACH[name], part)
            case _, [part] if name in _MERGED:
                return self._merge(_MERGED[name], part)
        raise NotEvaluated(f"the function {name}")

    def _series(self, node: ast.expr) -> Values:
        value: Any = self._value(node)
        if isinstance(value, float):
            return [value] * self._length
        if any(isinstance(part, list) for part in value):
            raise NotEvaluated(f"several metrics where one is needed: {ast.unparse(node)}")
        return value

    def _each(self, function: Callable, *nodes: ast.expr) -> Values | float:
        numbers: list[Any] = [self._value(node) for node in nodes]
        if all(isinstance(number, float) for number in numbers):
            result = _number(function, numbers)
            return [None] * self._length if result is None else result
        columns = zip(*(self._series(node) for node in nodes), strict=True)
        return [_number(function, list(column)) for column in columns]

    def _if(self, condition: ast.expr, then: ast.expr, otherwise: Values | None) -> Values:
        otherwise = otherwise or [None] * self._length
        branches = zip(self._series(condition), self._series(then), otherwise, strict=True)
        return [None if test is None else (yes if test else no) for test, yes, no in branches]

    def _over(self, node: ast.expr, function: Callable) -> Values | list[Values]:
        value = self._value(node)
        if isinstance(value, list) and any(isinstance(part, list) for part in value):
            return [function(part) for part in value]
        return function(self._series(node))

    def _merge(self, function: Callable, node: ast.expr) -> Values | float:
        """Apply to several metrics, period by period; of a single one, to all its values."""
        value = self._value(node)
        if isinstance(value, list) and any(isinstance(part, list) for part in value):
            columns = [[v for v in column if v is not None] for column in zip(*value, strict=True)]
            return [float(function(column)) if column else None for column in columns]
        known = [v for v in self._series(node) if v is not None]
        return float(function(known)) if known else 0.0


def _number(function: Callable, arguments: list[float | None]) -> float | None:
    if any(argument is None for argument in arguments):
        return None
    try:
        result = float(function(*arguments))
    except (ZeroDivisionError, OverflowError, TypeError):
        return None
    return result if math.isfinite(result) else None


def _fill(values: Values, filler: Values) -> Values:
    return [other if value is None else value for value, other in zip(values, filler, strict=True)]


def _repeat(values: Values) -> Values:
    filled, last = [], None
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return filled
