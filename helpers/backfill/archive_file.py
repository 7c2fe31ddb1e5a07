"""The archive's records of a range as one file, in the order in which they arrived.

The job needs them in order: it forgets a visitor some hours after the newest beacon. Flink reads
several files in any order, but one compressed file from its beginning to its end.
"""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from helpers.core.cloud import Cloud
from helpers.core.waiting import waiting
from helpers.stores.archive import (
    FETCHES_AT_A_TIME,
    archived_keys,
    archived_object,
    read_record,
)

from .rebuild_cost import dollars, reading_cost

HOUR = 3600
# Before the range: hourly_events adds up an hour, copies may come ten minutes after the first one,
# and a visit that began before the range is recognised by its last beacon before the range.
BEFORE_SECONDS = 2 * HOUR
# A beacon that arrives later than this after its request is rejected as too_late (04_firsts.sql).
LATEST_SECONDS = HOUR
# The longest gap of a visit that a rebuild supports, and its longest visit (visitor.py).
LONGEST_GAP_SECONDS = 2 * HOUR
LONGEST_VISIT_SECONDS = 23 * HOUR


class Visitors:
    """Those who may continue a visit that began in the range, and when each was last seen.

    Args:
        ends: the range's end, epoch seconds.
    """

    def __init__(self, ends: float) -> None:
        self._ends_ms = ends * 1000
        self._seen: dict[str, int] = {}  # epoch milliseconds of the newest request

    def note(self, record: dict) -> bool:
        """Note a record; return whether it may belong to such a visit.

        Args:
            record: an archived one.
        """
        name, at = record.get("clientid"), record.get("requested_at")
        if not isinstance(name, str) or not isinstance(at, int):
            return False
        gap, last = LONGEST_GAP_SECONDS * 1000, self._seen.get(name)
        if last is None and not self._ends_ms - gap <= at < self._ends_ms:
            return False
        if last is not None and at > last + gap:
            return False
        self._seen[name] = max(at, last or at)
        return True

    def forget(self, before: float) -> int:
        """Forget those whose visits have ended; return how many are left.

        Args:
            before: no later record was requested before this moment, epoch seconds.
        """
        oldest = (before - LONGEST_GAP_SECONDS) * 1000
        self._seen = {name: at for name, at in self._seen.items() if at >= oldest}
        return len(self._seen)


def write_archive_file(cloud: Cloud, begins: float, ends: float, file: Path) -> int:
    """Write the records on which the buckets of a range depend; return their number.

    Args:
        cloud: where the archive is.
        begins: the first bucket's start, epoch seconds.
        ends: the last bucket's end.
        file: is written, as gzip.
    """
    visitors, number = Visitors(ends), 0
    until, tail = ends + LATEST_SECONDS, ends - LONGEST_GAP_SECONDS
    keys = archived_keys(cloud, _moment(begins - BEFORE_SECONDS), until)
    of_tail = set(archived_keys(cloud, _moment(tail), until))
    print(
        f"Reading {len(keys):,} objects of the archive (on AWS {dollars(reading_cost(len(keys)))})."
    )
    with file.open("wb") as output, waiting("Reading the archive"):
        for key, (compressed, body) in _objects(cloud, keys):
            output.write(compressed)
            number += body.count(b"\n")
            if key in of_tail:
                for line in body.split(b"\n"):
                    visitors.note(read_record(line))
        number += _write_later(cloud, until, set(keys), visitors, output)
    return number


def _write_later(
    cloud: Cloud, until: float, written: set[str], visitors: Visitors, output: IO[bytes]
) -> int:
    """Write the later records of visits that began in the range, hour by hour, until all ended."""
    number, hour = 0, until
    last = min(until + LONGEST_VISIT_SECONDS, datetime.now(UTC).timestamp())
    while hour < last and visitors.forget(hour - LATEST_SECONDS):
        keys = archived_keys(cloud, _moment(hour), hour + HOUR)
        for _, (_, body) in _objects(cloud, [key for key in keys if key not in written]):
            lines = [line for line in body.split(b"\n") if visitors.note(read_record(line))]
            if lines:
                output.write(gzip.compress(b"\n".join(lines) + b"\n", 1))
            number += len(lines)
        written.update(keys)
        hour += HOUR
    return number


def _objects(cloud: Cloud, keys: list[str]) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    """Yield objects in order; so many at a time are read, and in memory."""
    with ThreadPoolExecutor(FETCHES_AT_A_TIME) as pool:
        for first in range(0, len(keys), FETCHES_AT_A_TIME):
            part = keys[first : first + FETCHES_AT_A_TIME]
            yield from zip(
                part, pool.map(lambda key: archived_object(cloud, key), part), strict=True
            )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
