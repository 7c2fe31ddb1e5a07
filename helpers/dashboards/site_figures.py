"""The numbers in the live dashboard's tiles and lists, computed from rows of the tables.

These functions make no AWS calls.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

MINUTE = 60
RATE_SECONDS = 10  # the rate is a mean over this time; a shorter one would show Flink's batches
OTHERS = "(other)"


@dataclass(frozen=True)
class SiteSnapshot:
    """The values of one reading. None: not known yet.

    Times are epoch seconds, durations seconds; lists hold (item, count), the largest first.
    `alarms` holds (name, state); `missing` names a module that is not deployed.
    """

    at: float
    minutes: float = 5
    visitors: int | None = None
    visitors_note: str = ""
    rate: float | None = None
    views: int = 0
    conversions: int = 0
    to_table: float | None = None
    latency: float | None = None
    pages: list[tuple[str, float]] = field(default_factory=list)
    referrers: list[tuple[str, float]] = field(default_factory=list)
    alarms: list[tuple[str, str]] | None = None
    missing: str = ""
    events: pd.DataFrame | None = None

    @property
    def conversion(self) -> float | None:
        """Conversions for each 100 page views; None without a page view."""
        return 100 * self.conversions / self.views if self.views else None


class RateEstimator:
    """Counted beacons per second, from the difference between one reading and the next.

    So it does not wait for full buckets, and includes late beacons.

    Example:
        `rate.update(now, frame)` -> `31.5`
    """

    def __init__(self) -> None:
        self._more: deque[tuple[float, float]] = deque()  # (time of the reading, increase)
        self._before: tuple[float, pd.DataFrame] | None = None

    def update(self, now: float, frame: pd.DataFrame) -> float | None:
        """Return the rate of the last ten seconds; None at the first reading.

        Args:
            now: time of the reading, epoch seconds.
            frame: Time and Value of each row that was read, in whole buckets.
        """
        if self._before is None:
            self._before = (now, frame)
            self._more.append((now, 0))
            return None
        more = float(frame["Value"].sum())
        if len(frame):
            known = self._before[1]
            more -= float(known.loc[known["Time"] >= frame["Time"].min(), "Value"].sum())
        self._before = (now, frame)
        self._more.append((now, max(more, 0)))
        # The oldest entry is only the start of the interval: keep the newest that is old enough.
        while len(self._more) > 2 and self._more[1][0] <= now - RATE_SECONDS:
            self._more.popleft()
        since = self._more[0][0]
        counted = sum(count for at, count in self._more if at > since)
        return counted / (now - since) if now > since else None


def visitors_now(frame: pd.DataFrame, now: float) -> tuple[int, str]:
    """Return the number of visitors, and the minute in which they were counted.

    A new minute has few visitors yet, so the previous one is shown until the new one has as many.

    Args:
        frame: the visitor_count rows: Time (start of the minute) and Value.
        now: epoch seconds.

    Example:
        `visitors_now(frame, now)` -> `(196, "in 13:04; 53 so far in 13:05")`
    """
    start = int(now // MINUTE * MINUTE)
    so_far, before = (_of_minute(frame, start - back) for back in (0, MINUTE))
    if so_far >= before:
        return so_far, f"so far in {_clock(start)}"
    return before, f"in {_clock(start - MINUTE)}; {so_far:,} so far in {_clock(start)}"


def seconds_to_table(frame: pd.DataFrame, now: float) -> float | None:
    """Return the median seconds from a beacon's reception to its row in DynamoDB.

    For each row of the last minute: the time when it was written, minus the time when its newest
    beacon was received.

    Args:
        frame: rows with NewestBeacon and UpdatedAt.
        now: epoch seconds.
    """
    newest = frame[frame["UpdatedAt"] >= pd.Timestamp(now - MINUTE, unit="s", tz="UTC")]
    took = (newest["UpdatedAt"] - newest["NewestBeacon"]).dt.total_seconds().dropna()
    return float(took.median()) if len(took) else None


def totals(frame: pd.DataFrame) -> list[tuple[str, float]]:
    """Return each item with the sum of its values, the largest first.

    Example:
        `totals(top_pages)[0]` -> `("/", 612.0)`
    """
    sums = frame.groupby("Item")["Value"].sum()
    rows = [(str(item), float(value)) for item, value in sums.items()]
    return sorted(rows, key=lambda row: (row[0] == OTHERS, -row[1], row[0]))


def count_of(frame: pd.DataFrame, item: str) -> int:
    """Return the sum of one item's values."""
    return int(frame.loc[frame["Item"] == item, "Value"].sum())


def _of_minute(frame: pd.DataFrame, start: int) -> int:
    found = frame.loc[frame["Time"] == pd.Timestamp(start, unit="s", tz="UTC"), "Value"]
    return int(found.sum())


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M}"
