"""The monthly cost of a plan on AWS, by service, from assets/prices.json."""

from dataclasses import replace

from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.billed_units import FIREHOSE_BYTES

from . import limits
from .capacity import (
    DAY,
    LEAST_WRITE_UNITS,
    READ_UNITS,
    VISIT_BUCKET_SECONDS,
    Design,
    Plan,
    beacons_a_record,
)
from .capacity import plan as replan
from .limits import units
from .prices import (
    DISK,
    FIXED,
    HOURS_PER_MONTH,
    SERVER,
    STORAGE_PER_KPU,
    price_list,
    service_of,
)

SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
FUNCTION_GB = 0.5  # cfn: 512 MB
ARCHIVE_DAYS, BUFFER_SECONDS = 7, 10  # cfn/1-capture.yaml: retention, time between two objects
ROW_BYTES, ROW_DAYS = 400, 7  # process_metrics: an item is a few hundred bytes, kept a week
# assets/functions: publish_metrics reads the catalog again after five seconds (21 rows in steps of
# 4 KB: one has more); process_metrics updates each row once in a bucket, in steps of 1 KB: ten rows
# of ten seconds, three of them of about 3 KB, and the eleven of visits.
CATALOG_SECONDS, CATALOG_READS, CATALOG_WRITES, CATALOG_WRITES_OF_VISITS = 5, 22, 16, 11


def month_of(name: str, count: float) -> float:
    """Return the cost of so many units in a month, in dollars.

    Args:
        name: of a price.
        count: the number of units: deployed for the month, or used in the month.

    Example:
        `month_of("shard", 2)` -> `21.9`
    """
    price = price_list()["prices"][name]
    return count * price["dollars"] * (HOURS_PER_MONTH if price["per"] == "hour" else 1)


def resources(plan: Plan) -> dict[str, float]:
    """Return the billed units of a plan in a month: names of prices, and counts.

    Logs, Athena and the free tiers are not included. The archive holds seven days.

    Args:
        plan: as `bottlenecks.planned` returns it.

    Example:
        `resources(planned(1e6))["shard"]` -> `2`
    """
    unit, design = units(), plan.design
    beacons = plan.mean * SECONDS_PER_MONTH
    million, giga = beacons / 1e6, beacons / 1e9
    # A record contains what an agent collects in half a second, up to 25 KB.
    gathered = plan.mean / plan.servers * unit.pack_seconds
    together = max(1.0, min(beacons_a_record(design), gathered))
    # A record is billed in steps: 25 KB of a put into Kinesis, 5 KB of one through Firehose.
    archived = max(together * unit.record_bytes, FIREHOSE_BYTES) / together
    lcu = max(
        plan.mean / unit.beacons_a_connection / limits.LCU_CONNECTIONS,
        plan.mean * (unit.request_bytes + unit.answer_bytes) / limits.LCU_BYTES,
    )
    # Each poll that finds rows invokes a function; each row adds to its duration.
    runs = plan.metric_shards * limits.POLLS_OF_A_STREAM + plan.put_calls
    busy = plan.rows / unit.rows_per_second + unit.run_seconds * runs
    archive_gb = ARCHIVE_DAYS * DAY * plan.mean * unit.record_bytes * unit.archive_share / 1e9
    # Firehose writes an object every ten seconds, or for each 5 MB.
    objects = max(1 / BUFFER_SECONDS, plan.mean * unit.record_bytes / 5e6) * SECONDS_PER_MONTH
    # publish_metrics reads its marks with each call, a unit, and writes them.
    writes = plan.put_calls * unit.mark_units_a_look + CATALOG_WRITES / BUCKET_SECONDS
    writes += CATALOG_WRITES_OF_VISITS / VISIT_BUCKET_SECONDS
    reads = plan.put_calls + plan.table_shards * CATALOG_READS / CATALOG_SECONDS
    return FIXED | {
        SERVER: plan.servers,
        "GB of disk": plan.servers * DISK,
        "public address": plan.servers + 2,
        "LCU-hour": lcu * HOURS_PER_MONTH,
        "GB to the internet": giga * unit.answer_bytes,
        "shard": plan.shards + plan.metric_shards,
        "million puts": million / together + plan.metric_records * SECONDS_PER_MONTH / 1e6,
        "fan-out shard": plan.shards if design.fan_out else 0,
        "GB fanned out": giga * unit.record_bytes if design.fan_out else 0,
        "GB archived": beacons * archived / 1024**3,
        "GB in S3": archive_gb,
        "million S3 puts": objects / 1e6,
        "KPU": plan.kpus + 1,
        "GB of Flink's storage": plan.kpus * STORAGE_PER_KPU,
        # The capacity follows the rows, so a month costs its mean.
        "write unit": plan.write_units[0],
        "read unit": READ_UNITS,
        "million writes": writes * SECONDS_PER_MONTH / 1e6,
        "million reads": reads * SECONDS_PER_MONTH / 1e6,
        "GB in DynamoDB": plan.stored_rows * ROW_DAYS * DAY * ROW_BYTES / 1e9,
        "million calls of functions": runs * SECONDS_PER_MONTH / 1e6,
        "million GB-seconds": busy * FUNCTION_GB * SECONDS_PER_MONTH / 1e6,
        "metric": plan.metrics,
        "million PutMetricData": plan.put_calls * SECONDS_PER_MONTH / 1e6,
    }


def monthly(plan: Plan) -> dict[str, float]:
    """Return dollars a month by service, the largest first.

    Example:
        `sum(monthly(planned(1e6)).values())` -> dollars a month at a million events a day
    """
    by_service: dict[str, float] = {}
    for name, count in resources(plan).items():
        service = service_of(name)
        by_service[service] = by_service.get(service, 0) + month_of(name, count)
    return dict(sorted(by_service.items(), key=lambda pair: -pair[1]))


def dollars(plan: Plan) -> float:
    """Return what a plan costs in a month, in dollars."""
    return sum(monthly(plan).values())


def same_speed(plan: Plan) -> Plan:
    """Return the plan in which up to eight of Flink's readers share a KPU: as fast, for less.

    A reader of a full shard needs a small part of a KPU: `units().flink_records_per_second`.

    Example:
        `dollars(planned(100e6)) - dollars(same_speed(planned(100e6)))` -> dollars saved a month
    """
    return replan(plan.events, replace(plan.design, shared_kpus=True))


def packed(plan: Plan) -> Plan:
    """Return that plan with beacons packed into records of 25 KB, even if no limit requires it.

    A put into Kinesis is billed in steps of 25 KB, one through Firehose in steps of 5 KB. A packed
    record contains 41 beacons, or those of half a second. (The agent of this workshop packs none.)

    Example:
        `dollars(planned(1e9)) - dollars(packed(planned(1e9)))` -> dollars saved a month
    """
    return replan(plan.events, replace(same_speed(plan).design, aggregated=True))


def thrifty(plan: Plan) -> Plan:
    """Return the packed plan whose publish_metrics collects changes for five seconds, too.

    Example:
        `dollars(planned(1e6)) - dollars(thrifty(planned(1e6)))` -> dollars saved a month
    """
    return replan(plan.events, replace(packed(plan).design, put_window=5))


# Charges of functions and tables that depend on the time with beacons, not on their number.
BY_TIME = (
    "million writes",
    "million reads",
    "million calls of functions",
    "million GB-seconds",
    "million PutMetricData",
)


def counting_hour(events: float = 1e6) -> float:
    """Return what an hour with beacons adds for functions, tables and PutMetricData, in dollars.

    The table's least capacity is not included: it is billed while the table exists, with or without
    beacons (`prices.table_hour`, a part of `prices.hourly`).

    Args:
        events: events a day; ten times as many cost less than three times as much.

    Example:
        `counting_hour()` -> `0.11...`
    """
    plan = replan(events, Design())
    found = resources(plan)
    added = month_of("write unit", plan.write_units[0] - LEAST_WRITE_UNITS)
    return (sum(month_of(name, found[name]) for name in BY_TIME) + added) / HOURS_PER_MONTH
