"""Counts past buckets again from the archive, with the application's SQL, and sends their rows.

Why it is right whatever happens meanwhile: see assets/functions/process_metrics/versions.py. A
rebuilt row replaces all rows that Flink emitted before the moment until which the archive was
complete. A row that Flink emitted after it, but that reached the table before the rebuilt one, may
have lost against a wrong row. Only buckets of the last hour still change, so these are counted once
more when the first rows are in the table.
"""

import time
from collections.abc import Collection
from datetime import UTC, datetime

import pandas as pd

from helpers.audit.diagnosis import archive_interval
from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.time_span import span
from helpers.core.waiting import waiting
from helpers.deployment.flink_application import application_detail
from helpers.flink.groups import Groups, property_groups
from helpers.stores.dynamodb import catalog

from .archive_file import LATEST_SECONDS, write_archive_file
from .counted_rows import FINAL, HOUR, divide_rows, rows_of_hour
from .counting import INPUT, count, rebuild_folders
from .hours import send_hour

# Firehose needs this long, after its buffer's time, until an object can be read.
DELIVERY_SECONDS = 30


def rebuild(
    cloud: Cloud,
    start: datetime | None = None,
    end: datetime | None = None,
    metrics: Collection[str] | None = None,
    days: float = 1,
) -> pd.DataFrame:
    """Count the buckets of a range again from the archive, and correct the table and CloudWatch.

    The application's own SQL counts the archived records on this machine, as a job that ends. Only
    values that differ are sent: into the stream of metrics, as the job's rows are. It may be
    stopped at any moment, and run again.

    Scores (`event_anomaly`) are not rebuilt: a score depends on all counts before it, and stays as
    it was when an alarm saw it.

    Args:
        cloud: where the pipeline is.
        start: an aware datetime; rounded down to a minute.
        end: an aware datetime (exclusive), rounded up to a minute; None for now.
        metrics: the MetricTypes to rebuild; None for all of the catalog.
        days: how far back, if `start` is None.

    Returns:
        One row for each metric: Metric, Counted (rows), and Sent (rows that differed).

    Raises:
        WorkshopError: the range is empty; there is no such metric; Flink refuses the SQL; a module
            is not deployed.

    Example:
        `rebuild(cloud, days=7, metrics=["avg_pg_ld"])`
    """
    begins, ends = span(days * 24 * 60, start, end)
    begins = int(begins // 60 * 60)
    names = _names(cloud, metrics)
    groups = property_groups(application_detail(cloud))
    until = _archived_until(cloud)
    last = until if ends is None else min(-(-ends // 60) * 60, until)
    if last <= begins:
        raise WorkshopError(
            "The archive does not have the records of this range yet.",
            "Wait two minutes, then run this cell again.",
        )
    totals = _counted_again(cloud, groups, begins, last, names, until)
    if last > until - LATEST_SECONDS:
        since = time.time()
        with waiting("Waiting until the archive has what arrived meanwhile"):
            while (until := _archived_until(cloud)) < since:
                time.sleep(1)
        first = max(begins, int((until - LATEST_SECONDS - 600) // 60 * 60))
        for name, (_, sent) in _counted_again(cloud, groups, first, last, names, until).items():
            totals[name] = totals[name][0], totals[name][1] + sent
    frame = pd.DataFrame([(name, *numbers) for name, numbers in totals.items()])
    return frame.set_axis(["Metric", "Counted", "Sent"], axis=1)


def _counted_again(
    cloud: Cloud, groups: Groups, begins: int, ends: float, names: list[str], until: float
) -> dict[str, tuple[int, int]]:
    totals = dict.fromkeys(names, (0, 0))
    with rebuild_folders() as folders:
        with waiting("Reading the archive"):
            records = write_archive_file(cloud, begins, ends, folders.clicks / INPUT)
        count(groups, folders, records)
        hours = folders.root / "hours"
        hours.mkdir()
        with waiting("Dividing the rows by hours"):
            divide_rows(folders.metrics, hours, begins, ends, names)
        for hour in range(begins // HOUR * HOUR, int(ends) + 1, HOUR):
            text = datetime.fromtimestamp(hour, UTC).strftime("%d %b %H:00")
            with waiting(f"Sending the rows of {text} UTC"):
                part = max(hour, begins), min(hour + HOUR, ends)
                for name in names:
                    rows = rows_of_hour(hours, name, hour)
                    sent = send_hour(cloud, name, rows, part, int(until * 1000))
                    totals[name] = totals[name][0] + len(rows), totals[name][1] + sent
    return totals


def _names(cloud: Cloud, metrics: Collection[str] | None) -> list[str]:
    known = list(catalog(cloud)["MetricType"])
    wanted = known if metrics is None else list(metrics)
    for name in wanted:
        if name not in known or (name == FINAL and metrics is not None):
            why = "is final: it is not rebuilt" if name == FINAL else "is not in the catalog"
            raise WorkshopError(f"The metric {name} {why}.", f"Choose from {', '.join(known)}.")
    return [name for name in wanted if name != FINAL]


def _archived_until(cloud: Cloud) -> float:
    """Return until when the archive has all records, epoch seconds."""
    with explained(f"The Firehose stream {cloud.name('archive')}", "1-capture"):
        return time.time() - archive_interval(cloud) - DELIVERY_SECONDS
