"""Which buckets can be rebuilt: those of which the archive still has all records."""

import math
import time
from datetime import UTC, datetime

from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.deployment.stacks import describe, parameters_of, stack_name

from .archive_file import BEFORE_SECONDS, LATEST_SECONDS

MINUTE, DAY = 60, 86400


def archived_range(
    cloud: Cloud, begins: float, ends: float | None, until: float
) -> tuple[int, float]:
    """Return the part of a range that can be rebuilt: its first bucket's start, and its end.

    A bucket before it must not be counted: without all of its records its value would be too small.

    Args:
        cloud: where the archive is.
        begins: the range's start, epoch seconds; rounded down to a minute.
        ends: its end, rounded up to a minute; None for now.
        until: the moment until which the archive has all records.

    Raises:
        NotDeployed: module 1-capture is not deployed.
        WorkshopError: the archive has no bucket of the range.
    """
    stack = describe(cloud, stack_name(cloud, "1-capture"))
    if stack is None:
        raise NotDeployed(f"The bucket {cloud.bucket('archive')}", "1-capture")
    days = int(parameters_of(stack)["ArchiveDays"])
    # No bucket is older than the archive, except those of beacons that arrived late.
    created = stack["CreationTime"].timestamp() - LATEST_SECONDS
    # S3 deletes an object so many days after it was written, or a little later.
    expired = time.time() - days * DAY + BEFORE_SECONDS
    first = math.floor(max(begins, created) / MINUTE) * MINUTE
    if first < expired:
        first = math.ceil(expired / MINUTE) * MINUTE
        print(
            f"The archive keeps {days} days: the rebuild begins at "
            f"{datetime.fromtimestamp(first, UTC):%Y-%m-%d %H:%M} UTC."
        )
    last = until if ends is None else min(math.ceil(ends / MINUTE) * MINUTE, until)
    if last <= first:
        raise WorkshopError(
            "The archive does not have the records of this range.",
            "Give a later end, or run this cell again in a minute.",
        )
    return first, last
