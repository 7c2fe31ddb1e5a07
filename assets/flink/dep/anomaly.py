"""event_anomaly: closes each bucket of ten seconds once, and scores the count of each event in it.

The other metrics are emitted early and corrected later. A score can't be corrected, because the
forest learns from each count. So a bucket is scored once, when it is probably complete.
"""

from collections.abc import Iterator, Sequence

from hourly import BUCKET, Count, Hours

# Why there are no scores, in the words of a sentence; empty if there are.
UNAVAILABLE = ""
try:
    from forest import Forest
except Exception as error:  # krcf is machine code: it may not fit this machine's C library
    Forest = None
    UNAVAILABLE = f"krcf can't be imported ({type(error).__name__}: {error})"

LATENESS = 5  # seconds that a beacon may be behind the newest one and still be in the score
IDLE = 10  # seconds without any beacon, after which the system clock is used instead
BEHIND = 30  # seconds: a job that is further behind closes no bucket until it has caught up
FUTURE = 60  # seconds: a beacon with a later time does not advance the clock
MOST_SCORED = 50
BUCKETS_AT_ONCE = 60
SETTLED = 600  # seconds after which a job that catches up has read all files, in any order


class Clock:
    """The watermark: the time before which all beacons have (probably) arrived.

    While beacons arrive, it is 5 s before the newest of them. After 10 s without a beacon, it
    follows the system clock, so that an outage gets scores too.

    Args:
        now: the time, epoch seconds.
    """

    def __init__(self, now: float) -> None:
        self.newest = 0
        self.received_at = now + IDLE  # a job that has just started may need time to read
        self._marks = [(now, 0), (now, 0)]  # times, and the newest bucket at each

    def advance(self, bucket: int, newest: int | None, now: float) -> None:
        """Advance to the newest beacon (epoch ms) of a bucket that has changed."""
        self.received_at = max(self.received_at, now)
        if bucket <= now + FUTURE:
            second = bucket if newest is None else newest // 1000
            self.newest = max(self.newest, bucket, min(second, bucket + BUCKET - 1))

    def watermark(self, now: float) -> int | None:
        """Return the time (epoch seconds) before which all have arrived; None while catching up."""
        if now - self.received_at > IDLE:
            return max(self.newest - LATENESS, int(now) - IDLE)
        if now - self.newest > BEHIND:
            return None
        return self.newest - LATENESS

    def settled(self, now: float) -> int:
        """Return the newest bucket of ten or more minutes ago: no count before it is needed.

        The delay is for a job that catches up: it may read its newest file first.
        """
        if now - self._marks[1][0] >= SETTLED:
            self._marks = [self._marks[1], (now, self.newest)]
        return self._marks[0][1]


class Scores:
    """Scores buckets in order, with one forest; without krcf, closes them without scores.

    Args:
        hours: the counts.
        points: the forest's points before a restart.
        closed: the last scored bucket, epoch seconds; None before the first.
    """

    def __init__(
        self, hours: Hours, points: Sequence[tuple[str, int]] = (), closed: int | None = None
    ) -> None:
        self.hours, self.closed, self._points = hours, closed, list(points)
        self.forest = Forest(points) if Forest else None

    @property
    def points(self) -> list[tuple[str, int]]:
        """The forest's points, or those from before krcf was missing."""
        return self.forest.points if self.forest else self._points

    def begin(self, bucket: int, shipped_at: int) -> None:
        """Start scoring with the first bucket that has a beacon which arrived in time.

        Args:
            bucket: a bucket with a beacon, epoch seconds.
            shipped_at: when its first beacon was put into the stream, epoch ms.
        """
        if self.closed is None and shipped_at < (bucket + BUCKET + LATENESS) * 1000:
            self.closed = bucket - BUCKET

    def close(self, watermark: int) -> Iterator[tuple[str, int, Count, float]]:
        """Close the buckets that end before the watermark; yield event, bucket, count and score.

        Each known event is scored in each bucket, with a count of 0 if it had no beacon. One call
        closes at most 60 buckets; the next call continues.
        """
        if self.closed is None:
            return
        for _ in range(BUCKETS_AT_ONCE):
            bucket = self.closed + BUCKET
            if bucket + BUCKET > watermark:
                return
            for event in self.known(bucket) if self.forest else ():
                count = self.hours.counts[event].get(bucket, Count(0, None))
                yield event, bucket, count, self.forest.score(event, count.beacons)
            self.closed = bucket

    def known(self, bucket: int) -> list[str]:
        """Return the names of the 50 most frequent events in the hour that ends with a bucket."""
        sums = {event: self.hours.sum(event, bucket).beacons for event in self.hours.counts}
        by_frequency = sorted((-beacons, event) for event, beacons in sums.items() if beacons)
        return sorted(event for _, event in by_frequency[:MOST_SCORED])
