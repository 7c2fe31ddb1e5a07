"""event_anomaly: closes each ten seconds once, and scores what each event's count then is.

The other metrics answer at once and amend. A score can't be amended: the forest learns from each
count it scores. So this waits until a bucket is probably over, and then never comes back to it.
"""

from collections.abc import Iterator, Sequence

from forest import Forest
from hourly import BUCKET, Count, Hours

LATENESS = 5  # seconds that a beacon may lag behind the newest one and be in the score still
IDLE = 10  # seconds without any beacon, after which the clock on the wall goes on instead
BEHIND = 30  # seconds: who is further behind is catching up, and closes nothing until it has
FUTURE = 60  # seconds: a beacon dated later than this moves no clock
MOST_SCORED = 50
BUCKETS_AT_ONCE = 60
SETTLED = 600  # seconds in which a job that catches up has read all files that waited, in any order


class Clock:
    """Until when the beacons have (probably) all come.

    As long as beacons come, that is 5 s before the newest of them. When nobody sends any, they
    can't tell the time: after 10 s it is taken from the wall, so that an outage is seen as one.

    Args:
        now: the time, epoch seconds.
    """

    def __init__(self, now: float) -> None:
        self.newest = 0
        self.heard_at = now + IDLE  # a job that has just started may have to read a while
        self._marks = [(now, 0), (now, 0)]  # moments, and the newest bucket then

    def hear(self, bucket: int, newest: int | None, now: float) -> None:
        """Note that a bucket has changed, and when its newest beacon came (epoch ms)."""
        self.heard_at = max(self.heard_at, now)
        if bucket <= now + FUTURE:
            second = bucket if newest is None else newest // 1000
            self.newest = max(self.newest, bucket, min(second, bucket + BUCKET - 1))

    def watermark(self, now: float) -> int | None:
        """Return the moment (epoch seconds) before which all has come; None if it can't be said."""
        if now - self.heard_at > IDLE:
            return max(self.newest - LATENESS, int(now) - IDLE)
        if now - self.newest > BEHIND:
            return None
        return self.newest - LATENESS

    def settled(self, now: float) -> int:
        """Return how far the beacons had come ten minutes ago or earlier: nothing before is lost.

        A job that catches up may read the newest of its files first, and the oldest last.
        """
        if now - self._marks[1][0] >= SETTLED:
            self._marks = [self._marks[1], (now, self.newest)]
        return self._marks[0][1]


class Scores:
    """The forest, and up to which bucket all are scored.

    Args:
        hours: the counts.
        points: of the former life's forest.
        closed: the last bucket that is scored, epoch seconds; None before the first.
    """

    def __init__(
        self, hours: Hours, points: Sequence[tuple[str, int]] = (), closed: int | None = None
    ) -> None:
        self.hours, self.forest, self.closed = hours, Forest(points), closed

    def begin(self, bucket: int, shipped_at: int) -> None:
        """Begin with the oldest bucket of which a beacon came in time.

        Args:
            bucket: in which there was a beacon.
            shipped_at: when the first of its beacons was put into the stream, epoch ms.
        """
        if self.closed is None and shipped_at < (bucket + BUCKET + LATENESS) * 1000:
            self.closed = bucket - BUCKET

    def close(self, watermark: int) -> Iterator[tuple[str, int, Count, float]]:
        """Close the buckets that end before a moment: yield event, bucket, final count and score.

        Every known event is scored in every bucket, as 0 where it had no beacon. At most 60
        buckets are closed in one call; the next one goes on.
        """
        if self.closed is None:
            return
        for _ in range(BUCKETS_AT_ONCE):
            bucket = self.closed + BUCKET
            if bucket + BUCKET > watermark:
                return
            for event in self.known(bucket):
                count = self.hours.counts[event].get(bucket, Count(0, None))
                yield event, bucket, count, self.forest.score(event, count.beacons)
            self.closed = bucket

    def known(self, bucket: int) -> list[str]:
        """Return the events of the hour that ends with a bucket, the 50 most frequent, by name."""
        sums = {event: self.hours.sum(event, bucket).beacons for event in self.hours.counts}
        heard = sorted((-beacons, event) for event, beacons in sums.items() if beacons)
        return sorted(event for _, event in heard[:MOST_SCORED])
