"""How long a beacon takes to become a CloudWatch datapoint that can be read."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from helpers.core.cloud import Cloud
from helpers.core.errors import IncompleteError, TargetStopped, TemporaryFailure
from helpers.stores.cloudwatch import SECONDS_OF_HIGH_RESOLUTION, metric_points, metric_query

POLL_SECONDS = 0.2


class CloudWatchWatch:
    """Reads one metric's total again and again, and remembers when it reached which number.

    Args:
        cloud: where the metric is.
        metric: its name, e.g. `event_count`.
        item: its item, e.g. `pageview`.
        since: an aware datetime on the edge of a bucket; earlier datapoints are left out.

    Example:
        `with CloudWatchWatch(cloud, "event_count", "pageview", start) as watch: ...`
        `watch.latencies(received_at)`
    """

    def __init__(self, cloud: Cloud, metric: str, item: str, since: datetime) -> None:
        self._cloud, self._since = cloud, since
        self._query = metric_query(cloud, metric, item, "Sum", 10, "total")
        self._seen: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{metric}", daemon=True)

    def __enter__(self) -> "CloudWatchWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def total(self) -> float:
        """Return the sum of the metric's datapoints as they can be read now."""
        begins = self._since.timestamp()
        ends = begins + SECONDS_OF_HIGH_RESOLUTION
        points = metric_points(self._cloud, [self._query], begins, ends)
        return sum(value for _, value in points.get("total", []))

    def seen(self) -> list[tuple[float, float]]:
        """Return what was seen so far: epoch seconds, and the total that could be read then."""
        return list(self._seen)

    def latencies(self, received_at: Sequence[float]) -> np.ndarray:
        """Return, for each beacon, the seconds from its request until the total held it.

        Beacons look alike once they are counted, so the k-th to be received is taken to be the
        one that made the total reach k.

        Args:
            received_at: epoch milliseconds at which each counted beacon was received.

        Returns:
            Seconds, in the order of reception; shorter than the input if some were never seen.
        """
        received = np.sort(np.asarray(received_at, dtype=float)) / 1000
        when = np.array([at for at, _ in self._seen])
        reached = np.maximum.accumulate([total for _, total in self._seen] or [0])
        return seconds_until_counted(received, when, reached)

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                total = self.total()
            except (IncompleteError, TargetStopped, TemporaryFailure):
                continue  # a look that failed; the next one sees what this one would have seen
            self._seen.append((time.time(), total))


def seconds_until_counted(sent: np.ndarray, when: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return the seconds from each beacon to the total that holds it, for those that one holds.

    Args:
        sent: when the beacons were sent, in order.
        when: when the totals were seen, in order.
        totals: of beacons, never falling.
    """
    first = np.searchsorted(totals, np.arange(1, len(sent) + 1))
    seen = first < len(when)
    return when[first[seen]] - sent[seen]
