"""Sends rebuilt rows the way the job's rows go, and waits until the table has them."""

import itertools
import json
import time
from collections.abc import Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import wait_until
from helpers.stores.dynamodb import stored_rows

from .corrections import Key, key_of

RECORDS_A_CALL = 500  # PutRecords' limit
ATTEMPTS, LONGEST_PAUSE_SECONDS = 60, 5.0
# process_metrics stores some 700 rows a second on one machine, a rebuild sends at most an hour's.
LONGEST_WAIT_SECONDS = 600


def send_rows(cloud: Cloud, rows: Sequence[dict[str, Any]], until_ms: int) -> None:
    """Put rows into the stream of metrics, until it has accepted all of them.

    Args:
        cloud: where the stream is.
        rows: as the job writes them.
        until_ms: until when the archive was complete that was counted, epoch milliseconds.

    Raises:
        WorkshopError: the stream is not there, or refused records for minutes.
    """
    with explained(f"The stream {cloud.name('metrics')}", "2-analyze"):
        for first in range(0, len(rows), RECORDS_A_CALL):
            part = rows[first : first + RECORDS_A_CALL]
            _put(cloud, [_record(row | {"ArchivedUntil": until_ms}) for row in part])


def wait_until_stored(cloud: Cloud, rows: Iterable[dict[str, Any]], until_ms: int) -> None:
    """Wait until the table has rows, or newer ones of the same bucket and item.

    Args:
        cloud: where the table is.
        rows: as they were sent, those of one metric together.
        until_ms: as they were sent.

    Raises:
        WorkshopError: they are not there after ten minutes.
    """
    for metric, same in itertools.groupby(rows, itemgetter("MetricType")):
        missing = {key_of(row) for row in same}
        if not wait_until(
            partial(_all_stored, cloud, metric, missing, until_ms), LONGEST_WAIT_SECONDS
        ):
            raise WorkshopError(
                f"{len(missing)} rebuilt rows of {metric} are not in the table after "
                f"{LONGEST_WAIT_SECONDS // 60} minutes.",
                "Look at dead_letters(cloud), then run this cell again.",
            )


def _all_stored(cloud: Cloud, metric: str, missing: set[Key], until_ms: int) -> bool:
    """Remove the keys that the table has by now; return whether none is left."""
    begins, ends = min(at for at, _ in missing), max(at for at, _ in missing) + 1
    names = "EventTimestamp, MetricItem, EmittedAt, ArchivedUntil"
    for item in stored_rows(cloud, metric, begins, ends, names):
        known = max(int(item.get(n, {"N": "0"})["N"]) for n in ("EmittedAt", "ArchivedUntil"))
        if known >= until_ms:
            missing.discard((int(item["EventTimestamp"]["N"]), item["MetricItem"]["S"]))
    return not missing


def _record(row: dict[str, Any]) -> dict[str, Any]:
    change = {"before": None, "after": row, "op": "c"}
    return {"PartitionKey": row["MetricType"], "Data": json.dumps(change).encode()}


def _put(cloud: Cloud, records: list[dict[str, Any]]) -> None:
    client, pause = cloud.client("kinesis"), 0.1
    for _ in range(ATTEMPTS):
        answer = client.put_records(StreamName=cloud.name("metrics"), Records=records)
        results = zip(records, answer["Records"], strict=True)
        # Their order does not matter: each row is a whole value of its own key.
        records = [record for record, result in results if result.get("ErrorCode")]
        if not records:
            return
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    raise WorkshopError(
        f"The stream {cloud.name('metrics')} refused {len(records)} records for minutes.",
        "Run this cell again.",
    )
