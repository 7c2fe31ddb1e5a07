"""Which limit a growing site exceeds first, and which change of the design lifts it.

Each limit is a function of events a day and the design; it returns the used part, 1 being all. The
ladder of a site's growth is found by computing, step by step, which limit is used up next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter

from . import limits
from .capacity import (
    MINI_BATCH_SECONDS,
    MOST_WRITE_UNITS,
    RECORDS_A_ROW,
    Design,
    Plan,
    beacons_a_shard,
    per_second,
    plan,
    requests_a_server,
    rows_by_metric,
    shards_and_kpus,
)
from .limits import units

MOST_EVENTS = 10e9  # a day
GROUP_SIZE = 6  # cfn/1-frontend.yaml: MaxSize
READERS = 2  # Firehose and Flink
HEADROOM = 0.8  # of a shard's read capacity: the rest is for catching up after a pause
CLOSE = 1e-6  # relative precision of a step's events


@dataclass(frozen=True)
class Limit:
    """One limit.

    Args:
        name: its label.
        load: returns the part of it that events a day use with a design, 1 being all.
        lifted_by: the field of Design that lifts it; empty if the ladder never reaches it.
        why: one sentence: the reason for the limit.
        answer: the change of the design, in words.
    """

    name: str
    load: Callable[[float, Design], float]
    lifted_by: str
    why: str
    answer: str

    def used(self, events: float, design: Design) -> float:
        """Return the part of it that events a day use, 0 if the design lifts it."""
        return 0 if getattr(design, self.lifted_by, False) else self.load(events, design)


@dataclass(frozen=True)
class Step:
    """A step of the ladder: the events a day from which a limit is exceeded.

    Args:
        events: events a day at which the limit is used up.
        limit: the limit.
        before, after: the design below and above the step.
    """

    events: float
    limit: Limit
    before: Design
    after: Design


def _peak(events: float) -> float:
    return per_second(events) * units().peak_over_mean


def _metric_records(events: float) -> float:
    rows = rows_by_metric(events, _peak(events), MINI_BATCH_SECONDS)
    return RECORDS_A_ROW * sum(rows.values())


def _hot_key(events: float, _: Design) -> float:
    rows = rows_by_metric(events, _peak(events), 1 / limits.POLLS_OF_A_STREAM)
    return max(rows.values()) / limits.PARTITION_WRITES


def _kpus(events: float, design: Design) -> float:
    return shards_and_kpus(_peak(events), design)[1] / limits.KPUS


def _reading(events: float, design: Design) -> float:
    shards, _ = shards_and_kpus(_peak(events), design)
    read = READERS * _peak(events) * units().record_bytes / shards
    return read / (limits.SHARD_READ_BYTES * HEADROOM)


LIMITS = (
    Limit(
        "the fleet's six servers",
        lambda events, design: _peak(events) / (GROUP_SIZE * requests_a_server(design)),
        "large_fleet",
        "The group ends at six servers of 200 requests a second",
        "raise MaxSize, and RequestsPerServer to half of the measured capacity of a core",
    ),
    Limit(
        "one shard's 1,000 records/s",
        lambda events, design: _peak(events) / beacons_a_shard(design),
        "shards",
        "A shard takes 1,000 records or 1 MB a second, and a beacon is one record",
        "one shard, and one Flink reader, for each 1,000 beacons a second",
    ),
    Limit(
        # The one key of visitor_count: All Visitors.
        "one key in Flink",
        lambda events, _: _peak(events) / units().flink_records_per_second,
        "two_stage",
        "All Visitors is one key: a single subtask, one core, sees every beacon",
        "two-stage aggregation: count by a hash of the visitor first, then add up",
    ),
    Limit(
        "one shard of metric rows",
        lambda events, _: _metric_records(events) / limits.SHARD_RECORDS,
        "item_keys",
        "All metrics share one shard of 1,000 records/s, and an amended row is two records",
        "more shards, MetricType and item as partition key: whole values need no order",
    ),
    Limit(
        "the table's 700 write units",
        lambda events, design: plan(events, design).write_units[1] / MOST_WRITE_UNITS,
        "large_table",
        "Auto Scaling adds units up to what one partition has, so that its stream has one shard",
        "raise MaxCapacity: more partitions, more stream shards, more PutMetricData",
    ),
    Limit(
        "a hot DynamoDB key",
        _hot_key,
        "write_sharded",
        "Rows of one MetricType have one key, and a partition takes 1,000 writes a second",
        "write sharding: MetricType#0 to #9 as key, and readers query all ten",
    ),
    Limit(
        "64 KPUs, a shard each",
        _kpus,
        "aggregated",
        "Flink has one reader per shard, and an application has 64 KPUs by default",
        "25 KB aggregation: 41 beacons a record, which use a shard's 1 MB/s",
    ),
    Limit(
        "reading a full shard",
        _reading,
        "fan_out",
        "Two readers of 1 MB/s use up the 2 MB/s of a shard: none could catch up",
        "enhanced fan-out: 2 MB/s for Flink alone (needs the DataStream connector)",
    ),
    Limit(
        "64 KPUs, all busy",
        lambda events, design: _kpus(events, design) if design.aggregated else 0,
        "more_kpus",
        "The application uses all of its 64 KPUs again",
        "ask AWS for more KPUs, or divide the metrics among several applications",
    ),
    Limit(
        "PutMetricData, 500 calls/s",
        lambda events, design: plan(events, design).put_calls / limits.PUT_METRIC_DATA,
        "",
        "CloudWatch takes 500 calls a second; changes are batched, so calls follow shards",
        "a batching window: fewer and larger calls",
    ),
    Limit(
        "1,000 functions at once",
        lambda events, design: plan(events, design).concurrency / limits.CONCURRENCY,
        "",
        "Lambda runs 1,000 functions at once, one for each shard here",
        "ask AWS for more",
    ),
)


@lru_cache(maxsize=8)
def ladder(most: float = MOST_EVENTS) -> tuple[Step, ...]:
    """Return the limits that a growing site exceeds, in order.

    Args:
        most: events a day at which the ladder ends.

    Example:
        `ladder()[0].limit.name` -> `"one shard's 1,000 records/s"`
    """
    design, low = Design(), 1.0
    steps: list[Step] = []
    while True:
        exceeded = [
            (_where(limit, design, low, most), limit)
            for limit in LIMITS
            if limit.lifted_by and limit.used(most, design) > 1
        ]
        if not exceeded:
            return tuple(steps)
        low, first = min(exceeded, key=itemgetter(0))
        after = replace(design, **{first.lifted_by: True})
        steps.append(Step(low, first, design, after))
        design = after


def _where(limit: Limit, design: Design, low: float, high: float) -> float:
    """Return the events a day at which a limit is used up, by bisection; at least `low`."""
    if limit.used(low, design) > 1:
        return low
    while high / low > 1 + CLOSE:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if limit.used(middle, design) > 1 else (middle, high)
    return high


def planned(events: float) -> Plan:
    """Return the plan for a number of events a day, with all changes that it needs.

    Args:
        events: a day, above 0, up to 10 billion.

    Example:
        `planned(100e6).shards` -> `3`
    """
    design = Design()
    for step in ladder():
        if step.events < events:
            design = step.after
    return plan(events, design)


def next_step(events: float) -> Step | None:
    """Return the next limit that a growing site exceeds, None if there is none up to 10 billion."""
    return next((step for step in ladder() if step.events >= events), None)


def used(plan_: Plan) -> dict[str, float]:
    """Return the part of each limit that a plan uses, without the limits that its design lifts.

    Example:
        `used(planned(1e6))["a hot DynamoDB key"]` -> `0.01...`
    """
    parts = {limit.name: limit.used(plan_.events, plan_.design) for limit in LIMITS}
    return {name: part for name, part in parts.items() if part > 0}
