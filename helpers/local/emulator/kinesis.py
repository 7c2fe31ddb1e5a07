"""Kinesis: look only at the oldest record to find out whether any has expired.

AWS keeps records for the retention period (24 hours by default). MiniStack copies the whole list
of a shard's records at each put and each get to drop the expired ones: 72 ms at 400,000 records.
The list is in order of arrival, so the first record tells whether there is anything to drop.
"""

import time

from ministack.services import kinesis


def apply() -> None:
    """Replace the emulator's expiry check."""
    kinesis._expire_records = expire_records


def expire_records(stream: dict) -> None:
    """Drop the records of a stream (the emulator's own dict) that are past its retention."""
    oldest_kept = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        records = shard["records"]
        if records and records[0]["ApproximateArrivalTimestamp"] < oldest_kept:
            shard["records"] = [
                r for r in records if r["ApproximateArrivalTimestamp"] >= oldest_kept
            ]
