"""Matches journal entries with archived records, as a beacon has no id until a server logs it.

Records that the generator put to the stream itself match by beacon_id. Those that it sent by HTTP
match by their fields (event, visitor, page, User-Agent, referrer) and time; beacons with the same
fields differ by their times only. So the numbers are exact, but of beacons with the same fields in
the same second, the ledger may list another one than the one that is missing.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

import pandas as pd

from helpers.core.beacon_definition import HORIZON_SECONDS

from .record_outcomes import IN_TIME

# A server logs the time at which it has read a request: soon after the request was sent, or later
# on a busy machine; earlier only if its clock differs. Close pairs are matched first, so that the
# ledger lists the right beacons.
_CLOSE_MS, _FAR_MS, _CLOCK_MS = 1_000, 60_000, 5_000
# An unparsable line has only the time at which the agent read it, which may be an hour later.
_LATE_MS = HORIZON_SECONDS * 1000
_EVER_MS = 10**12  # a match by beacon_id needs no time
_FIELDS = ["event", "clientid", "page", "agent", "referrer"]

# The fifth quoted field of a line: request, referrer, agent, event, clientid. Possessive, and used
# with `match` only, because visitors write these lines: no character is read twice.
_CLIENTID = re.compile(r'(?:[^"]*+"((?:[^"\\]++|\\.)*+)"){5}', re.DOTALL)

_Pool = dict[Hashable, list[tuple[int, int]]]


def matches(journal: pd.DataFrame, records: pd.DataFrame) -> pd.Series:
    """Return the archived record of each journal entry.

    Args:
        journal: as `Traffic.journal` returns it, with a plain index.
        records: as `archived_outcomes` returns them, with a plain index.

    Returns:
        The record's index by the entry's index; entries without a record are left out. Answered
        entries are matched first, then those without an answer.

    Example:
        `len(matches(journal, records))` -> `12000`
    """
    record_of: dict[int, int] = {}
    free = records
    answered = journal["status"].eq(200).fillna(False).astype(bool)
    # An agent's put may have reached the stream although it failed.
    possible = journal["status"].isna() | (journal["status"].eq(0) & journal["beacon_id"].notna())
    possible = possible.astype(bool)
    named, copies = journal["beacon_id"].notna(), journal["kind"] == "duplicate"
    good = journal["expect"].isin(IN_TIME)
    # The archive is read from a moment on, and a rejected record has no time of its request: an
    # entry of before, whose record was not read, must not take that of a later entry.
    recent = ~journal["sent_at"].lt(records["shipped_at"].min()).fillna(False).astype(bool)
    steps: list[tuple[pd.Series, Callable, Callable, int, int]] = [
        (named & ~copies, _first, _beacon_id, _EVER_MS, _EVER_MS),
        (named & copies, _copy, _beacon_id, _EVER_MS, _EVER_MS),
        (~named & ~good & recent, _rejected, _reason, _CLOCK_MS, _LATE_MS),
        (~named & ~good, _rejected, _reason, _CLOCK_MS, _LATE_MS),
        (~named & good, _readable, _fields, _CLOSE_MS, _CLOSE_MS),
        (~named & good, _readable, _fields, _CLOCK_MS, _FAR_MS),
        # Sent by hand with an invalid number: the journal expects it to be accepted.
        (~named & good & recent, _rejected, _visitor, _CLOCK_MS, _LATE_MS),
        (~named & good, _rejected, _visitor, _CLOCK_MS, _LATE_MS),
    ]
    for entries, which, key, before, after in steps:
        for chosen in (answered, possible):
            left = journal[entries & chosen & ~journal.index.isin(record_of)]
            if left.empty:
                continue
            fit = free[which(free)]
            pairs = _paired(
                _pool(left, key(left), left["sent_at"]),
                _pool(fit, key(fit), fit["received_at"]),
                before,
                after,
            )
            record_of |= pairs
            free = free[~free.index.isin(pairs.values())] if pairs else free
    return pd.Series(record_of, dtype="int64")


def repeated(journal: pd.DataFrame, records: pd.DataFrame) -> pd.Series:
    """Return which of these records have the same fields as a journal entry of the same minute.

    Args:
        journal: as `Traffic.journal` returns it.
        records: archived records that match no entry.

    Returns:
        True for each record of a beacon that was counted twice, False for another sender's.
    """
    if records.empty:
        return pd.Series(dtype=bool)
    pool = _pool(journal, _fields(journal), journal["sent_at"])
    times = {key: [at for at, _ in entries] for key, entries in pool.items()}
    near = [
        any(abs(at - sent) <= _FAR_MS for sent in times.get(key, ()))
        for key, at in zip(_fields(records), records["received_at"], strict=True)
    ]
    return pd.Series(near, index=records.index, dtype=bool) & _readable(records)


def _pool(rows: pd.DataFrame, keys: Iterable[Hashable], times: pd.Series) -> _Pool:
    pool: _Pool = defaultdict(list)
    for key, at, index in zip(keys, times.fillna(0), rows.index, strict=True):
        pool[key].append((int(at), index))
    for entries in pool.values():
        entries.sort()
    return pool


def _paired(entries: _Pool, records: _Pool, before: int, after: int) -> dict[int, int]:
    """Pair as many as possible, each record within these milliseconds of its entry."""
    pairs: dict[int, int] = {}
    for key, sent in entries.items():
        received = iter(records.get(key, ()))
        at, record = next(received, (None, None))
        for sent_at, entry in sent:
            while at is not None and at < sent_at - before:
                at, record = next(received, (None, None))
            if at is None or record is None:
                break
            if at <= sent_at + after:
                pairs[entry] = record
                at, record = next(received, (None, None))
    return pairs


def _fields(rows: pd.DataFrame) -> Iterable[Hashable]:
    # None and NaN are both "absent".
    columns = [rows[name].where(rows[name].notna(), None) for name in _FIELDS]
    return list(zip(*columns, strict=True))


def _beacon_id(rows: pd.DataFrame) -> Iterable[Hashable]:
    return rows["beacon_id"]


def _reason(rows: pd.DataFrame) -> Iterable[Hashable]:
    return rows["reason"] if "reason" in rows else rows["expect"]


def _visitor(rows: pd.DataFrame) -> Iterable[Hashable]:
    if "line" not in rows:
        return rows["clientid"]
    fields = rows["line"].map(lambda line: _CLIENTID.match(line or ""))
    # A new object for each absent clientid, as two of them are not the same visitor.
    return [match[1] if match else object() for match in fields]


def _first(records: pd.DataFrame) -> pd.Series:
    return records["outcome"] != "duplicate"


def _copy(records: pd.DataFrame) -> pd.Series:
    return records["outcome"] == "duplicate"


def _readable(records: pd.DataFrame) -> pd.Series:
    return _first(records) & records["rejected"].isna()


def _rejected(records: pd.DataFrame) -> pd.Series:
    return _first(records) & records["rejected"].notna()
