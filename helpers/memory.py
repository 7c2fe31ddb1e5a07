"""Which archived records Flink still knew when a copy of them came: its memory, recounted.

Flink keeps a counter for each beacon_id (03_copies.sql) until no copy has come for MEMORY. Each
copy renews it, a rejected one too. A copy that comes later is a first again: too_late by then.
"""

from datetime import timedelta

import pandas as pd

# `table.exec.state.ttl` of assets/flink/main.py; a test holds the two equal.
MEMORY = timedelta(hours=3)
# Flink's time runs from when it read a record, of which the archive knows only when it was shipped.
# So near the end of its memory, the archive does not decide what Flink knew.
MARGIN = timedelta(minutes=10)
LONGEST = MEMORY + MARGIN
REJECTED, DUPLICATES = "rejected_count", "duplicate_count"
ALL = "All Beacons"


def copies(records: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return which records are copies of one that Flink still knew, and where that is undecided.

    Args:
        records: with the columns beacon_id and shipped_at, in the stream's order.

    Returns:
        True for each copy; True for each record that came about MEMORY after another copy of it.

    Example:
        `is_copy, is_undecided = copies(records)`
    """
    again = records[records["beacon_id"].duplicated(keep=False)]
    since_last = again.groupby("beacon_id", sort=False)["shipped_at"].diff().astype("Float64")
    rest = since_last - MEMORY / timedelta(milliseconds=1)
    is_copy = rest.lt(0).fillna(False)
    is_near = rest.abs().le(MARGIN / timedelta(milliseconds=1)).fillna(False)
    return tuple(
        some.reindex(records.index, fill_value=False).astype(bool) for some in (is_copy, is_near)
    )


def decided(
    expected: pd.Series, found: pd.Series, records: pd.DataFrame, time: str = "Bucket"
) -> pd.Series:
    """Return what the archive expects, with each undecided copy counted as a stage counted it.

    Args:
        expected: the archive's count, by metric, bucket and item.
        found: the stage's count, by the same.
        records: as `archived_fates` returns them.
        time: their column with the bucket.
    """
    undecided = records[records["undecided"].notna()]
    for (bucket, reason), some in undecided.groupby([time, "undecided"], sort=False):
        first, copy = (REJECTED, bucket, reason), (DUPLICATES, bucket, ALL)
        forgotten = int((some["fate"] == "rejected").sum())
        more = int(found.get(first, 0)) - int(expected.get(first, 0))
        more = min(max(more, -forgotten), len(some) - forgotten)
        changed = {
            first: int(expected.get(first, 0)) + more,
            copy: int(expected.get(copy, 0)) - more,
        }
        index = pd.MultiIndex.from_tuples(list(changed), names=expected.index.names)
        changes = pd.Series(list(changed.values()), index=index, dtype="int64")
        expected = pd.concat([expected.drop(index, errors="ignore"), changes])
    return expected[expected != 0] if len(undecided) else expected
