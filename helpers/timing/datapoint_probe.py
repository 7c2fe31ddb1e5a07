"""Measures how long a beacon takes until a CloudWatch datapoint that includes it can be read."""

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
    """Reads a metric's total five times a second, and keeps each total with its time.

    Args:
        cloud: where the metric is.
        metric: its name, e.g. `event_count`.
        item: its item, e.g. `pageview`.
        since: an aware datetime, the start of a bucket; earlier datapoints are left out.

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
        """Return the sum of the metric's datapoints that can be read now."""
        begins = self._since.timestamp()
        ends = begins + SECONDS_OF_HIGH_RESOLUTION
        points = metric_points(self._cloud, [self._query], begins, ends)
        return sum(value for _, value in points.get("total", []))

    def seen(self) -> list[tuple[float, float]]:
        """Return the totals so far, each with the epoch seconds at which it was read."""
        return list(self._seen)

    def latencies(self, received_at: Sequence[float]) -> np.ndarray:
        """Return, for each beacon, the seconds from its request until the total included it.

        Counted beacons can't be distinguished, so the k-th received beacon is assumed to be the
        one that raised the total to k.

        Args:
            received_at: epoch milliseconds at which each counted beacon was received.

        Returns:
            Seconds, in the order of reception; shorter than the input if some were not counted.
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
                continue  # the next reading includes the beacons of this one
            self._seen.append((time.time(), total))


def seconds_until_counted(sent: np.ndarray, when: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return the seconds from each beacon to the total that includes it, if a total does.

    Args:
        sent: when the beacons were sent, in order.
        when: when the totals were read, in order.
        totals: numbers of beacons, which never fall.
    """
    first = np.searchsorted(totals, np.arange(1, len(sent) + 1))
    is_counted = first < len(when)
    return when[first[is_counted]] - sent[is_counted]
