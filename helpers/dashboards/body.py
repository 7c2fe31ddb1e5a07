"""Reads a CloudWatch dashboard's JSON: its time range, its widgets, their metrics.

The format: "Dashboard Body Structure and Syntax" in the CloudWatch API Reference.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.core.metric_math import Unsupported

COLUMNS = 24
DEFAULT_SECONDS = 3 * 3600  # what CloudWatch shows where "start" is missing
_DURATION = re.compile(
    r"-?P(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_UNIT_SECONDS = (30 * 86400, 7 * 86400, 86400, 3600, 60, 1)


@dataclass(frozen=True)
class Row:
    """One row of a widget's "metrics": a metric, or an expression over metrics.

    Args:
        namespace, name: of the metric; empty for an expression.
        dimensions: (name, value) pairs.
        options: from the row's last element: id, label, color, stat, period, visible, yAxis.
    """

    namespace: str = ""
    name: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        """The metric math or SEARCH of this row; empty if it names one metric."""
        return self.options.get("expression", "")

    @property
    def visible(self) -> bool:
        """Whether the row is drawn; hidden ones serve other rows' expressions."""
        return self.options.get("visible", True) is not False


@dataclass(frozen=True)
class Widget:
    """One widget and its place, in columns and rows from the upper left.

    `seconds` is how far back it reaches.
    """

    kind: str
    x: int
    y: int
    width: int
    height: int
    properties: dict[str, Any]
    seconds: int = DEFAULT_SECONDS


def rows(metrics: Sequence[Sequence[Any]]) -> list[Row]:
    """Return the rows of a widget's "metrics" with their shorthand written out.

    `"."` repeats the element at the same place of the previous row; `"..."` all its elements
    that are not given.

    Args:
        metrics: the JSON array.

    Raises:
        Unsupported: a row is not `[namespace, name, dimension, value, ..., {options}]`.

    Example:
        >>> rows([["N", "m", "Item", "a"], ["...", "b"], [".", ".", ".", "c"]])[2].dimensions
        (('Item', 'c'),)
    """
    result: list[Any] = []
    before: list[Any] = []
    for metric in metrics:
        if not isinstance(metric, list):
            raise Unsupported(f"not a metric: {metric!r}")
        words, options = list(metric), {}
        if words and isinstance(words[-1], dict):
            options = words.pop()
        if not words:
            result.append(Row(options=options))
            continue
        if words[0] == "...":
            words = before[: max(len(before) - len(words) + 1, 0)] + words[1:]
        if any(word == "." for word in words[len(before) :]):
            raise Unsupported(f'"." repeats nothing in {metric!r}')
        words = [before[at] if word == "." else word for at, word in enumerate(words)]
        if len(words) < 2 or len(words) % 2 or not all(isinstance(word, str) for word in words):
            raise Unsupported(f"not a metric: {metric!r}")
        pairs = tuple(zip(words[2::2], words[3::2], strict=True))
        result.append(Row(words[0], words[1], pairs, options))
        before = words
    return result


def seconds(start: str | None) -> int:
    """Return how far back a relative "start" such as `-PT15M` reaches, in seconds.

    Args:
        start: an ISO 8601 duration; three hours if it is missing.

    Raises:
        Unsupported: it is an absolute time.

    Example:
        >>> seconds("-PT15M"), seconds("-P1D"), seconds("-P3M"), seconds(None)
        (900, 86400, 7776000, 10800)
    """
    if not start:
        return DEFAULT_SECONDS
    match = _DURATION.fullmatch(start)
    total = (
        sum(int(n or 0) * unit for n, unit in zip(match.groups(), _UNIT_SECONDS, strict=True))
        if match
        else 0
    )
    if not total:
        raise Unsupported(f'"start" is not a duration such as "-PT15M": {start!r}')
    return total


def widgets(body: dict[str, Any]) -> list[Widget]:
    """Return the widgets with a place each; those without follow each other from left to right.

    Example:
        >>> [each.x for each in widgets({"widgets": [{"type": "text"}, {"type": "text"}]})]
        [0, 6]
    """
    result: list[Widget] = []
    x = y = tallest = 0
    for each in body.get("widgets", []):
        width = min(int(each.get("width", 6)), COLUMNS)
        height = int(each.get("height", 6))
        if "x" in each and "y" in each:
            left, top = min(int(each["x"]), COLUMNS - width), int(each["y"])
        else:
            if x + width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            left, top = x, y
            x, tallest = x + width, max(tallest, height)
        properties = each.get("properties", {})
        reach = _reach(properties.get("start") or body.get("start"))
        result.append(Widget(each.get("type", "?"), left, top, width, height, properties, reach))
    return result


def _reach(start: str | None) -> int:
    try:
        return seconds(start)
    except Unsupported:
        return DEFAULT_SECONDS
