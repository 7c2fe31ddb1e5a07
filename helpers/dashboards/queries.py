"""Reads a dashboard's metrics: a ListMetrics and a GetItem for each search, one GetMetricData."""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from helpers.core.cloud import NAMESPACE, Cloud
from helpers.core.errors import NotDeployed
from helpers.planning.prices import reading_hour
from helpers.stores.dynamodb import catalog_row

from .search import Search

QUERIES_PER_CALL = 500  # GetMetricData's limit
_SECONDS_BETWEEN_LISTS = 10  # new items appear at most so much later
# A sum over a quarter of an hour changes little in a bucket, and AWS bills each metric of a call.
SLOW_SECONDS = 10
_KEPT_FOR = ((3 * 3600, 1), (15 * 86400, 60), (63 * 86400, 300))  # seconds back, shortest period


@dataclass(frozen=True)
class Query:
    """A metric, a statistic and a period in seconds."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period: int


Points = tuple[np.ndarray, np.ndarray]  # epoch seconds, ascending, and values
NO_POINTS: Points = (np.array([]), np.array([]))


@dataclass
class Reader:
    """Reads metrics from CloudWatch for a dashboard that is drawn again and again.

    Args:
        cloud: where to read.
    """

    cloud: Cloud
    calls: int = 0
    metrics: int = 0  # that GetMetricData was asked for
    _slow: dict[Query, tuple[float, Points]] = field(default_factory=dict)
    _last: tuple[int, int] = (0, 0)  # metrics of the last picture: read for each one, read slowly
    _found: dict[Search, tuple[float, list]] = field(default_factory=dict)

    def search(self, search: Search) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
        """Return (metric name, dimensions) of what a search finds now, sorted.

        CloudWatch lists a metric only if it had a value in the last three hours, and a new one
        after up to 15 minutes. So the items that the catalog has admitted are found as well.
        """
        listed, metrics = self._found.get(search, (-_SECONDS_BETWEEN_LISTS, []))
        if time.monotonic() - listed < _SECONDS_BETWEEN_LISTS:
            return metrics
        fixed = {name: search.exactly(name) for name in sorted(search.dimensions)}
        arguments = {
            "Namespace": search.namespace,
            "RecentlyActive": "PT3H",
            "Dimensions": [
                {"Name": name} | ({"Value": value} if value else {})
                for name, value in fixed.items()
            ],
        }
        if name := search.exactly("MetricName"):
            arguments["MetricName"] = name
        pages = self.cloud.client("cloudwatch").get_paginator("list_metrics").paginate(**arguments)
        found = set(self._admitted(search))
        for metric in (metric for page in pages for metric in page["Metrics"]):
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            if search.finds(metric["MetricName"], dimensions):
                found.add((metric["MetricName"], tuple(sorted(dimensions.items()))))
        self._found[search] = (time.monotonic(), sorted(found))
        return self._found[search][1]

    def _admitted(self, search: Search) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
        """Yield what a search finds among the items in the catalog, of a metric of this stack."""
        name = search.exactly("MetricName")
        if search.namespace != NAMESPACE or name is None:
            return
        with suppress(NotDeployed):
            for item in catalog_row(self.cloud, name).get("Items", ()):
                dimensions = {"Stack": self.cloud.prefix, "Item": item}
                if search.finds(name, dimensions):
                    yield name, tuple(sorted(dimensions.items()))

    def fetch(
        self, queries: Iterable[Query], start: float, end: float, slow: Collection[Query] = ()
    ) -> dict[Query, Points]:
        """Return the points of each query whose bucket starts within [start, end).

        One GetMetricData call serves up to 500 queries. (On AWS it costs $0.01 for each 1,000.)

        Args:
            queries: what to read; repeated ones are read once.
            start, end: epoch seconds; the start is rounded down to a whole minute.
            slow: those that need not be newer than SLOW_SECONDS; older points may come with them.
        """
        queries, now = list(dict.fromkeys(queries)), time.monotonic()
        kept = {
            query: self._slow[query][1]
            for query in queries
            if query in slow and now - self._slow.get(query, (-SLOW_SECONDS,))[0] < SLOW_SECONDS
        }
        points = kept | self._read([query for query in queries if query not in kept], start, end)
        self._slow = {
            query: self._slow[query] if query in kept else (now, points[query])
            for query in slow
            if query in points
        }
        self._last = len(queries) - len(self._slow), len(self._slow)
        return points

    def dollars_an_hour(self, period: float) -> float:
        """Return what reading costs on AWS.

        Args:
            period: seconds between two pictures like the last one.
        """
        often, slowly = self._last
        lists = len(self._found) * 3600 / _SECONDS_BETWEEN_LISTS
        metrics = often * 3600 / period + slowly * 3600 / max(SLOW_SECONDS, period)
        return reading_hour(metrics, lists)

    def _read(self, queries: list[Query], start: float, end: float) -> dict[Query, Points]:
        self.metrics += len(queries)
        start = start // 60 * 60
        shortest = shortest_period(end - start - 60)
        paginator = self.cloud.client("cloudwatch").get_paginator("get_metric_data")
        points: dict[Query, Points] = {}
        for first in range(0, len(queries), QUERIES_PER_CALL):
            batch = {f"q{i}": q for i, q in enumerate(queries[first : first + QUERIES_PER_CALL])}
            parts: dict[str, list] = {name: [] for name in batch}
            for page in paginator.paginate(
                MetricDataQueries=[_request(name, q, shortest) for name, q in batch.items()],
                StartTime=start,
                EndTime=end,
                ScanBy="TimestampAscending",
            ):
                self.calls += 1
                for result in page["MetricDataResults"]:
                    parts[result["Id"]] += zip(
                        (moment.timestamp() for moment in result["Timestamps"]),
                        result["Values"],
                        strict=True,
                    )
            for name, query in batch.items():
                table = np.array(sorted(parts[name]), dtype=float).reshape(-1, 2)
                points[query] = (table[:, 0], table[:, 1])
        return points


def shortest_period(back: float) -> int:
    """Return the shortest period, in seconds, that CloudWatch keeps for `back` seconds.

    Example:
        >>> shortest_period(900), shortest_period(86400)
        (1, 60)
    """
    return next((period for reach, period in _KEPT_FOR if back <= reach), 3600)


def _request(name: str, query: Query, shortest: int) -> dict:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.name,
                "Dimensions": [{"Name": n, "Value": v} for n, v in query.dimensions],
            },
            "Period": max(query.period, shortest),
            "Stat": query.stat,
        },
    }
