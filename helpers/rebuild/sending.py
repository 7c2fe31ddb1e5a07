"""Sends rebuilt rows the way the job's rows go, and waits until the table has them."""

import json
import time
from collections.abc import Iterable
from typing import Any

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.stores.dynamodb import stored_rows

RECORDS_A_CALL = 500  # PutRecords' limit
ATTEMPTS, LONGEST_PAUSE_SECONDS = 60, 5.0
# process_metrics stores some 700 rows a second on one machine.
LONGEST_WAIT_SECONDS = 600


def send_rows(cloud: Cloud, rows: Iterable[dict[str, Any]], archived_until: int) -> None:
    """Put rows into the stream of metrics, until it has accepted all of them.

    Args:
        cloud: where the stream is.
        rows: as the job writes them.
        archived_until: until when the archive was complete that was counted, epoch milliseconds.

    Raises:
        WorkshopError: the stream is not there, or refused records for minutes.
    """
    records = [
        {
            "PartitionKey": row["MetricType"],
            "Data": json.dumps(
                {"before": None, "after": row | {"ArchivedUntil": archived_until}, "op": "c"}
            ).encode(),
        }
        for row in rows
    ]
    with explained(f"The stream {cloud.name('metrics')}", "2-analyze"):
        for first in range(0, len(records), RECORDS_A_CALL):
            _put(cloud, records[first : first + RECORDS_A_CALL])


def wait_until_stored(cloud: Cloud, rows: list[dict[str, Any]], archived_until: int) -> None:
    """Wait until the table has rows of one metric, or newer ones.

    Args:
        cloud: where the table is.
        rows: of one metric, in the order of their buckets.
        archived_until: as they were sent.

    Raises:
        WorkshopError: they are not there after ten minutes.
    """
    missing = {(row["EventTimestamp"], row["MetricItem"]) for row in rows}
    metric, pause = rows[0]["MetricType"], 0.2
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while missing:
        begins, ends = min(at for at, _ in missing), max(at for at, _ in missing) + 1
        names = "EventTimestamp, MetricItem, EmittedAt, ArchivedUntil"
        for item in stored_rows(cloud, metric, begins, ends, names):
            known = max(int(item.get(n, {"N": "0"})["N"]) for n in ("EmittedAt", "ArchivedUntil"))
            if known >= archived_until:
                missing.discard((int(item["EventTimestamp"]["N"]), item["MetricItem"]["S"]))
        if missing and time.monotonic() > deadline:
            raise WorkshopError(
                f"{len(missing)} rebuilt rows of {metric} are not in the table after "
                f"{LONGEST_WAIT_SECONDS // 60} minutes.",
                "Look at dead_letters(cloud), then run this cell again.",
            )
        if missing:
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


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
