"""Measures how long the chain takes to count beacons again after a failure."""

import time
from collections.abc import Callable

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, TargetStopped, TemporaryFailure
from helpers.core.waiting import wait_until, waiting
from helpers.deployment.stacks import outputs
from helpers.stores.dynamodb import metric_values

PAUSE_SECONDS = 0.25


def newest_counted(cloud: Cloud) -> float | None:
    """Return when the newest beacon in DynamoDB's counts was received, epoch seconds.

    Args:
        cloud: has the table.

    Returns:
        The time; None if no beacon was counted in the last minutes, or the table can't be read.

    Example:
        `time.time() - newest_counted(cloud)` -> `0.9`
    """
    try:
        # One row a minute, which every visitor's beacon changes: the cheapest metric to read.
        newest = metric_values(cloud, "visitor_count", minutes=3)["NewestBeacon"].max()
    except (NotDeployed, TargetStopped, TemporaryFailure):
        return None
    return None if pd.isna(newest) else newest.timestamp()


def time_to_recovery(
    cloud: Cloud, since: float | None = None, seconds: float = 120
) -> float | None:
    """Wait until a beacon is counted that was received after a moment.

    Args:
        cloud: has the table; traffic must be flowing.
        since: the moment, epoch seconds; None for now.
        seconds: how long to wait at most.

    Returns:
        Seconds from the moment until it was counted; None if none was: then a line is printed.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        TargetStopped: the cloud does not respond.

    Example:
        `kill(cloud, "flink"); time_to_recovery(cloud)` -> `11.4`
    """
    since = time.time() if since is None else since
    outputs(cloud, "2-analyze")  # raises if nothing counts beacons
    with waiting("Waiting until beacons are counted again"):
        waited = until_counted(cloud, since, seconds, lambda waited: None)
    if waited is None:
        print(
            f"No beacon was counted for {seconds:.0f} s. Is traffic flowing? Run "
            "`traffic.start(rate=50)`, and the notebook's first cells if the job does not run."
        )
        return None
    return round(waited, 1)


def until_counted(
    cloud: Cloud, since: float, seconds: float, report: Callable[[float], None]
) -> float | None:
    """Wait as `time_to_recovery` does; report the seconds so far, about four times a second.

    Args:
        cloud: has the table.
        since: the moment, epoch seconds.
        seconds: how long to wait at most.
        report: called with the seconds so far.

    Returns:
        Seconds from the moment until a later beacon was counted; None if none was.

    Example:
        `until_counted(cloud, time.time(), 60, print)`
    """

    def counted_after() -> float | None:
        newest = newest_counted(cloud)
        waited = time.time() - since
        if newest is not None and newest >= since:
            return waited
        report(waited)
        return None

    return wait_until(counted_after, since + seconds - time.time(), delay=PAUSE_SECONDS)
