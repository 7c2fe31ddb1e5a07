"""Counts past buckets again from the archive, with the application's SQL, and sends their rows.

Why it is right whatever happens meanwhile: see assets/functions/process_metrics/versions.py. A
rebuilt row replaces all rows that Flink emitted before the moment until which the archive was
complete. A row that Flink emitted after it, but that reached the table before the rebuilt one, may
have lost against a wrong row with more samples. Only buckets of the last hour still change, so if
wrong rows of these were replaced, they are counted once more when the right ones are in the table.
"""

import time
from collections.abc import Collection
from datetime import datetime
from typing import Any

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.time_span import span
from helpers.deployment.code_upload import code_zip
from helpers.deployment.flink_application import application_detail, code_key
from helpers.deployment.flink_sql import application_code
from helpers.flink.groups import property_groups
from helpers.stores.dynamodb import FINAL, catalog

from .archive_edge import archived_until
from .archive_file import LATEST_SECONDS
from .archive_range import archived_range
from .passes import run_pass

# A bucket changes for an hour, and a little longer if an agent's call takes long.
CHANGING_SECONDS = LATEST_SECONDS + 600
# How long a job of the former SQL may have written rows after an update, at most.
UPDATE_SECONDS = 600


def rebuild(
    cloud: Cloud,
    start: datetime | None = None,
    end: datetime | None = None,
    metrics: Collection[str] | None = None,
    days: float = 1,
) -> pd.DataFrame:
    """Count the buckets of a range again from the archive, and correct the table and CloudWatch.

    The application's own SQL counts the archived records on this machine, as a job that ends. Only
    values that differ are sent: into the stream of metrics, as the job's rows are. You can stop the
    cell at any moment, and run it again.

    Scores (`event_anomaly`) are not rebuilt: a score depends on all counts before it, and stays as
    it was when an alarm saw it. CloudWatch accepts values of the last two weeks; it may show one
    that is more than a day old only after two days (PutMetricData's API reference).

    Args:
        cloud: where the pipeline is.
        start: an aware datetime; rounded down to a minute.
        end: an aware datetime (exclusive), rounded up to a minute; None for now.
        metrics: the MetricTypes to rebuild; None for all of which the SQL counts something.
        days: how far back, if `start` is None. The archive keeps seven days by default.

    Returns:
        One row for each metric: Metric, Counted (rows), and Sent (rows that differed).

    Raises:
        NotDeployed: a module is not deployed.
        WorkshopError: the range is empty; there is no such metric; the application runs other SQL
            than your files; Flink did not count the archive; rows did not reach the table.

    Example:
        `rebuild(cloud, days=7, metrics=["avg_pg_ld"])`
    """
    asked, now = span(days * 24 * 60, start, end), time.time()
    detail = application_detail(cloud)
    names = _names(cloud, metrics)
    _refuse_other_sql(cloud, detail)
    is_new = detail["LastUpdateTimestamp"].timestamp() > now - UPDATE_SECONDS
    until = archived_until(cloud, now if is_new else 0)
    begins, ends = archived_range(cloud, *asked, until)
    groups = property_groups(detail)
    done = run_pass(cloud, groups, names, (begins, ends), until)
    if done.replaced_until > until - CHANGING_SECONDS:
        print("Counting the last hour once more, as it still changes ...")
        until = archived_until(cloud, time.time())
        first = max(begins, int(until - CHANGING_SECONDS) // 60 * 60)
        done.sent += run_pass(cloud, groups, names, (first, ends), until).sent
    rows = [(name, done.counted[name], done.sent[name]) for name in names]
    return pd.DataFrame(rows, columns=["Metric", "Counted", "Sent"])


def _names(cloud: Cloud, metrics: Collection[str] | None) -> list[str]:
    known = list(catalog(cloud)["MetricType"])
    wanted = known if metrics is None else list(metrics)
    for name in wanted:
        if name not in known or (name == FINAL and metrics is not None):
            why = "is final: it is not rebuilt" if name == FINAL else "is not in the catalog"
            others = ", ".join(each for each in known if each != FINAL)
            raise WorkshopError(f"The metric {name} {why}.", f"Choose from {others}.")
    return [name for name in wanted if name != FINAL]


def _refuse_other_sql(cloud: Cloud, detail: dict[str, Any]) -> None:
    """Raise if the application does not run the SQL that would be counted with here."""
    with application_code() as code:
        key, _ = code_zip(cloud, "analytics", code)
    if key != code_key(detail):
        raise WorkshopError(
            f"{detail['ApplicationName']} runs other SQL than your files and the workshop's.",
            "Run update_analytics(cloud), then this cell.",
        )
