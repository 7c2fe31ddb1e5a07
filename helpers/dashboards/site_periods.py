"""The periods that the site owner's dashboard can show, and a metric's rows in one of them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from assets.functions.publish_metrics.dimension import dimension_value
from helpers.core.cloud import Cloud
from helpers.stores.cloudwatch import values_now
from helpers.stores.dynamodb import metric_values

MINUTE, DAY = 60, 86400
SETTLED = 90  # seconds: older buckets seldom change, and are read again less often
_COLUMNS = ["Time", "Item", "Value"]


@dataclass(frozen=True)
class Period:
    """A period that ends now.

    Args:
        name: as the learner chooses it.
        phrase: in a sentence, after "visits".
        before: the name of the period before it.
        minutes: its length; 0: since midnight, UTC.
        step: seconds in a value that is read from CloudWatch; 0: all is read from DynamoDB.
        column: seconds in a column of the chart.
        whole_seconds: how often its older values are read again, for late beacons.
    """

    name: str
    phrase: str
    before: str
    minutes: int
    step: int
    column: int
    whole_seconds: int

    def span(self, now: float) -> "Span":
        """Return the period's times.

        Args:
            now: epoch seconds.

        Example:
            >>> PERIODS["5 minutes"].span(1_795_500_030)
            Span(start=1795499700, full=1795500000, before=1795499400, before_end=1795499700)
        """
        step = self.step or MINUTE
        full = int(now // step * step)
        start = full - self.minutes * MINUTE if self.minutes else int(now // DAY * DAY)
        back = self.minutes * MINUTE or DAY
        return Span(start, full, start - back, full - back)


@dataclass(frozen=True)
class Span:
    """A period's times, in epoch seconds.

    The period begins at `start` and ends now. Its part until `full` is compared with the time from
    `before` until `before_end`, which is as long: the newest minute is still going on.
    """

    start: int
    full: int
    before: int
    before_end: int

    @property
    def back(self) -> int:
        """The seconds from the period before to this one."""
        return self.start - self.before


PERIODS = {
    period.name: period
    for period in (
        Period("5 minutes", "in 5 minutes", "the 5 minutes before", 5, 0, 10, 30),
        Period("hour", "in an hour", "the hour before", 60, 60, 60, 60),
        Period("today", "today (UTC)", "yesterday until this time", 0, 300, 1800, 60),
    )
}


class PeriodRows:
    """A metric's rows in a period, of which most readings query only the newest.

    The rows of five minutes come from DynamoDB. Those of a longer period come from CloudWatch,
    which adds them up to minutes: DynamoDB has a row for each ten seconds and item. The newest
    minutes come from DynamoDB in any case.

    Args:
        cloud: where both are.
        metric: a MetricType.
        period: one of PERIODS.
        with_before: also read the period before, for comparison.
    """

    def __init__(self, cloud: Cloud, metric: str, period: Period, with_before: bool) -> None:
        self._cloud, self._metric, self._period = cloud, metric, period
        self._with_before = with_before
        self._older = pd.DataFrame(columns=_COLUMNS)
        self._edge, self._read_at = 0, 0.0

    def read(self, now: float) -> pd.DataFrame:
        """Return the rows: Time, Item (as a dimension value of CloudWatch) and Value.

        Args:
            now: epoch seconds.
        """
        span = self._period.span(now)
        first = span.before if self._with_before else span.start
        if now - self._read_at >= self._period.whole_seconds:
            step = self._period.step or MINUTE
            self._edge = max(first, int((now - SETTLED) // step * step))
            self._older = self._values(first, self._edge)
            self._read_at = now
        newest = self._stored(max(first, self._edge))
        older = self._older[self._older["Time"] >= pd.Timestamp(first, unit="s", tz="UTC")]
        # Concatenation with an empty frame would change the columns' types.
        parts = [part[_COLUMNS] for part in (older, newest) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else newest[_COLUMNS]

    def _values(self, first: int, end: int) -> pd.DataFrame:
        if end <= first:
            return pd.DataFrame(columns=_COLUMNS)
        if not self._period.step:
            return self._stored(first, end)
        start, until = _moment(first), _moment(end)
        step = self._period.step
        return values_now(self._cloud, self._metric, period=step, start=start, end=until)

    def _stored(self, first: int, end: int | None = None) -> pd.DataFrame:
        until = None if end is None else _moment(end)
        found = metric_values(self._cloud, self._metric, start=_moment(first), end=until)
        return found.assign(Item=found["Item"].map(dimension_value))


def visitors_of_minute(cloud: Cloud, start: int) -> int:
    """Return the number of visitors in a minute.

    Args:
        cloud: where the table is.
        start: of the minute, epoch seconds.
    """
    moment, end = _moment(start), _moment(start + MINUTE)
    return int(metric_values(cloud, "visitor_count", start=moment, end=end)["Value"].sum())


def newest_rows(cloud: Cloud, metric: str, seconds: int, now: float) -> pd.DataFrame:
    """Return a metric's newest rows as `metric_values` does, in whole minutes.

    Args:
        cloud: where the table is.
        metric: a MetricType.
        seconds: how far back, at least.
        now: epoch seconds.
    """
    return metric_values(cloud, metric, start=_moment(int((now - seconds) // MINUTE * MINUTE)))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
