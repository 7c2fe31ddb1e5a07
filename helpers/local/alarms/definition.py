"""A metric alarm as DescribeAlarms describes it, ready to be evaluated."""

import re
from dataclasses import dataclass
from typing import Any

from helpers.core.metric_math import MetricMath, TimeSeries, Unsupported, series_of

from .rules import COMPARISONS, EXTRA_PERIODS

# One value for each period of the evaluation range, oldest first; None for a missing one.
Values = list[float | None]
_STATISTIC = re.compile(r"Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?|p100")


@dataclass(frozen=True)
class Alarm:
    """A metric alarm.

    Args:
        name: its name.
        state: its current state.
        period: seconds in one datapoint.
        periods, needed: EvaluationPeriods (N) and DatapointsToAlarm (M).
        operator, threshold: when a datapoint is breaching.
        missing: its TreatMissingData.
        statistic: of a single metric; None for an expression.
        queries: its metrics, as GetMetricData takes them, by id.
        expressions: its metric math, by id.
        result: the id of the metric or expression that is compared with the threshold.
        changed: when its configuration last changed.
    """

    name: str
    state: str
    period: int
    periods: int
    needed: int
    operator: str
    threshold: float
    missing: str
    statistic: str | None
    queries: dict[str, dict[str, Any]]
    expressions: dict[str, str]
    result: str
    changed: object

    @property
    def range(self) -> int:
        """How many periods are evaluated."""
        return self.periods + EXTRA_PERIODS

    def values(self, metrics: dict[str, Values]) -> Values:
        """Return the values that are compared with the threshold, one for each period.

        Raises:
            Unsupported: its expression has a part that is not implemented here.
        """
        if self.result in metrics:
            return metrics[self.result]
        return evaluate(self.expressions[self.result], metrics, self.expressions)

    def breaches(self, values: Values) -> list[bool | None]:
        """Return for each value whether it is breaching; None for a missing one."""
        compare = COMPARISONS[self.operator]
        return [None if value is None else compare(value, self.threshold) for value in values]


def evaluate(text: str, metrics: dict[str, Values], expressions: dict[str, str]) -> Values:
    """Return an expression's value of each period; None where it has none (0/0, for example).

    Args:
        text: CloudWatch's metric math, e.g. `"IF(m1 > 0, m2 / m1, 0)"`.
        metrics: the metrics' values by their ids.
        expressions: further expressions by their ids.

    Raises:
        Unsupported: it has a part that is not implemented here, or is not a single time series.

    Example:
        >>> evaluate("m2 / m1", {"m1": [2, 0, None], "m2": [1, 1, 1]}, {})
        [0.5, None, None]
    """
    series = {
        name: TimeSeries({at: value for at, value in enumerate(values) if value is not None})
        for name, values in metrics.items()
    }
    periods = range(len(next(iter(metrics.values()), [])))
    math = MetricMath((expressions | series).get, lambda: list(series.values()), periods=periods)
    value = math.evaluate(text)
    if isinstance(value, list):
        raise Unsupported(f"an expression that returns several time series: {text}")
    (result,) = series_of(value, text)
    return [result.values.get(at) for at in periods]


def alarm(described: dict[str, Any]) -> Alarm:
    """Return the alarm that one of DescribeAlarms' MetricAlarms describes.

    Raises:
        Unsupported: only CloudWatch itself can evaluate it (an anomaly band, SQL).
    """
    if described["ComparisonOperator"] not in COMPARISONS or "Threshold" not in described:
        raise Unsupported(f"the comparison {described['ComparisonOperator']}")
    entries = described.get("Metrics") or [_single(described)]
    queries = {entry["Id"]: entry["MetricStat"] for entry in entries if "MetricStat" in entry}
    for stat in (query["Stat"] for query in queries.values()):
        if not _STATISTIC.fullmatch(stat):
            raise Unsupported(f"the statistic {stat}")
    lengths = {int(query["Period"]) for query in queries.values()}
    if len(lengths) != 1:
        raise Unsupported("metrics of different periods, or none")
    results = [entry["Id"] for entry in entries if entry.get("ReturnData", True)]
    if len(results) != 1:
        raise Unsupported("more than one result")
    periods = int(described["EvaluationPeriods"])
    return Alarm(
        name=described["AlarmName"],
        state=described["StateValue"],
        period=lengths.pop(),
        periods=periods,
        needed=int(described.get("DatapointsToAlarm") or periods),
        operator=described["ComparisonOperator"],
        threshold=float(described["Threshold"]),
        missing=described.get("TreatMissingData") or "missing",
        statistic=queries[results[0]]["Stat"] if results[0] in queries else None,
        queries=queries,
        expressions={e["Id"]: e["Expression"] for e in entries if "Expression" in e},
        result=results[0],
        changed=described.get("AlarmConfigurationUpdatedTimestamp"),
    )


def _single(described: dict[str, Any]) -> dict[str, Any]:
    keys = ("Namespace", "MetricName", "Dimensions")
    statistic = described.get("ExtendedStatistic") or described.get("Statistic") or "Average"
    return {
        "Id": "m1",
        "MetricStat": {
            "Metric": {key: described[key] for key in keys if described.get(key)},
            "Period": described["Period"],
            "Stat": statistic,
        },
    }
