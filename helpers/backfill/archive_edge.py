"""Finds the moment until which the archive has all records of the stream.

Firehose delivers a shard's records in their order. So if the archive has a record of each shard, it
has all that arrived before. The time of Firehose's buffer alone proves nothing: deliveries may fail
for an hour.
"""

import time
from datetime import UTC, datetime
from typing import Any

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import wait_until, waiting
from helpers.stores.archive import archive_interval, archived_keys, archived_object
from helpers.stores.kinesis import record_pages, shards_of

# From the end of Firehose's buffer until the object can be read, as a rule.
DELIVERY_SECONDS = 5
# The clocks of Kinesis and of Flink, which writes a row's EmittedAt, may differ by so much.
CLOCKS_DIFFER = 1
# Where to look for a shard's newest record: its last seconds, then further back.
LOOK_BACK_SECONDS = (5, 60, 600, 3600)
LONGEST_WAIT_SECONDS = 300  # Firehose itself tries a delivery again for an hour


def archived_until(cloud: Cloud, since: float = 0) -> float:
    """Return the moment until which the archive has all records; wait until it has.

    Args:
        cloud: where the clicks stream and the archive are.
        since: the moment is this one or a later one, epoch seconds.

    Returns:
        Epoch seconds, at most some twenty seconds ago.

    Raises:
        NotDeployed: module 1-capture is not deployed.
        WorkshopError: after five minutes, the archive does not have them.

    Example:
        `archived_until(cloud)`
    """
    with explained(f"The Firehose stream {cloud.name('archive')}", "1-capture"):
        ago = archive_interval(cloud) + DELIVERY_SECONDS
    since += CLOCKS_DIFFER
    if (rest := since + ago - time.time()) > 0:
        with waiting("Waiting until Firehose has delivered the latest records", rest):
            time.sleep(rest)
    until = time.time() - ago
    newest = [_newest(cloud, shard, until) for shard in shards_of(cloud, "clicks")]
    missing = [record for record in newest if record is not None]
    with waiting("Waiting until the archive has the latest records"):
        missing = wait_until(
            lambda: _not_archived(cloud, missing), LONGEST_WAIT_SECONDS, lambda rest: not rest
        )
    if missing:
        arrived = missing[0]["ApproximateArrivalTimestamp"].astimezone(UTC)
        raise WorkshopError(
            f"The archive does not have a record that arrived at {arrived:%H:%M:%S} UTC: Firehose "
            "has not delivered it.",
            "ledger(cloud) shows what the archive lacks. Run this cell again in a minute.",
        )
    return until - CLOCKS_DIFFER


def _newest(cloud: Cloud, shard: str, until: float) -> dict[str, Any] | None:
    """Return a shard's newest record that arrived before a moment; None if there is none."""
    for seconds in LOOK_BACK_SECONDS:
        found = None
        start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": until - seconds}
        for page in record_pages(cloud, "clicks", shard, **start):
            early = [r for r in page if r["ApproximateArrivalTimestamp"].timestamp() < until]
            found = early[-1] if early else found
            if len(early) < len(page):
                break
        if found is not None:
            return found
    return None


def _not_archived(cloud: Cloud, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of some records that are in no object of the archive yet."""
    if not records:
        return []
    oldest = min(record["ApproximateArrivalTimestamp"] for record in records)
    missing = records
    for key in reversed(
        archived_keys(cloud, oldest.astimezone(UTC), datetime.now(UTC).timestamp())
    ):
        lines = archived_object(cloud, key)[1]
        missing = [record for record in missing if record["Data"].strip() not in lines]
        if not missing:
            break
    return missing
