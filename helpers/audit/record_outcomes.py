"""Computes from the raw records, with pandas, how Flink must count each archived record.

This shares no code with the Flink job, whose numbers are compared with it. Flink keeps a counter
for each beacon_id (03_copies.sql) until no copy has arrived for MEMORY; each copy renews it, also a
rejected one. Flink counts a copy that arrives later as a new beacon, which is then too_late.
"""

from datetime import UTC, datetime, timedelta

import pandas as pd

from helpers.core.beacon_definition import BUCKET_SECONDS, HORIZON_SECONDS
from helpers.core.cloud import Cloud
from helpers.core.epoch import times
from helpers.stores.archive import archived_beacons, is_beacon

LATENESS_HORIZON = timedelta(seconds=HORIZON_SECONDS)
LATEST_MS = 9_000_000_000_000  # Flink ignores a later time (assets/flink/sql/04_firsts.sql)
# referral_count is the one metric in which every accepted beacon counts exactly once: a beacon
# without a referrer counts as (direct). Beacons of bots count in bot_count only.
ACCEPTED = "referral_count"
# A copy rarely arrives later than this after the first; if one does, more is read.
COPIES_SINCE = timedelta(minutes=10)
# `table.exec.state.ttl` of assets/flink/main.py; a test compares the two.
MEMORY = timedelta(hours=3)
# Flink's timer starts when it reads a record, and the archive has only the time of shipping. So
# near the end of MEMORY, the archive does not show whether Flink still had the counter.
MARGIN = timedelta(minutes=10)
LONGEST = MEMORY + MARGIN
BOTS, REJECTED, DUPLICATES = "bot_count", "rejected_count", "duplicate_count"
ALL = "All Beacons"
IN_TIME = ("accepted", "bot")  # these count in the bucket of their request; the others on arrival


def archived_outcomes(cloud: Cloud, since: datetime, until: datetime | None = None) -> pd.DataFrame:
    """Return the archived beacons that arrived since a moment, and how each must be counted.

    Args:
        cloud: where the archive is.
        since: an aware datetime; records shipped earlier are left out.
        until: records shipped at or after this are left out, too; None for now.

    Returns:
        The columns of `archived_beacons`, and `outcome`: `accepted`, `bot`, `rejected` (all for the
        first record with its beacon_id; a bot's may be rejected, too) or `duplicate` (a further
        copy, while Flink remembers it: see `copies`); `reason` of a rejected one; `undecided`, the
        reason of a copy that arrived about when Flink forgot the first, so that Flink may have
        counted it as rejected or as a duplicate; `Time`, the start of the ten seconds that count it
        (those of the request if accepted or of a bot, else of its arrival; UTC). Requests that are
        no beacons are left out.

    Example:
        `archived_outcomes(cloud, since)["outcome"].value_counts()`
    """
    records = _with_their_firsts(cloud, since, until)
    # Flink counts only records with a beacon_id and a time of arrival (03_copies.sql).
    named = records["beacon_id"].notna() & records["shipped_at"].notna()
    counted = records[is_beacon(records) | (records["rejected"].notna() & named)]
    epoch = counted["requested_at"].astype("Int64")
    requested = times(epoch.where(epoch.between(0, LATEST_MS)))
    arrived = times(counted["shipped_at"])
    in_time = (arrived - requested) <= LATENESS_HORIZON  # False without a valid time
    bad = counted["rejected"].notna() | ~in_time
    # In the stream's order, as Flink reads them: the first record of a beacon_id counts.
    outcome = bad.map({True: "rejected", False: "accepted"}).astype(object)
    # The name that the agent wrote counts, whatever the lists of bots are now.
    outcome[~bad & counted["bot"].notna()] = "bot"
    is_copy, is_undecided = copies(counted)
    outcome[is_copy] = "duplicate"
    unread = requested.isna().map({True: "unparsable", False: "too_late"}).astype(object)
    reasons = counted["rejected"].fillna(unread)
    reason, undecided = reasons.where(outcome == "rejected"), reasons.where(is_undecided & bad)
    at = requested.where(outcome.isin(IN_TIME), arrived).dt.floor(f"{BUCKET_SECONDS}s")
    outcomes = counted.assign(outcome=outcome, reason=reason, undecided=undecided, Time=at)
    return outcomes[arrived >= since]


def _with_their_firsts(cloud: Cloud, since: datetime, until: datetime | None) -> pd.DataFrame:
    """Return the records shipped since a moment, and earlier ones that they may be copies of."""
    start = since - COPIES_SINCE
    records = archived_beacons(cloud, start=start, end=until)
    received = records.loc[records["shipped_at"] >= since.timestamp() * 1000, "received_at"].min()
    # A copy was shipped after its line was logged. (The time of an unparsable line is not known,
    # but other lines of its file have one.)
    if pd.isna(received) or received >= start.timestamp() * 1000:
        return records
    first = datetime.fromtimestamp(max(int(received), 0) / 1000, UTC)
    return archived_beacons(cloud, start=max(first, since - LONGEST), end=until)


def copies(records: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return which records are copies that Flink recognised, and where that is undecided.

    Args:
        records: with the columns beacon_id and shipped_at, in the stream's order.

    Returns:
        True for each copy; True for each record that arrived about MEMORY after another copy.

    Example:
        `is_copy, is_undecided = copies(records)`
    """
    again = records[records["beacon_id"].duplicated(keep=False)]
    since_last = again.groupby("beacon_id", sort=False)["shipped_at"].diff().astype("Float64")
    rest = since_last - MEMORY / timedelta(milliseconds=1)
    is_copy = rest.lt(0).fillna(False)
    is_near = rest.abs().le(MARGIN / timedelta(milliseconds=1)).fillna(False)
    return tuple(
        mask.reindex(records.index, fill_value=False).astype(bool) for mask in (is_copy, is_near)
    )


def decided(
    expected: pd.Series, counted: pd.Series, records: pd.DataFrame, time: str = "Bucket"
) -> pd.Series:
    """Return the expected counts, with each undecided copy counted as a stage counted it.

    Args:
        expected: the archive's counts, by metric, bucket and item.
        counted: the stage's counts, by the same.
        records: as `archived_outcomes` returns them.
        time: the column of the records that contains the bucket.
    """
    undecided = records[records["undecided"].notna()]
    for (bucket, reason), alike in undecided.groupby([time, "undecided"], sort=False):
        first, copy = (REJECTED, bucket, reason), (DUPLICATES, bucket, ALL)
        forgotten = int((alike["outcome"] == "rejected").sum())
        more = int(counted.get(first, 0)) - int(expected.get(first, 0))
        more = min(max(more, -forgotten), len(alike) - forgotten)
        changed = {
            first: int(expected.get(first, 0)) + more,
            copy: int(expected.get(copy, 0)) - more,
        }
        index = pd.MultiIndex.from_tuples(list(changed), names=expected.index.names)
        changes = pd.Series(list(changed.values()), index=index, dtype="int64")
        expected = pd.concat([expected.drop(index, errors="ignore"), changes])
    return expected[expected != 0] if len(undecided) else expected
