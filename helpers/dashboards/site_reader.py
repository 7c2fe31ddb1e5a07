"""Reads the values of the site owner's dashboard: from the tables, CloudWatch, or the archive."""

import time
from datetime import UTC, datetime

import pandas as pd

from assets.functions.publish_metrics.dimension import dimension_value
from helpers.audit.filtered_recount import filtered_recount
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed
from helpers.stores.alarms import alarm_states
from helpers.timing.stage_latency import newest_latency

from . import site_figures as numbers
from .site_figures import TABS, TILES, Choice, Figure, RateEstimator, SiteSnapshot
from .site_periods import MINUTE, PeriodRows, newest_rows, visitors_of_minute

LATENCY_SECONDS = 10  # how often the latency is read: its values are those of whole minutes
RECOUNT_SECONDS = 60  # Firehose delivers records to the archive after about a minute
LIVE_SECONDS = 90


class SiteReader:
    """Reads all values of the dashboard, repeatedly.

    Args:
        cloud: where to read.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._rows: dict[tuple[str, str], PeriodRows] = {}
        self._rate = RateEstimator()
        self._latency: tuple[float, float | None] = (0.0, None)
        self._visitors_before: dict[int, int] = {}
        self._recounted: tuple[Choice | None, float, pd.DataFrame] = (None, 0.0, pd.DataFrame())

    def read(self, choice: Choice) -> SiteSnapshot:
        """Return the current values.

        With filters, the archive is read and recounted, at most once a minute.

        Args:
            choice: the owner's.

        Raises:
            WorkshopError: module 2-analyze is not deployed. (A missing 3-visualize is named
                in the tiles.)
        """
        now = time.time()
        span = choice.period.span(now)
        live = newest_rows(self._cloud, "event_count", LIVE_SECONDS, now)
        lists = TABS[choice.tab]
        wanted = {*TILES, *(metric for _, metric, _ in lists)}
        recounted = None
        if choice.filters:
            recounted, rows, visitors, note = self._from_archive(choice, wanted)
        else:
            rows = {metric: self._of_metric(metric, choice).read(now) for metric in wanted}
            visitors, note = self._visitors(choice, now)
        alarms, missing = self._alarms()
        return SiteSnapshot(
            at=now,
            choice=choice,
            visitors=visitors,
            visitors_note=note,
            figures=numbers.figures(rows, span, now),
            rate=self._rate.update(now, live),
            to_table=numbers.seconds_to_table(live, now),
            latency=self._newest_latency(now),
            lists=tuple(
                (title, dimension, numbers.totals(numbers.between(rows[metric], span.start, now)))
                for title, metric, dimension in lists
            ),
            alarms=alarms,
            missing=missing,
            events=numbers.between(rows["event_count"], span.start, now),
            recounted=recounted,
        )

    def _of_metric(self, metric: str, choice: Choice) -> PeriodRows:
        key = metric, choice.period.name
        if key not in self._rows:
            self._rows[key] = PeriodRows(self._cloud, metric, choice.period, metric in TILES)
        return self._rows[key]

    def _visitors(self, choice: Choice, now: float) -> tuple[Figure, str]:
        frame = newest_rows(self._cloud, "visitor_count", LIVE_SECONDS, now)
        count, minute, note = numbers.visitors_now(frame, now)
        earlier = minute - choice.period.span(now).back
        if earlier not in self._visitors_before:
            # A late beacon may change it; so it is read again in the next minute.
            self._visitors_before = {earlier: visitors_of_minute(self._cloud, earlier)}
        return Figure(count, count, self._visitors_before[earlier]), note

    def _from_archive(
        self, choice: Choice, wanted: set[str]
    ) -> tuple[float, dict[str, pd.DataFrame], Figure, str]:
        of, at, found = self._recounted
        same = of is not None and (of.period, of.filters) == (choice.period, choice.filters)
        if not same or time.time() - at >= RECOUNT_SECONDS:
            at = time.time()
            since = datetime.fromtimestamp(choice.period.span(at).before, UTC)
            found = filtered_recount(self._cloud, since, dict(choice.filters))
            found = found.assign(Item=found["Item"].map(dimension_value))
            self._recounted = choice, at, found
        by_metric = {metric: found[found["Metric"] == metric] for metric in wanted}
        # The archive lacks the newest minute: the last whole one is the one before it.
        minute = int((at - MINUTE) // MINUTE * MINUTE)
        visitors = found[found["Metric"] == "visitor_count"]
        count, _, note = numbers.visitors_now(visitors, minute + MINUTE)
        before, _, _ = numbers.visitors_now(visitors, minute + MINUTE - choice.period.span(at).back)
        return at, by_metric, Figure(count, count, before), note

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
