"""A visitor of the learner's own, whose page views are put at chosen moments of the last hour."""

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from assets.functions.publish_metrics.dimension import dimension_value
from helpers.audit.recount import shortened
from helpers.audit.recounted_visits import (
    GAP,
    bounces,
    recounted_visits,
    visits_of,
    with_visits,
)
from helpers.audit.visit_cuts import clock_visits, period_name
from helpers.core.cloud import Cloud
from helpers.core.epoch import times
from helpers.core.errors import WorkshopError, check_number
from helpers.core.waiting import poll_until
from helpers.generator.beacon import Beacon
from helpers.plotting.figure import Picture
from helpers.stores.archive import FIELDS, field_column
from helpers.stores.cloudwatch import OTHER, SECONDS_UNTIL_READ, values_now
from helpers.stores.dynamodb import catalog_row, metric_values
from helpers.traffic.send_beacon import AGENT

from .past_beacons import put_past_beacons
from .visit_figure import VisitRow, draw_visits

PAGE = "/visit-lab"
_ENTRIES = "entry_pages"
METRICS = ("visit_count", "bounce_count", "visit_seconds", "entry_pages", "exit_pages",
           "source_count")  # fmt: skip
COUNTED_SECONDS = 300  # a beacon is counted after three seconds, and after an update of the job
LONGEST_MINUTES = 59  # a beacon that arrives an hour late is rejected
_NAME, _PAGE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}"), re.compile(r"/[!#-\[\]-~]{0,100}")
_KEYS = ["Metric", "Time", "Item"]
# How near the edge of a clock hour may be, seconds: both of its views lie in the last hour.
_EDGE_SECONDS = (60, 58 * 60)
_AROUND_THE_EDGE = (-10, 20)


class Visitor:
    """A visitor of your own: you choose when, in the last hour, the visitor viewed a page.

    The page views are put to the stream now, as by the agent of a server that was cut off. The
    pipeline counts them in the minutes of their requests. Each `Visitor` has a clientid of its
    own, so that its beacons never belong to the visits of another one.

    Args:
        cloud: its pipeline counts the visits.
        name: the first part of the clientid: letters, digits and `-`.

    Raises:
        WorkshopError: the name has other characters.

    Example:
        `ann = Visitor(cloud, "ann")`
    """

    def __init__(self, cloud: Cloud, name: str) -> None:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise WorkshopError(
                f"A visitor can't be named {name!r}.",
                "Use up to 31 letters, digits and -, beginning with a letter.",
            )
        self._cloud, self.name = cloud, name
        self.clientid = f"{name}-{secrets.token_hex(3)}"
        self.page = f"{PAGE}/{self.clientid}"
        self._records: list[dict[str, Any]] = []
        self._clock: tuple[int, float] | None = None  # minutes of a period, and the edge between
        self._moments: list[float] = []  # of the page views, epoch seconds
        self._others = _no_values()  # what other visitors added to the values of the same pages

    def views(
        self,
        minutes_ago: float | Sequence[float],
        page: str | Sequence[str] | None = None,
        source: str | None = None,
    ) -> pd.DataFrame:
        """Put page views of the last hour; return the values that they changed in DynamoDB.

        Args:
            minutes_ago: when each page was viewed, minutes before now, 0 to 59.
            page: the page, or one for each view; None for a page that only this visitor has.
            source: where the visitor came from; sent with the first of these views.

        Returns:
            Columns Metric, Time (start of the minute, UTC), Item, Before and After.

        Raises:
            WorkshopError: a page or a time is not possible, or the pipeline has not counted the
                views after five minutes.
        """
        minutes = [minutes_ago] if isinstance(minutes_ago, int | float) else list(minutes_ago)
        for each in minutes:
            check_number("minutes_ago", each, 0, LONGEST_MINUTES)
        now = int(time.time())
        return self._views([now - round(60 * each) for each in minutes], page, source)

    def views_across_the_hour(self) -> pd.DataFrame:
        """Put two page views, 10 s before the newest full hour and 20 s after it.

        If that hour began less than a minute ago, or nearly an hour ago, it is a half hour of the
        clock instead: both views must lie in the last hour.

        Returns:
            As `views`.

        Raises:
            WorkshopError: the pipeline has not counted the views after five minutes.
        """
        minutes, edge = newest_edge(time.time())
        self._clock = minutes, edge
        print(f"Two page views, 10 s before and 20 s after {_clock(edge)} UTC.")
        return self._views([edge + seconds for seconds in _AROUND_THE_EDGE], None, None)

    def timeline(self, gap_minutes: float = 30) -> Picture:
        """Return a picture of the visitor's beacons and visits.

        Args:
            gap_minutes: the longest time between two beacons of a visit, as in the running job.

        Returns:
            The picture. It also has the number of visits in DynamoDB, after at most five minutes
            of waiting until it is the expected one. After `views_across_the_hour`, the picture has
            one more row: the visits as the clock divides them.

        Raises:
            WorkshopError: there are no page views yet.
        """
        check_number("gap_minutes", gap_minutes, 0.1, 24 * 60)
        beacons = self._viewed()
        gap = pd.Timedelta(minutes=gap_minutes)
        self._is_counted(gap)
        own = self._own()
        stored = int(own[own.index.get_level_values("Metric") == "entry_pages"].sum())
        visits = visits_of(with_visits(beacons, gap=gap))
        by_gap = _row(f"a gap of {gap_minutes:g} minutes", visits)
        rows, edges = [replace(by_gap, stored=stored)], []
        if self._clock:
            period, edge = self._clock
            rows.append(_row(period_name(period), clock_visits(beacons, period), is_wrong=True))
            edges = [edge]
        return draw_visits(self.name, list(beacons["requested_at"] / 1000), rows, edges)

    def cloudwatch(self) -> pd.DataFrame:
        """Return how many visits began with the visitor's own page, in two stores.

        That is the visitor's item of `entry_pages`. If CloudWatch has as many of its items as the
        catalog allows, the sum of all further items is returned: `(other)`.

        Returns:
            Columns Time (start of the minute, UTC), DynamoDB, CloudWatch (the sum of all that was
            put) and Smallest (the smallest value that was put: CloudWatch's Minimum).

        Raises:
            WorkshopError: module 3-visualize is not deployed, or there are no page views yet.
        """
        minutes = sorted(set(self._viewed()["Time"]))
        end = minutes[-1] + pd.Timedelta(minutes=1)
        span = {"start": minutes[0].to_pydatetime(), "end": end.to_pydatetime()}

        def read() -> pd.DataFrame:
            admitted = catalog_row(self._cloud, _ENTRIES).get("Items", set())
            own = dimension_value(self.page)
            item = own if own in admitted else OTHER
            rows = metric_values(self._cloud, _ENTRIES, **span)
            names = rows["Item"].map(dimension_value)
            stored = rows[names.where(names.isin(admitted), OTHER) == item]
            parts = {"DynamoDB": stored.groupby("Time")["Value"].sum()}
            for name, statistic in (("CloudWatch", "Sum"), ("Smallest", "Minimum")):
                shown = values_now(self._cloud, _ENTRIES, period=60, statistic=statistic, **span)
                parts[name] = shown[shown["Item"] == item].set_index("Time")["Value"]
            frame = pd.DataFrame(parts).reindex(parts["DynamoDB"].index.intersection(minutes))
            # A row that has been 0 from its beginning: the job writes some after its start.
            frame = frame[frame["DynamoDB"].ne(0) | frame["CloudWatch"].notna()]
            return frame.rename_axis("Time").reset_index().astype({"DynamoDB": "int64"})

        return poll_until(
            read,
            lambda frame: len(frame) > 0 and frame["DynamoDB"].eq(frame["CloudWatch"]).all(),
            "CloudWatch has the last differences",
            SECONDS_UNTIL_READ,
        )

    def _views(
        self, moments: Sequence[float], page: str | Sequence[str] | None, source: str | None
    ) -> pd.DataFrame:
        page = self.page if page is None else page
        pages = [page] * len(moments) if isinstance(page, str) else list(page)
        _refuse(moments, pages, source)
        former = self._recounted(GAP)
        self._moments += moments
        before = self._stored()
        self._others = _of_pages(before.sub(former, fill_value=0))
        beacons = [
            Beacon(b"pageview", self.clientid.encode(), each.encode(), AGENT.encode())
            for each in pages
        ]
        if source is not None:
            beacons[moments.index(min(moments))].source = source.encode()
        self._records += put_past_beacons(self._cloud, list(zip(beacons, moments, strict=True)))
        change = self._recounted(GAP).sub(former, fill_value=0)
        change = change[change != 0]
        if source is None:
            change = change[change.index.get_level_values("Metric") != "source_count"]
        if not self._is_counted(GAP):
            raise WorkshopError(
                f"The job has not counted the page views of {self.name} as expected.",
                "If the machine is busy, run this notebook again from the top. Otherwise run "
                "start_analytics(cloud) before it; if you have changed the gap, delete the file "
                "07_visit_beacons.sql from sql_folder(), and run update_analytics(cloud).",
            )
        values = {"Before": before, "After": self._stored()}
        frame = pd.DataFrame(
            {name: each.reindex(change.index, fill_value=0) for name, each in values.items()}
        )
        order = {metric: number for number, metric in enumerate(METRICS)}
        frame = frame.astype("int64").reset_index()
        return frame.sort_values(
            ["Time", "Metric", "Item"],
            key=lambda column: column.map(order) if column.name == "Metric" else column,
            ignore_index=True,
        )

    def _viewed(self) -> pd.DataFrame:
        if not self._records:
            raise WorkshopError(
                f"{self.name} has not viewed a page yet.", "Call .views(minutes_ago=10) first."
            )
        return self._beacons()

    def _beacons(self) -> pd.DataFrame:
        """Return the visitor's click records so far."""
        frame = pd.DataFrame({name: field_column(self._records, name) for name in FIELDS})
        return frame.assign(Time=times(frame["requested_at"]).dt.floor("60s"))

    def _recounted(self, gap: pd.Timedelta) -> pd.Series:
        """Return the values that the visitor's visits add, by metric, time and item."""
        if not self._records:
            return _no_values()
        counts = recounted_visits(self._beacons(), shortened, gap)
        counts["Time"] = counts["Time"].dt.as_unit("ns")  # as in the table's values
        return counts[counts["Metric"].isin(METRICS)].set_index(_KEYS)["Value"]

    def _stored(self) -> pd.Series:
        """Return the table's values in the minutes of the beacons, by metric, time and item."""
        first = datetime.fromtimestamp(min(self._moments) // 60 * 60, UTC)
        end = datetime.fromtimestamp(max(self._moments) // 60 * 60 + 60, UTC)
        values = [
            metric_values(self._cloud, metric, start=first, end=end).assign(Metric=metric)
            for metric in METRICS
        ]
        return pd.concat(values, ignore_index=True).set_index(_KEYS)["Value"]

    def _own(self) -> pd.Series:
        """Return the table's values of the visitor's pages, without those of other visitors."""
        own = _of_pages(self._stored()).sub(self._others, fill_value=0)
        pages = {shortened(str(page)) for page in self._beacons()["page"]}
        own = own[own.index.get_level_values("Item").isin(pages)]
        return own[own != 0].astype("int64")

    def _is_counted(self, gap: pd.Timedelta) -> bool:
        """Wait until the table has the visitor's entry and exit pages; return whether it has."""
        expected = _of_pages(self._recounted(gap)).to_dict()
        return poll_until(
            lambda: self._own().to_dict() == expected,
            bool,
            f"the job has counted the visits of {self.name}",
            COUNTED_SECONDS,
        )


def newest_edge(now: float) -> tuple[int, float]:
    """Return the newest full hour, or half hour, that has both sides in the last hour.

    Args:
        now: epoch seconds.

    Returns:
        The minutes of the clock's period, 60 or 30, and when it began, epoch seconds.

    Example:
        >>> newest_edge(7200 + 600), newest_edge(7200 + 20), newest_edge(7200 + 3590)
        ((60, 7200), (30, 5400), (30, 9000))
    """
    least, most = _EDGE_SECONDS
    for minutes in (60, 30):
        edge = int(now) // (minutes * 60) * minutes * 60
        for each in (edge, edge - minutes * 60):
            if least <= now - each <= most:
                return minutes, each
    raise AssertionError(now)  # an hour has two half hours


def _refuse(moments: Sequence[float], pages: Sequence[str], source: str | None) -> None:
    if not moments or len(moments) != len(pages):
        raise WorkshopError(
            f"There are {len(moments)} times and {len(pages)} pages.",
            "Give one page, or as many pages as times.",
        )
    for page in pages:
        if not (isinstance(page, str) and _PAGE.fullmatch(page)):
            raise WorkshopError(
                f"{page!r} can't be a page here.",
                "Begin it with /, and use up to 100 ASCII characters without spaces and quotes.",
            )
    if source is not None and not re.fullmatch(r"[\w.-]{1,100}", source, re.ASCII):
        raise WorkshopError(
            f"{source!r} can't be a source here.", 'Use a name such as "newsletter".'
        )


def _row(divided_by: str, visits: pd.DataFrame, *, is_wrong: bool = False) -> VisitRow:
    seconds = zip(visits["first"] / 1000, visits["last"] / 1000, strict=True)
    return VisitRow(divided_by, tuple(seconds), int(bounces(visits).sum()), is_wrong)


def _of_pages(values: pd.Series) -> pd.Series:
    return values[values.index.get_level_values("Metric").isin(("entry_pages", "exit_pages"))]


def _no_values() -> pd.Series:
    index = pd.MultiIndex.from_tuples([], names=_KEYS)
    return pd.Series([], index=index, dtype="int64", name="Value")


def _clock(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%H:%M:%S}"
