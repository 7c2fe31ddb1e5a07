"""A change of the gap between visits: which minutes get other values, and which keep theirs."""

import time
from datetime import UTC, datetime, timedelta

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import poll_until, waiting
from helpers.deployment.flink_application import counted_from
from helpers.stores.dynamodb import metric_values

HOURS = 48
# While the updated job reads the stream again, the values change every two seconds.
UNCHANGED_SECONDS, COUNTED_SECONDS = 15, 300


@waiting("Reading the visits of two days")
def visit_snapshot(cloud: Cloud) -> pd.DataFrame:
    """Return the number of visits in each minute of the last two days, as the table has it now.

    Args:
        cloud: where the table is.

    Returns:
        Columns Time (start of the minute, UTC) and Value. The newest two minutes are left out.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: the table has no visit yet.

    Example:
        `visits_before = visit_snapshot(cloud)`
    """
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=HOURS), now - timedelta(minutes=2)
    rows = metric_values(cloud, "visit_count", start=start, end=end)
    if rows.empty:
        raise WorkshopError(
            "The table has no visits yet.",
            "Run traffic.start(rate=20), wait three minutes, then run this cell again.",
        )
    return rows[["Time", "Value"]]


def visit_changes(cloud: Cloud, before: pd.DataFrame) -> pd.DataFrame:
    """Compare the visits of each minute with an earlier snapshot, for older and newer minutes.

    It waits until the values have not changed for 15 seconds: then the updated job has counted
    the last hours again.

    Args:
        cloud: where the table and the Flink application are.
        before: the earlier result of `visit_snapshot`.

    Returns:
        Two rows: the minutes of which the updated job writes no values, and those that it has
        counted again; columns Minutes, Before, Now (visits) and Changed (minutes whose value
        changed).

    Raises:
        NotDeployed: module 2-analyze is not deployed.

    Example:
        `visit_changes(cloud, visit_snapshot(cloud))`
    """
    edge = counted_from(cloud)
    # A minute that the snapshot does not have may have visits now: a shorter gap makes more.
    start = before["Time"].min().to_pydatetime()
    end = (before["Time"].max() + pd.Timedelta(minutes=1)).to_pydatetime()
    known, since = before, time.monotonic()

    def is_unchanged(rows: pd.DataFrame) -> bool:
        nonlocal known, since
        if not rows.equals(known):
            known, since = rows, time.monotonic()
        return time.monotonic() - since >= UNCHANGED_SECONDS

    rows = poll_until(
        lambda: metric_values(cloud, "visit_count", start=start, end=end)[["Time", "Value"]],
        is_unchanged,
        "the job has counted the last hours again",
        COUNTED_SECONDS,
    )
    return compared(before, rows, edge)


def compared(before: pd.DataFrame, now: pd.DataFrame, edge: datetime | None) -> pd.DataFrame:
    """Return the table of `visit_changes`.

    Args:
        before, now: columns Time and Value.
        edge: the first minute that the job has counted again; None if it counted all of them.
    """
    both = before.merge(now, on="Time", how="outer", suffixes=("_before", "_now")).fillna(0)
    first = pd.Timestamp.min.tz_localize("UTC") if edge is None else pd.Timestamp(edge)
    label = f"{first:%Y-%m-%d %H:%M}" if edge else "the beginning"
    rows = {}
    for name, part in (
        (f"before {label}", both[both["Time"] < first]),
        (f"since {label}", both[both["Time"] >= first]),
    ):
        changed = (part["Value_before"] != part["Value_now"]).sum()
        sums = (part["Value_before"].sum(), part["Value_now"].sum())
        rows[name] = (len(part), *(int(value) for value in sums), int(changed))
    columns = ["Minutes", "Before", "Now", "Changed"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return frame.rename_axis("Minutes that began")
