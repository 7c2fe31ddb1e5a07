"""Compares one hour of a metric with the table, and with what CloudWatch has of its lost rows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assets.functions.publish_metrics.dimension import OTHER, dimension_value
from helpers.core.cloud import Cloud
from helpers.stores.cloudwatch import values_now
from helpers.stores.dynamodb import catalog_row, stored_rows

from .corrections import Key, Stored, add_published, corrections, key_of

# CloudWatch keeps periods under a minute for three hours.
FINE_SECONDS = 3 * 3600 - 300


@dataclass(frozen=True)
class Difference:
    """The rows of one hour of a metric that differ from the table's.

    Args:
        rows: to send, in the order of their buckets.
        metrics_read: the number of CloudWatch's metrics that were read for it.
        replaced_until: the newest bucket whose wrong row has Samples, epoch seconds; 0 if none.
    """

    rows: list[dict[str, Any]]
    metrics_read: int
    replaced_until: int


def difference(
    cloud: Cloud, metric: str, counted: Mapping[Key, dict[str, Any]], part: tuple[float, float]
) -> Difference:
    """Compare the counted rows of one hour with the table's.

    Args:
        cloud: where table and CloudWatch are.
        metric: a MetricType.
        counted: the last row of each bucket and item.
        part: of the hour: the first bucket's start and the last one's end, epoch seconds.
    """
    stored = _stored(cloud, metric, part)
    rows = corrections(counted, stored, metric)
    keys = [key_of(row) for row in rows]
    lost = [row for row, key in zip(rows, keys, strict=True) if key not in stored]
    metrics_read = _add_published(cloud, metric, lost, stored, part) if lost else 0
    replaced = (key[0] for key in keys if key in stored and stored[key].samples is not None)
    return Difference(rows, metrics_read, max(replaced, default=0))


def _stored(cloud: Cloud, metric: str, part: tuple[float, float]) -> dict[Key, Stored]:
    names = "EventTimestamp, MetricItem, UnitValueInt, UnitValueFloat, Samples"
    found = {}
    for item in stored_rows(cloud, metric, *part, names):
        is_whole = "UnitValueInt" in item
        number = item["UnitValueInt" if is_whole else "UnitValueFloat"]["N"]
        key = int(item["EventTimestamp"]["N"]), item["MetricItem"]["S"]
        samples = int(item["Samples"]["N"]) if "Samples" in item else None
        found[key] = Stored(int(number) if is_whole else float(number), samples, is_whole)
    return found


def _add_published(
    cloud: Cloud,
    metric: str,
    lost: list[dict[str, Any]],
    stored: dict[Key, Stored],
    part: tuple[float, float],
) -> int:
    """Add to rows that the table lacks what CloudWatch has of them.

    Returns:
        The number of CloudWatch's metrics that were read.
    """
    described = catalog_row(cloud, metric)
    is_mean, admitted = described.get("Statistic") == "Average", described.get("Items", set())
    period = 10 if time.time() - part[0] < FINE_SECONDS else 60

    def cell(key: Key) -> tuple[int, str]:
        name = dimension_value(key[1])
        return key[0] // period * period, name if name in admitted else OTHER

    surplus = _shown(cloud, metric, part, period, is_mean)
    for key, old in stored.items():
        if cell(key) in surplus:
            total, samples = surplus[cell(key)]
            weight = (old.samples or 0) if is_mean else 1
            surplus[cell(key)] = total - old.value * weight, samples - (old.samples or 0)
    add_published(lost, {key: cell(key) for key in map(key_of, lost)}, surplus, is_mean)
    return (len(admitted) + 1) * (2 if is_mean else 1)


def _shown(
    cloud: Cloud, metric: str, part: tuple[float, float], period: int, is_mean: bool
) -> dict[tuple[int, str], tuple[float, int]]:
    start = datetime.fromtimestamp(part[0] // period * period, UTC)
    end = datetime.fromtimestamp(-(-part[1] // period) * period, UTC)

    def values(statistic: str) -> dict[tuple[int, str], float]:
        frame = values_now(cloud, metric, period=period, start=start, end=end, statistic=statistic)
        times = (int(at.timestamp()) for at in frame["Time"])
        return dict(zip(zip(times, frame["Item"], strict=True), frame["Value"], strict=True))

    sums, counts = values("Sum"), values("SampleCount") if is_mean else {}
    return {key: (total, int(counts.get(key, 0))) for key, total in sums.items()}
