"""The numbers in the live dashboard's tiles and lists, computed from rows of the metrics.

These functions make no AWS calls.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from .site_periods import MINUTE, PERIODS, Period, Span

RATE_SECONDS = 10  # the rate is a mean over this time; a shorter one would show Flink's batches
OTHERS = "(other)"
# The metrics of the tiles.
TILES = ("event_count", "visit_count", "bounce_count", "visit_seconds", "conversion_count")
# Each tab's lists: title, metric, and the dimension that an item of it filters by ("": none).
TABS = {
    "Pages": (
        ("Most visited pages", "top_pages", "page"),
        ("First pages of visits", "entry_pages", "entry"),
        ("Last pages of visits", "exit_pages", "exit"),
    ),
    "Sources": (
        ("Visits by source", "source_count", "source"),
        ("Visits by campaign", "campaign_count", "campaign"),
        ("Conversions by source", "conversion_count", "source"),
    ),
    "Devices": (
        ("Visits by browser", "browser_count", "browser"),
        ("Visits by operating system", "system_count", "system"),
        ("Visits by device", "device_count", "device"),
        ("Bots (in no other number)", "bot_count", ""),
    ),
}


@dataclass(frozen=True)
class Choice:
    """The choice of the owner: a period, a tab, and an item for each dimension to filter by."""

    period: Period = PERIODS["5 minutes"]
    tab: str = "Pages"
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Figure:
    """A value of the period; `full` and `before` are those to compare. None: not known."""

    value: float | None = None
    full: float | None = None
    before: float | None = None


@dataclass(frozen=True)
class SiteSnapshot:
    """The values of one reading. None: not known yet.

    Times are epoch seconds, durations seconds. `lists` has a title, a dimension and (item, count)
    pairs, the largest first, for each list of the chosen tab. `alarms` holds (name, state);
    `missing` names a module that is not deployed. `recounted` is when the archive was read, if
    filters are chosen.
    """

    at: float
    choice: Choice = Choice()
    visitors: Figure = Figure()
    visitors_note: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    rate: float | None = None
    to_table: float | None = None
    latency: float | None = None
    lists: tuple[tuple[str, str, list[tuple[str, float]]], ...] = ()
    alarms: list[tuple[str, str]] | None = None
    missing: str = ""
    events: pd.DataFrame | None = None
    recounted: float | None = None


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


def figures(rows: Mapping[str, pd.DataFrame], span: Span, now: float) -> dict[str, Figure]:
    """Return the values of the tiles, each with that of the period before.

    A visit counts in the minute in which it begins. The rates are quotients of sums, as CloudWatch
    computes them by metric math: bounces / visits, seconds / visits, page views / visits, and
    visits with a conversion / visits.

    Args:
        rows: each metric of TILES, with Time, Item and Value, since `span.before`.
        span: the period's times.
        now: epoch seconds.

    Returns:
        `visits`; `bounces` and `conversion` (percent); `seconds` and `views` (for each visit).
    """
    parts = [(span.start, now + MINUTE), (span.start, span.full), (span.before, span.before_end)]
    found = [_of_part(rows, *part) for part in parts]
    return {name: Figure(*(part[name] for part in found)) for name in found[0]}


def _of_part(rows: Mapping[str, pd.DataFrame], start: float, end: float) -> dict[str, float | None]:
    inside = {metric: between(rows[metric], start, end) for metric in TILES}
    total = {metric: float(frame["Value"].sum()) for metric, frame in inside.items()}
    visits = total["visit_count"]

    def each(count: float) -> float | None:
        return count / visits if visits > 0 else None

    bounces, conversions = each(total["bounce_count"]), each(total["conversion_count"])
    return {
        "visits": visits,
        "bounces": None if bounces is None else 100 * bounces,
        "seconds": each(total["visit_seconds"]),
        "views": each(count_of(inside["event_count"], "pageview")),
        "conversion": None if conversions is None else 100 * conversions,
    }


def between(frame: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    """Return the rows whose buckets begin in [start, end), in epoch seconds."""
    first, last = (pd.Timestamp(edge, unit="s", tz="UTC") for edge in (start, end))
    return frame[(frame["Time"] >= first) & (frame["Time"] < last)]


def visitors_now(frame: pd.DataFrame, now: float) -> tuple[int, int, str]:
    """Return the number of visitors, and the minute in which they were counted.

    A new minute has few visitors yet, so the previous one is shown until the new one has as many.

    Args:
        frame: the visitor_count rows: Time (start of the minute) and Value.
        now: epoch seconds.

    Returns:
        The number, the start of the minute (epoch seconds), and words.

    Example:
        `visitors_now(frame, now)` -> `(196, 1795500000, "in 13:04")`
    """
    start = int(now // MINUTE * MINUTE)
    so_far, previous = (_of_minute(frame, start - back) for back in (0, MINUTE))
    if so_far >= previous:
        return so_far, start, f"so far in {_clock(start)}"
    return previous, start - MINUTE, f"in {_clock(start - MINUTE)}"


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
    """Return each item with the sum of its values, the largest first; sums of 0 are left out.

    Example:
        `totals(top_pages)[0]` -> `("/", 612.0)`
    """
    sums = frame.groupby("Item")["Value"].sum()
    rows = [(str(item), float(value)) for item, value in sums.items() if value]
    return sorted(rows, key=lambda row: (row[0] == OTHERS, -row[1], row[0]))


def count_of(frame: pd.DataFrame, item: str) -> int:
    """Return the sum of one item's values."""
    return int(frame.loc[frame["Item"] == item, "Value"].sum())


def _of_minute(frame: pd.DataFrame, start: int) -> int:
    found = frame.loc[frame["Time"] == pd.Timestamp(start, unit="s", tz="UTC"), "Value"]
    return int(found.sum())


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M}"
