"""Which limit is reached first as a site grows, and what the design changes then.

Each limit is a function of events a day and the design: how much of it is used, 1 being all. The
ladder of a site's growth is found by asking, again and again, which limit is used up first.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from . import units as limits
from .capacity import (
    MINI_BATCH_SECONDS,
    RECORDS_A_ROW,
    Design,
    Plan,
    beacons_a_shard,
    per_second,
    plan,
    requests_a_server,
    rows_by_metric,
)
from .units import units

MOST_EVENTS = 10e9  # a day
GROUP_SIZE = 6  # cfn/1-frontend.yaml: MaxSize
READERS = 2  # Firehose and Flink
HEADROOM = 0.8  # of what a shard can be read: the rest is to catch up after a pause
CLOSE = 1e-6  # how exactly a step is found


@dataclass(frozen=True)
class Limit:
    """One limit.

    Args:
        name: what it is, for a label.
        why: one sentence: what happens there.
        used: the part that events a day use of it with a design.
        change: the fields of Design that lift it, or nothing if nothing need lift it.
        answer: what the change is, in words.
    """

    name: str
    why: str
    used: Callable[[float, Design], float]
    change: dict[str, bool]
    answer: str


@dataclass(frozen=True)
class Step:
    """A step of the ladder: from so many events a day on, a limit is exceeded.

    Args:
        events: a day, at which it is used up.
        limit: which one.
        before, after: the design below and above that.
    """

    events: float
    limit: Limit
    before: Design
    after: Design


def _peak(events: float) -> float:
    return per_second(events) * units().peak_over_mean


def _servers(events: float, design: Design) -> float:
    return 0 if design.large_fleet else _peak(events) / (GROUP_SIZE * requests_a_server(design))


def _one_shard(events: float, design: Design) -> float:
    return 0 if design.shards else _peak(events) / beacons_a_shard(design)


def _one_key(events: float, design: Design) -> float:
    # visitor_count has one key, All Visitors: one subtask of Flink, one core, sees every beacon.
    return 0 if design.two_stage else _peak(events) / units().flink_records_per_second


def _metric_records(events: float) -> dict[str, float]:
    rows = rows_by_metric(events, _peak(events), MINI_BATCH_SECONDS)
    return {name: RECORDS_A_ROW * each for name, each in rows.items()}


def _metric_shard(events: float, design: Design) -> float:
    if design.metric_shards or design.item_keys:
        return 0
    return sum(_metric_records(events).values()) / limits.SHARD_RECORDS


def _metric_order(events: float, design: Design) -> float:
    if design.item_keys:
        return 0
    return max(_metric_records(events).values()) / limits.SHARD_RECORDS


def _hot_key(events: float, design: Design) -> float:
    if design.write_sharded:
        return 0
    rows = rows_by_metric(events, _peak(events), 1 / limits.POLLS_OF_A_STREAM)
    return max(rows.values()) / limits.PARTITION_WRITES


def _kpus(events: float, design: Design) -> float:
    return 0 if design.more_kpus else plan(events, design).kpus / limits.KPUS


def _kpus_by_records(events: float, design: Design) -> float:
    return 0 if design.aggregated else _kpus(events, design)


def _kpus_by_bytes(events: float, design: Design) -> float:
    return _kpus(events, design) if design.aggregated else 0


def _reading(events: float, design: Design) -> float:
    shards = plan(events, design).shards
    read = READERS * _peak(events) * units().record_bytes / shards
    return 0 if design.fan_out else read / (limits.SHARD_READ_BYTES * HEADROOM)


def _put_calls(events: float, design: Design) -> float:
    return plan(events, design).put_calls / limits.PUT_METRIC_DATA


def _concurrency(events: float, design: Design) -> float:
    return plan(events, design).concurrency / limits.CONCURRENCY


LIMITS = (
    Limit(
        "the fleet's six servers",
        "The group ends at six servers of 200 requests a second",
        _servers,
        {"large_fleet": True},
        "raise MaxSize, and RequestsPerServer to half of what a core was measured to answer",
    ),
    Limit(
        "one shard's 1,000 records/s",
        "A shard takes 1,000 records or 1 MB a second, and a beacon is one record",
        _one_shard,
        {"shards": True},
        "one shard, and one reader of Flink's, for each 1,000 beacons a second",
    ),
    Limit(
        "one key in Flink",
        "All Visitors is one key: a single subtask, one core, sees every beacon",
        _one_key,
        {"two_stage": True},
        "two-stage aggregation: count by a hash of the visitor first, then add up",
    ),
    Limit(
        "one shard of metric rows",
        "All metrics share one shard of 1,000 records/s, and an amended row is two records",
        _metric_shard,
        {"metric_shards": True},
        "a shard for each MetricType",
    ),
    Limit(
        "a shard's MetricType order",
        "Rows of one MetricType stay in order, so they stay in one shard",
        _metric_order,
        {"item_keys": True},
        "MetricType and item as partition key: a row is whole, so nothing needs an order",
    ),
    Limit(
        "a hot DynamoDB key",
        "Rows of one MetricType have one key, and a partition takes 1,000 writes a second",
        _hot_key,
        {"write_sharded": True},
        "write sharding: MetricType#0 to #9 as key, and readers ask for all ten",
    ),
    Limit(
        "64 KPUs, a shard each",
        "Flink has a reader a shard, and an application has 64 KPUs at first",
        _kpus_by_records,
        {"aggregated": True},
        "25 KB aggregation: 41 beacons a record, so that a shard's 1 MB/s is filled",
    ),
    Limit(
        "reading a full shard",
        "Two readers of 1 MB/s use up the 2 MB/s of a shard: none could catch up",
        _reading,
        {"fan_out": True},
        "enhanced fan-out: Flink gets 2 MB/s of its own (the DataStream connector can)",
    ),
    Limit(
        "64 KPUs, all busy",
        "The application is at its 64 KPUs again",
        _kpus_by_bytes,
        {"more_kpus": True},
        "ask AWS for more KPUs, or run one application for some of the metrics each",
    ),
    Limit(
        "PutMetricData, 500 calls/s",
        "CloudWatch takes 500 calls a second; changes are gathered, so calls follow shards",
        _put_calls,
        {},
        "a batching window: fewer calls with more in each",
    ),
    Limit(
        "1,000 functions at once",
        "Lambda runs 1,000 functions at once, one for each shard here",
        _concurrency,
        {},
        "ask AWS for more",
    ),
)


@lru_cache(maxsize=8)
def ladder(most: float = MOST_EVENTS) -> tuple[Step, ...]:
    """Return the limits that are exceeded on the way up, in the order in which they are.

    Args:
        most: events a day at which the ladder ends.

    Example:
        `ladder()[0].limit.name` -> `"one shard's 1,000 records/s"`
    """
    design, low = Design(), 1.0
    steps: list[Step] = []
    while True:
        exceeded = [one for one in LIMITS if one.change and one.used(most, design) > 1]
        if not exceeded:
            return tuple(steps)
        found = {one.name: _where(one, design, low, most) for one in exceeded}
        first = min(exceeded, key=lambda one: found[one.name])
        low = found[first.name]
        after = replace(design, **first.change)
        steps.append(Step(low, first, design, after))
        design = after


def _where(limit: Limit, design: Design, low: float, high: float) -> float:
    """Return the events a day at which a limit is used up, by halving; `low` if it is already."""
    if limit.used(low, design) > 1:
        return low
    while high / low > 1 + CLOSE:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if limit.used(middle, design) > 1 else (middle, high)
    return high


def planned(events: float) -> Plan:
    """Return the plan for a number of events a day, with every change that they need.

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
    """Return the first limit that is still to come, or None up to 10 billion a day."""
    return next((step for step in ladder() if step.events >= events), None)


def used(plan_: Plan) -> dict[str, float]:
    """Return how much of each limit a plan uses; what its design has lifted is left out.

    Example:
        `used(planned(1e6))["a hot DynamoDB key"]` -> `0.01...`
    """
    parts = {one.name: one.used(plan_.events, plan_.design) for one in LIMITS}
    return {name: part for name, part in parts.items() if part > 0}
