"""Kinesis: only the oldest record or iterator is checked for expiry.

AWS keeps records for the retention period (24 hours by default). At each put and each get MiniStack
copies the whole list of a shard's records to drop the expired ones: 72 ms at 400,000 records. The
list is in order of arrival, so the first record shows whether any has expired.

An iterator is a position in that list. When records are dropped at its front, each iterator has to
move with the others, or its reader skips as many records as were dropped.

Each GetRecords creates another iterator, which AWS keeps for five minutes. MiniStack checks all of
them at each call: with six readers a quarter of the emulator's work.
"""

import time

from ministack.services import kinesis


def apply() -> None:
    """Replace the emulator's expiry checks."""
    kinesis._expire_records = expire_records
    kinesis._expire_iterators = expire_iterators


def expire_records(stream: dict) -> None:
    """Drop the records of a stream (the emulator's own dict) that are past its retention."""
    oldest_kept = time.time() - stream["RetentionPeriodHours"] * 3600
    for name, shard in stream["shards"].items():
        records = shard["records"]
        if records and records[0]["ApproximateArrivalTimestamp"] < oldest_kept:
            kept = [r for r in records if r["ApproximateArrivalTimestamp"] >= oldest_kept]
            for iterator in list(kinesis._shard_iterators._data.values()):
                if (iterator["stream_arn"], iterator["shard_id"]) == (stream["StreamARN"], name):
                    moved = iterator["position"] - (len(records) - len(kept))
                    iterator["position"] = max(moved, 0)
            shard["records"] = kept


def expire_iterators() -> None:
    """Drop the iterators that are too old: they are stored in the order of their creation."""
    iterators = kinesis._shard_iterators._data
    oldest_kept = time.time() - kinesis.ITERATOR_EXPIRY_SECONDS
    while iterators:
        first = next(iter(iterators))
        if iterators[first]["created_at"] >= oldest_kept:
            return
        del iterators[first]
