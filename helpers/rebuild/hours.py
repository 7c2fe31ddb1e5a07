"""Corrects one hour of one metric: sends the counted rows that differ from the table's."""

import time
from datetime import UTC, datetime
from typing import Any

from assets.functions.publish_metrics.dimension import OTHER, dimension_value
from helpers.core.cloud import Cloud
from helpers.stores.cloudwatch import values_now
from helpers.stores.dynamodb import catalog_row, stored_rows

from .corrections import Key, Stored, add_published, corrections
from .sending import send_rows, wait_until_stored

# CloudWatch keeps periods under a minute for three hours.
FINE_SECONDS = 3 * 3600 - 300


def send_hour(
    cloud: Cloud,
    metric: str,
    counted: dict[Key, dict[str, Any]],
    part: tuple[float, float],
    archived_until: int,
) -> int:
    """Send the rows of one hour that differ from the table's, and wait until it has them.

    Args:
        cloud: where table and stream are.
        metric: a MetricType.
        counted: the last row of each bucket and item.
        part: of the hour: the first bucket's start and the last one's end, epoch seconds.
        archived_until: until when the archive was complete, epoch milliseconds.

    Returns:
        The number of rows sent.
    """
    stored = _stored(cloud, metric, part)
    rows = corrections(counted, stored, metric)
    missing = [row for row in rows if (row["EventTimestamp"], row["MetricItem"]) not in stored]
    if missing:
        _add_published(cloud, metric, missing, stored, part)
    if rows:
        send_rows(cloud, rows, archived_until)
        wait_until_stored(cloud, rows, archived_until)
    return len(rows)


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
    missing: list[dict[str, Any]],
    stored: dict[Key, Stored],
    part: tuple[float, float],
) -> None:
    """Find what CloudWatch has of rows that the table lacks."""
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
    keys = [(row["EventTimestamp"], row["MetricItem"]) for row in missing]
    add_published(missing, {key: cell(key) for key in keys}, surplus, is_mean)


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
