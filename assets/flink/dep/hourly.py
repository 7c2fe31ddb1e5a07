"""hourly_events: the number of beacons of each event in the hour that ends with a bucket.

The hours overlap: one late beacon is in 360 of them. So this module keeps each event's count of
each ten seconds, and adds up an hour of them for each row that it sends.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from heapq import nsmallest
from typing import NamedTuple

BUCKET, HOUR = 10, 3600
# A beacon may be an hour late, and the sum of its bucket includes the hour before. A replay reads
# some minutes more (helpers/flink/replay_edge.py).
KEPT = 2 * HOUR + 1800
# Beacons may have any number of event names: only the counts of so many events stay in memory.
MOST_EVENTS = 500
RECENT = 60
SECONDS_BETWEEN_AMENDMENTS = 10


class Count(NamedTuple):
    """Beacons of one event in one bucket, and when the newest was received (epoch ms, or None)."""

    beacons: int
    newest: int | None


class Hours:
    """The counts of the last 2.5 hours, and the rows that they have changed.

    There is a row for each bucket in which an event had a beacon. A beacon changes the rows of its
    bucket and of all later ones within the hour. Rows of the last minute are due at once; older
    ones once in ten seconds, because 30 late beacons a second change all of them each time.
    """

    def __init__(self) -> None:
        self.counts: dict[str, dict[int, Count]] = {}
        self.beacons: Counter[str] = Counter()  # of each event, in all buckets
        self.newest: dict[str, int] = {}  # bucket of each event
        self.changed: set[tuple[str, int]] = set()
        self._amended_at = 0.0

    def note(self, event: str, bucket: int, count: Count) -> None:
        """Note the whole count of one event in one bucket."""
        self.restore(event, {bucket: count})
        of_event = self.counts[event]
        for later in range(bucket, bucket + HOUR, BUCKET):
            if later in of_event:
                self.changed.add((event, later))

    def restore(self, event: str, buckets: dict[int, Count]) -> None:
        """Add an event's whole counts without marking any row as changed."""
        of_event = self.counts.setdefault(event, {})
        for bucket, count in buckets.items():
            before = of_event.get(bucket)
            self.beacons[event] += count.beacons - (before.beacons if before else 0)
            self.newest[event] = max(bucket, self.newest.get(event, bucket))
            of_event[bucket] = count

    def rarest(self) -> list[str]:
        """Return the events that exceed the limit in memory.

        These have the fewest beacons; of two with as many, the one whose last beacon is older.
        """
        beyond = len(self.counts) - MOST_EVENTS
        if beyond <= 0:
            return []
        return nsmallest(beyond, self.counts, key=lambda e: (self.beacons[e], self.newest[e], e))

    def remove(self, event: str) -> dict[int, Count]:
        """Remove an event's counts and return them. All its rows must have been sent."""
        del self.beacons[event], self.newest[event]
        return self.counts.pop(event)

    def oldest_change(self) -> int | None:
        """Return the oldest bucket with a row that is not sent yet; None if all are sent."""
        return min((bucket for _, bucket in self.changed), default=None)

    def send_again(self, oldest: int) -> None:
        """Mark all rows of this bucket and later ones as changed."""
        for event, of_event in self.counts.items():
            self.changed.update((event, bucket) for bucket in of_event if bucket >= oldest)

    def sum(self, event: str, bucket: int) -> Count:
        """Return the sum over the hour that ends with a bucket."""
        of_event = self.counts.get(event, {})
        span = range(bucket - HOUR + BUCKET, bucket + BUCKET, BUCKET)
        counts = [of_event[start] for start in span if start in of_event]
        newest = max((count.newest for count in counts if count.newest is not None), default=None)
        return Count(sum(count.beacons for count in counts), newest)

    def due(
        self, latest: int, now: float, leaving: Collection[str] = ()
    ) -> Iterator[tuple[str, int, Count]]:
        """Yield the rows to send now: event, bucket, and the sum.

        Args:
            latest: the newest bucket with a beacon, epoch seconds.
            now: the time, seconds.
            leaving: events that are about to be removed: all their rows are due.
        """
        rows = self.changed
        if now - self._amended_at < SECONDS_BETWEEN_AMENDMENTS:
            gone = set(leaving)
            rows = {row for row in rows if row[1] >= latest - RECENT or row[0] in gone}
        else:
            self._amended_at = now
        for event, bucket in sorted(rows):
            yield event, bucket, self.sum(event, bucket)
        self.changed = self.changed - rows

    def forget(self, before: int) -> list[tuple[str, int]]:
        """Delete the counts of buckets before a time, and return their events and buckets."""
        old = [
            (event, bucket)
            for event, of_event in self.counts.items()
            for bucket in of_event
            if bucket < before
        ]
        for event, bucket in old:
            self.beacons[event] -= self.counts[event].pop(bucket).beacons
            if not self.counts[event]:
                self.remove(event)
        return old
