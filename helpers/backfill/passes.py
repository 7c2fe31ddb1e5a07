"""One pass of a rebuild: counts the buckets of a range, compares them with the table, and sends.

All differences are found before the first row is sent, so that their number and cost are
known. They are kept in files, one for each hour: in memory there is one hour only.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.core.cloud import Cloud
from helpers.core.waiting import waiting
from helpers.flink.groups import Groups

from .archive_file import HOUR, write_archive_file
from .counted_rows import divide_rows, has_rows, rows_of_hour
from .counting import INPUT, count, rebuild_folders
from .hours import difference
from .rebuild_cost import dollars, sending_cost
from .sending import send_rows, wait_until_stored


@dataclass
class Outcome:
    """The numbers of rows that a pass counted and sent.

    Args:
        counted: the number of rows of each metric.
        sent: how many of them were sent.
        metrics_read: the number of CloudWatch's metrics that were read, for rows that were lost.
        replaced_until: the newest bucket of which a wrong row with Samples was replaced, epoch
            seconds; 0 if none.
    """

    counted: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    metrics_read: int = 0
    replaced_until: int = 0


def run_pass(
    cloud: Cloud, groups: Groups, metrics: Collection[str], part: tuple[int, float], until: float
) -> Outcome:
    """Count the buckets of a range, and send the rows that differ from the table's.

    Args:
        cloud: where the pipeline is.
        groups: the application's property groups.
        metrics: the MetricTypes to compare; one of which the job writes no row is left out.
        part: the first bucket's start, and the range's end, epoch seconds.
        until: the moment until which the archive has all records.

    Raises:
        WorkshopError: Flink does not count the archive, or rows do not reach the table.
    """
    outcome = Outcome()
    with rebuild_folders() as folders:
        records = write_archive_file(cloud, *part, folders.clicks / INPUT)
        count(groups, folders, records)
        hours, differences = folders.root / "hours", folders.root / "differences"
        hours.mkdir()
        differences.mkdir()
        with waiting("Comparing the rows with the table"):
            divide_rows(folders.metrics, hours, *part, metrics)
            known = [name for name in metrics if has_rows(folders.metrics, name)]
            for hour in _hours(part):
                rows = list(_compare(cloud, hours, known, _within(hour, part), outcome))
                _write(differences / str(hour), rows)
        _say(outcome)
        for hour in _hours(part):
            rows = _read(differences / str(hour))
            with waiting(
                f"Sending the rows of {datetime.fromtimestamp(hour, UTC):%Y-%m-%d %H:00} UTC"
            ):
                send_rows(cloud, rows, int(until * 1000))
                wait_until_stored(cloud, rows, int(until * 1000))
    return outcome


def _hours(part: tuple[int, float]) -> range:
    return range(part[0] // HOUR * HOUR, math.ceil(part[1]), HOUR)


def _within(hour: int, part: tuple[int, float]) -> tuple[int, float]:
    return max(hour, part[0]), min(hour + HOUR, part[1])


def _compare(
    cloud: Cloud,
    hours: Path,
    metrics: Collection[str],
    part: tuple[int, float],
    outcome: Outcome,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one hour to send, and add them up."""
    for metric in metrics:
        counted = rows_of_hour(hours, metric, part[0] // HOUR * HOUR)
        found = difference(cloud, metric, counted, part)
        outcome.counted[metric] += len(counted)
        outcome.sent[metric] += len(found.rows)
        outcome.metrics_read += found.metrics_read
        outcome.replaced_until = max(outcome.replaced_until, found.replaced_until)
        yield from found.rows


def _say(outcome: Outcome) -> None:
    counted, sent = outcome.counted.total(), outcome.sent.total()
    if sent:
        cost = dollars(sending_cost(sent, outcome.metrics_read))
        print(f"{sent:,} of {counted:,} rows differ from the table. Sending them (on AWS {cost}).")
    else:
        print(f"None of {counted:,} rows differs from the table.")


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
