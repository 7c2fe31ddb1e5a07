"""Values over time: sums, buckets, and the largest series of many."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Args:
        label: its name.
        times: the start of each bucket, epoch seconds, ascending.
        values: the value of each bucket.
        color: the requested colour, or None.
    """

    label: str
    times: np.ndarray
    values: np.ndarray
    color: str | None = None

    def between(self, start: float, end: float) -> "Series":
        """Return the part whose buckets start within [start, end), epoch seconds."""
        inside = (self.times >= start) & (self.times < end)
        return replace(self, times=self.times[inside], values=self.values[inside])

    def total(self) -> float:
        """Return the sum of the values; 0 without any."""
        return float(self.values.sum())

    def on(self, edges: np.ndarray) -> np.ndarray:
        """Return the values in the buckets between `edges`; 0 where there is none.

        Args:
            edges: the buckets' starts and the last one's end, epoch seconds, equally spaced.

        Example:
            >>> Series("a", np.array([10.0]), np.array([3.0])).on(np.array([0, 10, 20])).tolist()
            [0.0, 3.0]
        """
        values = np.zeros(len(edges) - 1)
        index = ((self.times - edges[0]) // (edges[1] - edges[0])).astype(int)
        inside = (index >= 0) & (index < len(values))
        np.add.at(values, index[inside], self.values[inside])
        return values


def add_up(series: Iterable[Series], label: str, color: str | None = None) -> Series:
    """Return one series whose value at each time is the sum of the others' values.

    Example:
        >>> one = Series("a", np.array([0.0, 10.0]), np.array([1.0, 2.0]))
        >>> add_up([one, one], "both").values.tolist()
        [2.0, 4.0]
    """
    series = list(series)
    if not series:
        return Series(label, np.array([]), np.array([]), color)
    times, index = np.unique(np.concatenate([each.times for each in series]), return_inverse=True)
    values = np.bincount(
        index, weights=np.concatenate([each.values for each in series]), minlength=len(times)
    )
    return Series(label, times, values, color)


def largest(series: Iterable[Series], most: int, others_color: str) -> list[Series]:
    """Return the `most` series with the largest totals, then the sum of the others as one.

    Args:
        series: counts, which may be added up.
        most: how many keep their own name.
        others_color: the colour of the sum.

    Example:
        >>> ones = [Series(f"/{i}", np.array([0.0]), np.array([1.0])) for i in range(9)]
        >>> [each.label for each in largest(ones, 2, "grey")]
        ['/0', '/1', 'all others (7)']
    """
    ranked = sorted(series, key=lambda each: (-each.total(), each.label))
    # A single remaining one keeps its name: "all others (1)" would take the same space.
    if len(ranked) <= most + 1:
        return ranked
    rest = ranked[most:]
    return [*ranked[:most], add_up(rest, f"all others ({len(rest)})", others_color)]


def edges(start: float, end: float, bucket: float) -> np.ndarray:
    """Return the bounds of the buckets that cover [start, end), all in seconds.

    Example:
        >>> edges(5, 25, 10).tolist()
        [0, 10, 20, 30]
    """
    first, last = int(start // bucket * bucket), int(-(-end // bucket) * bucket)
    return np.arange(first, max(last, first + bucket) + 1, int(bucket))
