"""Which archived record is which journal entry: a beacon has no name until a server logged it.

What the generator put straight to the stream is known by its beacon_id. What it sent by HTTP is
known by what it says (event, visitor, page, User-Agent, referrer) and by when it was sent; beacons
that say the same are told apart by their times alone. So the numbers are exact, while of beacons
that say the same within a second another one may be named.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

import pandas as pd

from helpers.core.beacon_definition import HORIZON_SECONDS

# A server notes the time at which it has read a request: a moment after it was sent, or longer
# after where the machine is busy; before it only by its clock. Close ones are paired first, so that
# the right ones are named.
_CLOSE_MS, _FAR_MS, _CLOCK_MS = 1_000, 60_000, 5_000
# A line that can't be read has no time but that of its reading, which may come an hour late.
_LATE_MS = HORIZON_SECONDS * 1000
_EVER_MS = 10**12  # what has a name needs no time
_SAYS = ["event", "clientid", "page", "agent", "referrer"]

# Of a line's quoted fields, the fifth: request, referrer, agent, event, clientid. Possessive, and
# tried from the line's beginning alone: a visitor writes these lines, so no place is read twice.
_CLIENTID = re.compile(r'(?:[^"]*+"((?:[^"\\]++|\\.)*+)"){5}', re.DOTALL)

_Pool = dict[Hashable, list[tuple[int, int]]]


def matches(journal: pd.DataFrame, records: pd.DataFrame) -> pd.Series:
    """Return which record each journal entry became.

    Args:
        journal: as `Traffic.journal` returns it, with a plain index.
        records: as `archived_outcomes` returns them, with a plain index.

    Returns:
        The record's index by the entry's index; entries without a record are left out. Of those
        that are as near, the answered ones choose first, then those whose answer never came.

    Example:
        `len(matches(journal, records))` -> `12000`
    """
    record_of: dict[int, int] = {}
    free = records
    answered = journal["status"].eq(200).fillna(False).astype(bool)
    # An agent's put that failed may have reached the stream all the same.
    possible = journal["status"].isna() | (journal["status"].eq(0) & journal["beacon_id"].notna())
    possible = possible.astype(bool)
    named, copies = journal["beacon_id"].notna(), journal["kind"] == "duplicate"
    good = journal["expect"] == "accepted"
    steps: list[tuple[pd.Series, Callable, Callable, int, int]] = [
        (named & ~copies, _first, _name, _EVER_MS, _EVER_MS),
        (named & copies, _copy, _name, _EVER_MS, _EVER_MS),
        (~named & ~good, _rejected, _reason, _CLOCK_MS, _LATE_MS),
        (~named & good, _readable, _words, _CLOSE_MS, _CLOSE_MS),
        (~named & good, _readable, _words, _CLOCK_MS, _FAR_MS),
        # Sent by hand, with a number that can't be read: the journal expects it to be accepted.
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
    """Return which of these records have what the journal has within the same minute.

    Args:
        journal: as `Traffic.journal` returns it.
        records: archived records that no entry became.

    Returns:
        True for each that must be a beacon counted twice, False for another sender's.
    """
    if records.empty:
        return pd.Series(dtype=bool)
    pool = _pool(journal, _words(journal), journal["sent_at"])
    times = {key: [at for at, _ in entries] for key, entries in pool.items()}
    near = [
        any(abs(at - sent) <= _FAR_MS for sent in times.get(key, ()))
        for key, at in zip(_words(records), records["received_at"], strict=True)
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
    """Pair as many as can be, each record at most so long before or after its entry (ms)."""
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


def _words(rows: pd.DataFrame) -> Iterable[Hashable]:
    # None and NaN are both "absent".
    columns = [rows[name].where(rows[name].notna(), None) for name in _SAYS]
    return list(zip(*columns, strict=True))


def _name(rows: pd.DataFrame) -> Iterable[Hashable]:
    return rows["beacon_id"]


def _reason(rows: pd.DataFrame) -> Iterable[Hashable]:
    return rows["reason"] if "reason" in rows else rows["expect"]


def _visitor(rows: pd.DataFrame) -> Iterable[Hashable]:
    if "line" not in rows:
        return rows["clientid"]
    fields = rows["line"].map(lambda line: _CLIENTID.match(line or ""))
    # An object of its own where there is none: two absent clientids are not the same visitor.
    return [match[1] if match else object() for match in fields]


def _first(records: pd.DataFrame) -> pd.Series:
    return records["outcome"] != "duplicate"


def _copy(records: pd.DataFrame) -> pd.Series:
    return records["outcome"] == "duplicate"


def _readable(records: pd.DataFrame) -> pd.Series:
    return _first(records) & records["rejected"].isna()


def _rejected(records: pd.DataFrame) -> pd.Series:
    return _first(records) & records["rejected"].notna()
