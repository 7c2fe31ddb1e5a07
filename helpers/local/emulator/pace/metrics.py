"""CloudWatch: a new metric is read after two minutes, and listed after fifteen.

D: "When you create a new metric, it can take up to 2 minutes before you can retrieve statistics for
the new metric using get-metric-statistics. However, it can take up to 15 minutes before the new
metric appears in the list of metrics retrieved using list-metrics" (CloudWatch User Guide, "Publish
custom metrics"). So SEARCH and the alarms find it as late. Here it takes the whole of both times.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import cloudwatch

from helpers.local.pace import scaled

from .observed import age, observe

SECONDS_UNTIL_READ, SECONDS_UNTIL_LISTED = 120, 900
_youngest: ContextVar[float] = ContextVar("_youngest", default=0.0)


class Metrics(type(cloudwatch._metrics)):  # type: ignore[misc]
    """The emulator's metrics; a reader sees those that are old enough for it."""

    __slots__ = ()

    def items(self) -> list[tuple[Any, Any]]:
        youngest = _youngest.get()
        return [item for item in super().items() if not youngest or age(self, item[0]) >= youngest]


def apply() -> None:
    """Hide new metrics from the three calls that read or list them."""
    metrics = Metrics()
    metrics.update(cloudwatch._metrics)
    observe(metrics)
    cloudwatch._metrics = metrics
    for name, seconds in (
        ("_get_metric_data", SECONDS_UNTIL_READ),
        ("_get_metric_statistics", SECONDS_UNTIL_READ),
        ("_list_metrics", SECONDS_UNTIL_LISTED),
    ):
        setattr(cloudwatch, name, _without_new(getattr(cloudwatch, name), scaled(seconds)))


def _without_new(read: Callable, seconds: float) -> Callable:
    def read_old(*arguments: object, **named: object) -> tuple:
        token = _youngest.set(seconds)
        try:
            return read(*arguments, **named)
        finally:
            _youngest.reset(token)

    return read_old
