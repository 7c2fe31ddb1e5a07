"""The site owner's dashboard: current visitors, their events, latency and alarms."""

import time

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.plotting.live_view import LiveBoard
from helpers.stores.alarms import alarm_states
from helpers.stores.dynamodb import metric_values
from helpers.timing.stage_latency import newest_latency

from . import site_figures as numbers
from .site_figures import RateEstimator, SiteSnapshot
from .site_view import draw, sentence

BUCKET = 10
FRESH_MINUTES = 1.5  # most readings query only the newest buckets
LATENCY_SECONDS = 10  # how often the latency is read: its values are those of whole minutes
WHOLE_SECONDS = 30  # how often older buckets are read again, for late beacons


def live_dashboard(cloud: Cloud, minutes: float = 5, period: float = 2) -> LiveBoard:
    """Start a dashboard of tiles and lists that redraws itself while other cells run.

    Visitors, events a second, conversion, latency, alarms; events over time, pages and referrers.
    Most readings query the last minute and a half of the tables; twice a minute, a reading queries
    the whole range. One reading is four queries, four GetItems of the catalog and one
    DescribeAlarms; every ten seconds, one GetMetricData of four statistics comes with it. (On AWS
    an hour costs 2 cents: 1,440 statistics at one cent a thousand, and some 7,200 reads of the
    catalog at 12.5 cents a million. The queries use the table's own read units.)

    Args:
        cloud: where the tables, metrics and alarms are.
        minutes: how far back the lists and the drawing reach.
        period: seconds from one reading to the next.

    Returns:
        The running dashboard. As the last line of a cell it is shown; `.stop()` ends it.

    Raises:
        WorkshopError: the time is not positive. An error while reading (for example, a module
            is not deployed) is shown under the dashboard, which tries again.

    Example:
        `live_dashboard(cloud)`
    """
    if not minutes > 0:
        raise WorkshopError(
            f"A dashboard of {minutes} minutes shows nothing.", "Use a number above 0: minutes=5."
        )
    reader = SiteReader(cloud, minutes)

    def read() -> tuple[str, str]:
        seen = reader.read()
        return draw(seen), sentence(seen)

    empty = draw(SiteSnapshot(at=time.time(), minutes=minutes))
    name = cloud.name("live-dashboard")
    return LiveBoard(read, blank=empty, name=name, period=period).start()


class SiteReader:
    """Reads all values of the dashboard, repeatedly.

    Args:
        cloud: where to read.
        minutes: how far back.
    """

    def __init__(self, cloud: Cloud, minutes: float) -> None:
        self._cloud, self._minutes = cloud, minutes
        self._events, self._pages, self._referrers, self._visitors = (
            RecentRows(cloud, metric, max(minutes, least))
            for metric, least in (
                ("event_count", 2),
                ("top_pages", 0),
                ("referral_count", 0),
                ("visitor_count", 2),
            )
        )
        self._rate = RateEstimator()
        self._latency: tuple[float, float | None] = (0.0, None)

    def read(self) -> SiteSnapshot:
        """Return the current values.

        Raises:
            WorkshopError: module 2-analyze is not deployed. (A missing 3-visualize is named
                in the tiles.)
        """
        now = time.time()
        events = self._events.read(now)
        visitors, note = numbers.visitors_now(self._visitors.read(now), now)
        alarms, missing = self._alarms()
        start = pd.Timestamp(now - self._minutes * 60, unit="s", tz="UTC")
        recent = events[events["Time"] >= start]
        return SiteSnapshot(
            at=now,
            minutes=self._minutes,
            visitors=visitors,
            visitors_note=note,
            rate=self._rate.update(now, events),
            views=numbers.count_of(recent, "pageview"),
            conversions=numbers.count_of(recent, "conversion"),
            to_table=numbers.seconds_to_table(events, now),
            latency=self._newest_latency(now),
            pages=numbers.totals(self._pages.read(now)),
            referrers=numbers.totals(self._referrers.read(now)),
            alarms=alarms,
            missing=missing,
            events=events,
        )

    def _newest_latency(self, now: float) -> float | None:
        if now - self._latency[0] >= LATENCY_SECONDS:
            self._latency = now, newest_latency(self._cloud)
        return self._latency[1]

    def _alarms(self) -> tuple[list[tuple[str, str]] | None, str]:
        try:
            states = alarm_states(self._cloud)
        except NotDeployed as error:
            return None, f"{error.cause} {error.remedy}"
        known = self._cloud.name("")
        names = [name.removeprefix(known) for name in states["Alarm"]]
        return list(zip(names, states["State"], strict=True)), ""


class RecentRows:
    """The last minutes of one metric's rows, of which each reading queries only the newest.

    Args:
        cloud: where the table is.
        metric: a MetricType.
        minutes: how far back rows are kept.
    """

    def __init__(self, cloud: Cloud, metric: str, minutes: float) -> None:
        self._cloud, self._metric, self._minutes = cloud, metric, minutes
        self._kept: pd.DataFrame | None = None
        self._whole_at = 0.0

    def read(self, now: float) -> pd.DataFrame:
        """Return the rows as `metric_values` does, in order of time.

        Args:
            now: epoch seconds.
        """
        known = self._kept
        whole = known is None or now - self._whole_at > WHOLE_SECONDS
        back = self._minutes if whole else min(FRESH_MINUTES, self._minutes)
        first = pd.Timestamp((now - back * 60) // BUCKET * BUCKET, unit="s", tz="UTC")
        fresh = metric_values(self._cloud, self._metric, start=first.to_pydatetime())
        self._kept = fresh
        if known is None or whole:
            self._whole_at = now
            return fresh
        oldest = pd.Timestamp(now - self._minutes * 60 - BUCKET, unit="s", tz="UTC")
        known = known[(known["Time"] < first) & (known["Time"] >= oldest)]
        # Concatenation with an empty frame would change the columns' types.
        if len(known):
            self._kept = pd.concat([known, fresh], ignore_index=True)
        return self._kept
