"""What becomes of each archived record, and waiting until the stages have settled.

The archive is counted afresh here, with pandas, from the raw records: it owes nothing to the Flink
job whose numbers it is compared with.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pandas as pd

from .archive import archived_beacons, is_beacon
from .cloud import Cloud
from .epoch import times
from .memory import LONGEST, copies
from .waiting import waiting

LATENESS_HORIZON = timedelta(hours=1)  # design: an older beacon is rejected as too_late
LATEST_MS = 9_000_000_000_000  # a later request is none (assets/flink/sql/04_firsts.sql)
BUCKET_SECONDS = 10
# referral_count is the one metric in which every accepted beacon counts exactly once: a beacon
# without a referrer counts as (direct).
ACCEPTED = "referral_count"
# A copy seldom comes later than this after its first; when one does, more is read.
_EARLIER = timedelta(minutes=10)

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 10
_Value = TypeVar("_Value")


def archived_fates(cloud: Cloud, since: datetime, until: datetime | None = None) -> pd.DataFrame:
    """Return the archived beacons that arrived since a moment, and what each must count as.

    Args:
        cloud: where the archive is.
        since: an aware datetime; records shipped earlier are left out.
        until: records shipped at or after this are left out, too; None for now.

    Returns:
        The columns of `archived_beacons`, and `fate`: `accepted`, `rejected` (both for the first
        record with its beacon_id) or `duplicate` (a further copy of either, while Flink remembers
        it: see `memory`); `reason` of a rejected one; `undecided`, the reason of one that came just
        when Flink forgot the first, so that it may have counted it as rejected or as a duplicate;
        `Time`, the start of the ten seconds in which it counts (those of the request if accepted,
        else of its arrival; UTC). Requests that are no beacons are left out.

    Example:
        `archived_fates(cloud, since)["fate"].value_counts()`
    """
    records = _with_their_firsts(cloud, since, until)
    # Flink counts nothing without a name and a time of arrival (03_copies.sql).
    named = records["beacon_id"].notna() & records["shipped_at"].notna()
    counted = records[is_beacon(records) | (records["rejected"].notna() & named)]
    asked = counted["requested_at"].astype("Int64")
    requested = times(asked.where(asked.between(0, LATEST_MS)))
    arrived = times(counted["shipped_at"])
    in_time = (arrived - requested) <= LATENESS_HORIZON  # False where the time can't be read
    bad = counted["rejected"].notna() | ~in_time
    # In the stream's order, as Flink saw them: the first of a beacon_id is the one that counts.
    fate = bad.map({True: "rejected", False: "accepted"}).astype(object)
    is_copy, is_undecided = copies(counted)
    fate[is_copy] = "duplicate"
    unread = requested.isna().map({True: "unparsable", False: "too_late"}).astype(object)
    reasons = counted["rejected"].fillna(unread)
    reason, undecided = reasons.where(fate == "rejected"), reasons.where(is_undecided & bad)
    at = requested.where(fate == "accepted", arrived).dt.floor(f"{BUCKET_SECONDS}s")
    fates = counted.assign(fate=fate, reason=reason, undecided=undecided, Time=at)
    return fates[arrived >= since]


def _with_their_firsts(cloud: Cloud, since: datetime, until: datetime | None) -> pd.DataFrame:
    """Return the records shipped since a moment, and earlier ones of which they may be copies."""
    start = since - _EARLIER
    records = archived_beacons(cloud, start=start, end=until)
    received = records.loc[records["shipped_at"] >= since.timestamp() * 1000, "received_at"].min()
    # No copy was shipped before its line was written. (Of a line that can't be read nobody knows
    # when: the others of its file tell.)
    if pd.isna(received) or received >= start.timestamp() * 1000:
        return records
    first = datetime.fromtimestamp(max(int(received), 0) / 1000, UTC)
    return archived_beacons(cloud, start=max(first, since - LONGEST), end=until)


def settled(
    read: Callable[[], _Value], good: Callable[[_Value], bool], what: str, seconds: float = 60
) -> _Value:
    """Read until the value is good or the time is over, with a word while it takes long.

    Args:
        read: returns the value of now.
        good: tells whether it need not be waited for any longer.
        what: what is waited for, e.g. `"the last beacons are counted"`.
        seconds: after which no further reading is begun but the last. The last reading begins after
            them, however long readings take: its value is of a time when all had been waited for.

    Returns:
        The last value read, good or not.

    Example:
        `settled(lambda: ledger(cloud), lambda account: account.balances, "it balances").balances`
    """
    deadline = time.monotonic() + seconds
    with waiting(f"Waiting until {what}"):
        while True:
            began = time.monotonic()
            value = read()
            if began >= deadline or good(value):
                return value
            time.sleep(reading_pause(time.monotonic() - began))


def reading_pause(took: float) -> float:
    """Return the seconds until the next reading: long ones take their time from what is waited for.

    Args:
        took: how long the last reading took, in seconds.

    Example:
        >>> [reading_pause(took) for took in (0.1, 2, 60)]
        [1, 6, 10]
    """
    return min(max(PAUSE_SECONDS, 3 * took), LONGEST_PAUSE_SECONDS)


def bucket_edge(seconds: int = BUCKET_SECONDS) -> datetime:
    """Wait for the next edge of a bucket and return it: a clean place to begin counting.

    Args:
        seconds: how long a bucket is, and so the longest wait.

    Example:
        `start = bucket_edge()`
    """
    edge = (int(time.time()) // seconds + 1) * seconds
    with waiting("Waiting for the next bucket to begin"):
        time.sleep(max(0.0, edge - time.time()))
    return datetime.fromtimestamp(edge, UTC)
