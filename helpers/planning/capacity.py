"""The loads and resources of a number of events a day.

Rates are beacons a second. Capacity is planned for a day's peak; charges by use depend on the mean.
The number of rows depends on the number of different items, not on the beacons: a counted item has
one row per mini-batch, however many beacons it had.
"""

import json
import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.billed_units import PUT_UNIT_BYTES
from helpers.core.paths import REPOSITORY

from . import limits
from .limits import units

DAY = 86_400
MINI_BATCH_SECONDS = 0.5  # cfn/2-analyze.yaml
CHANGES_A_CALL = 500  # assets/functions/publish_metrics/handler.py
# cfn/2-analyze.yaml: the table's capacity, and which part of it Auto Scaling keeps in use
LEAST_WRITE_UNITS, MOST_WRITE_UNITS, READ_UNITS, USED_PART = 50, 700, 25, 0.7
RECORDS_A_ROW = 2  # an amended row is two records: a delete ('d') of the old, a create ('c')
# The weights of the demo shop's events; a site of any size has few different events.
EVENTS = (60, 20, 5, 4, 6, 3, 2)
OPEN = ("top_pages", "agent_count", "referral_count")  # visitors choose their items
BOTS = 10  # different ones that run a page's scripts; most bots run none, and send no beacon
BY_EVENT = ("event_count", "hourly_events", "event_anomaly")
SINGLE = ("visitor_count", "rejected_count", "duplicate_count")
# Metrics of visits: a value changes once in a batch (assets/flink/dep/visit_stage.py:
# BATCH_MS), however many beacons change it.
VISIT_BATCH_SECONDS, VISIT_BUCKET_SECONDS = 2, 60
OPEN_OF_VISITS = ("entry_pages", "exit_pages", "source_count", "conversion_count")
SINGLE_OF_VISITS = ("visit_count", "bounce_count", "visit_seconds")
# Assumed: so many different campaigns, browsers, systems and kinds of device.
FEW = {"campaign_count": 5, "browser_count": 8, "system_count": 6, "device_count": 3}
MINUTES = 35  # in which the visits of a batch's beacons began; few began earlier
DELAYS = 2  # metrics of the beacons' delay: assets/functions/publish_metrics/delay.py


@dataclass(frozen=True)
class Design:
    """Changes to the workshop's design; `Design()` has none.

    Args:
        shards: the clicks stream has as many shards, and Flink as many readers, as it needs.
        large_fleet: more than six servers, each with half of a core's measured request rate.
        two_stage: a count of one key is computed in parts (hash of the visitor), then added up.
        item_keys: the metrics stream has as many shards as it needs, and MetricType and item as
            partition key: rows hold whole values, in any order.
        large_table: the table may have more units than one partition.
        write_sharded: the table's key is MetricType and one of a few numbers.
        aggregated: the agent packs beacons into records of 25 KB.
        fan_out: Flink reads by enhanced fan-out (only its DataStream connector can).
        more_kpus: AWS has raised the limit of KPUs.
        shared_kpus: up to eight of Flink's readers share a KPU (cfn/2-analyze.yaml: ReadersPerKPU).
        put_window: seconds for which publish_metrics collects changes before a call.
    """

    shards: bool = False
    large_fleet: bool = False
    two_stage: bool = False
    item_keys: bool = False
    large_table: bool = False
    write_sharded: bool = False
    aggregated: bool = False
    fan_out: bool = False
    more_kpus: bool = False
    shared_kpus: bool = False
    put_window: float = 0


@dataclass(frozen=True)
class Plan:
    """The resources that a number of events a day needs.

    Args:
        events: events a day.
        mean, peak: beacons a second.
        design: the design.
        servers: beacon servers, each with an agent.
        shards, metric_shards: of the clicks stream and the metrics stream.
        kpus: working KPUs; one more coordinates them.
        concurrency: concurrent invocations of both functions.
        metric_records: put into the metrics stream, a second, at the mean.
        rows: written to the table, a second, at the mean.
        stored_rows: new rows of the table, a second, at the mean: one per bucket and item.
        write_units: of the table, at the mean and at the peak.
        table_shards: of the table's stream, one for each partition.
        put_calls: of PutMetricData, a second, at the mean.
        metrics: CloudWatch metrics.
    """

    events: float
    mean: float
    peak: float
    design: Design
    servers: int
    shards: int
    metric_shards: int
    kpus: int
    concurrency: int
    metric_records: float
    rows: float
    stored_rows: float
    write_units: tuple[float, float]
    table_shards: int
    put_calls: float
    metrics: int


@dataclass(frozen=True)
class Run:
    """The measured result of a learner's run.

    Args:
        rate: beacons a second that were counted, at the peak.
        lag: median seconds from the request to a datapoint.
    """

    rate: float
    lag: float

    @property
    def events(self) -> float:
        """Its rate as events a day."""
        return self.rate * DAY


def per_second(events: float) -> float:
    """Return the mean rate of a number of events a day.

    Example:
        >>> round(per_second(116e6))
        1343
    """
    return events / DAY


def different_items(events: float) -> float:
    """Return the number of different pages, agents or referrers of events a day (Heaps' law).

    Example:
        `different_items(100e6)` -> `120.0`
    """
    return units().items_at_a_million * (events / 1e6) ** units().items_exponent


def rows_of_one(rate: float, weights: tuple | np.ndarray, seconds: float) -> float:
    """Return the rows a second of one metric.

    An item has a row in a batch unless none of its beacons arrived: with Poisson arrivals, the
    probability of that is exp(-rate * share * seconds).

    Args:
        rate: beacons a second.
        weights: the items' shares, in any unit.
        seconds: length of a batch.

    Example:
        >>> round(rows_of_one(1e6, (1, 1, 1), 0.5), 3)
        6.0
    """
    weights = np.asarray(weights, dtype=float)
    shares = weights / weights.sum()
    return float((1 - np.exp(-rate * shares * seconds)).sum() / seconds)


def rows_by_metric(events: float, rate: float, seconds: float) -> dict[str, float]:
    """Return rows a second of each metric.

    Args:
        events: events a day; the number of different items depends on them.
        rate: beacons a second.
        seconds: length of a batch: Flink's mini-batch, or one invocation of process_metrics. Those
            of visits have their own one, of two seconds, if it is longer.

    Example:
        `rows_by_metric(1e6, 12, 1)["visit_count"]` -> `0.49...`
    """
    rows = _beacon_rows(events, rate, seconds)
    batch = max(seconds, VISIT_BATCH_SECONDS)
    # A beacon changes the minute in which its visit began: of n minutes ago with exp(-n / mean).
    minutes = np.exp(-np.arange(MINUTES) / units().visit_minutes)
    return rows | _visit_rows(events, rate, batch, minutes)


def _beacon_rows(events: float, rate: float, seconds: float) -> dict[str, float]:
    many = _zipf(different_items(events))
    rows = dict.fromkeys(OPEN, rows_of_one(rate, many, seconds))
    by_event = rows_of_one(rate, EVENTS, seconds)
    # A score is final: one row a bucket and event.
    rows |= {
        "event_count": by_event,
        "hourly_events": by_event,
        "event_anomaly": len(EVENTS) / BUCKET_SECONDS,
    }
    # Assumed: of a hundred beacons, five are bots', one is rejected, one is a duplicate.
    bots = rows_of_one(rate / 20, _zipf(BOTS), seconds)
    rare = rows_of_one(rate / 100, (1,), seconds)
    return rows | {
        "visitor_count": rows_of_one(rate, (1,), seconds),
        "bot_count": bots,
        "rejected_count": rare,
        "duplicate_count": rare,
    }


def _visit_rows(
    events: float, rate: float, seconds: float, minutes: np.ndarray
) -> dict[str, float]:
    """Return rows a second of each metric of visits.

    Args:
        events: events a day; the number of different pages and sources depends on them.
        rate: beacons a second.
        seconds: length of a batch.
        minutes: the shares of the minutes in which a beacon's visit began, the present one first.
    """
    begun, views = rate / units().beacons_a_visit, rate * EVENTS[0] / sum(EVENTS)
    many, one, now = _zipf(different_items(events)), np.ones(1), np.ones(1)
    # Changes a second, the items and the minutes that they change.
    changes = {
        "visit_count": (begun, one, now),
        # The second beacon takes the bounce back, soon after the visit's beginning.
        "bounce_count": (2 * begun, one, minutes[:2]),
        "visit_seconds": (rate - begun, one, minutes),
        "entry_pages": (begun, many, now),
        # A later page view takes the visit from one page and adds it to another one.
        "exit_pages": (2 * views - begun, many, minutes),
        "source_count": (begun, many, now),
        "conversion_count": (rate * EVENTS[5] / sum(EVENTS), many, minutes),
        **{name: (begun, _zipf(items), now) for name, items in FEW.items()},
    }
    return {
        name: rows_of_one(each, np.outer(when, items).ravel(), seconds)
        for name, (each, items, when) in changes.items()
    }


def _zipf(items: float) -> np.ndarray:
    """Return weights by Zipf's law: the n-th most frequent item has 1/n of the first one's."""
    return 1 / np.arange(1, round(items) + 1)


@lru_cache(maxsize=256)
def _rows(events: float, rate: float, seconds: float) -> float:
    return sum(rows_by_metric(events, rate, seconds).values())


@lru_cache(maxsize=256)
def _stored_rows(events: float, rate: float) -> float:
    """Return the new rows of the table a second: one per bucket and item, however often changed."""
    visits = _visit_rows(events, rate, VISIT_BUCKET_SECONDS, np.ones(1))
    return sum(_beacon_rows(events, rate, BUCKET_SECONDS).values()) + sum(visits.values())


@cache
def _most_items() -> dict[str, int]:
    rows = json.loads((REPOSITORY / "assets" / "catalog.json").read_text(encoding="utf-8"))
    return {row["MetricType"]: row["MaxItems"] for row in rows}


def cloudwatch_metrics(events: float) -> int:
    """Return the number of CloudWatch metrics; the catalog's MaxItems limits each MetricType.

    Example:
        `cloudwatch_metrics(1e6)` -> `145`; never more than `298`
    """
    most, items = _most_items(), round(different_items(events))
    many = sum(min(items, most[name]) + (items > most[name]) for name in (*OPEN, *OPEN_OF_VISITS))
    few = len(EVENTS) * len(BY_EVENT) + BOTS + sum(FEW.values())
    return many + few + len(SINGLE) + len(SINGLE_OF_VISITS) + DELAYS


def beacons_a_record(design: Design) -> int:
    """Return the beacons in a record of the clicks stream: 1, or as many as fit into 25 KB."""
    return PUT_UNIT_BYTES // units().record_bytes if design.aggregated else 1


def beacons_a_shard(design: Design) -> float:
    """Return the beacons a second that a shard of the clicks stream takes.

    Example:
        `beacons_a_shard(Design())` -> `1000`
    """
    by_bytes = limits.SHARD_BYTES / units().record_bytes
    return min(limits.SHARD_RECORDS * beacons_a_record(design), by_bytes)


def requests_a_server(design: Design) -> float:
    """Return the planned requests a second of a server.

    They are the template's 12,000 a minute, or half of one core's measured request rate: the other
    half is for the agent, and a reserve.
    """
    return units().server_requests_per_second / 2 if design.large_fleet else 12_000 / 60


def shards_and_kpus(peak: float, design: Design) -> tuple[int, int]:
    """Return the shards of the clicks stream and the working KPUs: one for each reader or core.

    Args:
        peak: beacons a second.
        design: the design.

    Example:
        `shards_and_kpus(2685, Design())` -> `(3, 3)`
    """
    shards = math.ceil(peak / beacons_a_shard(design))
    readers = limits.READERS_A_KPU if design.shared_kpus else 1
    cores = math.ceil(peak / units().flink_records_per_second)
    return shards, max(math.ceil(shards / readers), cores)


def write_units_for(rows: float) -> float:
    """Return the write units of the table that Auto Scaling keeps for so many rows a second.

    Example:
        >>> write_units_for(7), write_units_for(140)
        (50, 200.0)
    """
    return max(LEAST_WRITE_UNITS, rows / USED_PART)


def p50(plan: Plan) -> float:
    """Return the median seconds from a beacon to its datapoint on AWS.

    They are the median of AWS's waits between two polls (bench/aws_latency.py; here it is shorter:
    `latency(cloud)`), and half of each time for which the design collects beacons or changes.

    Args:
        plan: as `bottlenecks.planned` returns it.

    Example:
        `p50(planned(1e6))` -> `1.35`
    """
    packing = units().pack_seconds if plan.design.aggregated else 0
    return units().aws_median_seconds + (packing + plan.design.put_window) / 2


def plan(events: float, design: Design) -> Plan:
    """Return the plan for a number of events a day with a given design.

    Args:
        events: events a day, above 0.
        design: the design; `bottlenecks.planned` finds one that is sufficient.

    Example:
        `plan(1e6, Design()).shards` -> `1`
    """
    mean = per_second(events)
    peak = mean * units().peak_over_mean
    shards, kpus = shards_and_kpus(peak, design)
    records = _rows(events, peak, MINI_BATCH_SECONDS) * RECORDS_A_ROW
    metric_shards = math.ceil(records / limits.SHARD_RECORDS) if design.item_keys else 1
    # process_metrics merges the rows of one poll by Lambda: those of a second.
    rows = _rows(events, mean, 1 / limits.POLLS_OF_A_STREAM)
    busiest = _rows(events, peak, 1 / limits.POLLS_OF_A_STREAM)
    write_units = write_units_for(rows), write_units_for(busiest)
    table_shards = math.ceil(
        write_units[1] / limits.PARTITION_WRITES + READ_UNITS / limits.PARTITION_READS
    )
    # Each invocation of process_metrics writes rows, which Lambda finds in some of its polls.
    looks = min(units().looks_a_second * metric_shards, limits.POLLS_OF_A_TABLE)
    if design.put_window:
        looks = 1 / design.put_window
    return Plan(
        events=events,
        mean=mean,
        peak=peak,
        design=design,
        servers=max(2, math.ceil(peak / requests_a_server(design))),  # one in each zone
        shards=shards,
        metric_shards=metric_shards,
        kpus=kpus,
        concurrency=metric_shards + table_shards,
        metric_records=_rows(events, mean, MINI_BATCH_SECONDS) * RECORDS_A_ROW,
        rows=rows,
        stored_rows=_stored_rows(events, mean),
        write_units=write_units,
        table_shards=table_shards,
        # A call has 1 to 500 changes.
        put_calls=min(max(looks * table_shards, rows / CHANGES_A_CALL), rows),
        metrics=cloudwatch_metrics(events),
    )
