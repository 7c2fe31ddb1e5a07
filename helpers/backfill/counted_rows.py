"""The rows that the job has counted: of each key the last one, hour by hour.

The job writes a row whenever a value changes, in folders by metric. They are divided by the hour of
their buckets first, so that only one hour of one metric is in memory.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from helpers.stores.dynamodb import FINAL

from .archive_file import HOUR
from .corrections import Key, key_of


def divide_rows(
    output: Path, hours: Path, begins: float, ends: float, metrics: Collection[str]
) -> None:
    """Write the rows of a range into a file for each metric and hour, in their order.

    Args:
        output: where the job has written them.
        hours: an empty folder.
        begins: the first bucket's start, epoch seconds.
        ends: the last bucket's end.
        metrics: the MetricTypes that are wanted.
    """
    for folder in sorted(output.glob("MetricType=*")):
        metric = folder.name.split("=", 1)[1]
        if metric == FINAL or metric not in metrics:
            continue
        with ExitStack() as stack:
            files: dict[int, IO[bytes]] = {}
            for line in lines_of(folder):
                change = json.loads(line)
                at = (change["after"] or {}).get("EventTimestamp", 0)
                if change["op"] == "d" or not begins <= at < ends:
                    continue
                hour = at // HOUR * HOUR
                if hour not in files:
                    file = _hour_file(hours, metric, hour)
                    files[hour] = stack.enter_context(file.open("wb"))
                files[hour].write(line)


def has_rows(output: Path, metric: str) -> bool:
    """Return whether the job has written any row of a metric, also one outside of the range.

    Args:
        output: where the job has written them.
        metric: a MetricType.
    """
    return (output / f"MetricType={metric}").exists()


def rows_of_hour(hours: Path, metric: str, hour: int) -> dict[Key, dict]:
    """Return the last row of each bucket and item of one hour.

    Args:
        hours: the folder that `divide_rows` has filled.
        metric: a MetricType.
        hour: its start, epoch seconds.
    """
    file, rows = _hour_file(hours, metric, hour), {}
    if not file.exists():
        return {}
    with file.open("rb") as lines:
        for line in lines:
            after = {"MetricType": metric} | json.loads(line)["after"]
            rows[key_of(after)] = after
    return rows


def lines_of(folder: Path) -> Iterator[bytes]:
    """Yield the lines that the job has written for a metric, in their order.

    Args:
        folder: the metric's, `MetricType=...`.
    """
    files = sorted(folder.glob("part-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    for path in files:
        with path.open("rb") as file:
            yield from file


def _hour_file(hours: Path, metric: str, hour: int) -> Path:
    return hours / f"{metric}@{hour}"
