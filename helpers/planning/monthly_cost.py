"""What a plan costs in a month on AWS, by service, out of assets/prices.json."""

from dataclasses import replace

from . import limits
from .capacity import DAY, Design, Plan, beacons_a_record
from .capacity import plan as replan
from .limits import units
from .prices import (
    DISK,
    FIREHOSE_BYTES,
    FIXED,
    HOURS_PER_MONTH,
    SERVER,
    STORAGE_PER_KPU,
    price_list,
    service_of,
)

SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
FUNCTION_GB = 0.5  # cfn: 512 MB
ARCHIVE_DAYS, BUFFER_SECONDS = 7, 10  # cfn/1-capture.yaml: kept so long, an object so often
ROW_BYTES, ROW_DAYS = 400, 7  # process_metrics: an item is a few hundred bytes, kept a week
CATALOG_READS = 10  # units, by publish_metrics: nine metrics, and one of them has over 4 KB


def month_of(name: str, count: float) -> float:
    """Return what a count of a thing costs in a month, dollars.

    Args:
        name: of a price; what is billed by use is counted for the whole month.
        count: how many of them, at any moment or in the month.

    Example:
        `month_of("shard", 2)` -> `21.9`
    """
    price = price_list()["prices"][name]
    return count * price["dollars"] * (HOURS_PER_MONTH if price["per"] == "hour" else 1)


def resources(plan: Plan) -> dict[str, float]:
    """Return what a plan is billed for in a month: names of prices, and counts.

    Logs, Athena and the free tiers are left out. The archive holds its seven days.

    Args:
        plan: as `bottlenecks.planned` returns it.

    Example:
        `resources(planned(1e6))["shard"]` -> `2`
    """
    one, design = units(), plan.design
    beacons = plan.mean * SECONDS_PER_MONTH
    million, giga = beacons / 1e6, beacons / 1e9
    # In a record is what an agent gathers in half a second, up to 25 KB.
    gathered = plan.mean / plan.servers * one.pack_seconds
    together = max(1.0, min(beacons_a_record(design), gathered))
    # A record is billed in steps: 25 KB of a put into Kinesis, 5 KB of one through Firehose.
    archived = max(together * one.record_bytes, FIREHOSE_BYTES) / together
    lcu = max(
        plan.mean / one.beacons_a_connection / limits.LCU_CONNECTIONS,
        plan.mean * (one.request_bytes + one.answer_bytes) / limits.LCU_BYTES,
    )
    # A function is called for what a look finds; a row more takes it longer.
    runs = plan.metric_shards * limits.POLLS_OF_A_STREAM + plan.put_calls
    busy = plan.rows / one.rows_per_second + one.run_seconds * runs
    archive_gb = ARCHIVE_DAYS * DAY * plan.mean * one.record_bytes * one.archive_share / 1e9
    # One object a buffer of ten seconds, or of 5 MB.
    objects = max(1 / BUFFER_SECONDS, plan.mean * one.record_bytes / 5e6) * SECONDS_PER_MONTH
    # A metric's rows come in one shard of the table's stream, so each is noted once a look.
    looks = plan.put_calls / plan.table_shards
    catalog_writes = one.catalog_units_a_look * looks
    return FIXED | {
        SERVER: plan.servers,
        "GB of disk": plan.servers * DISK,
        "public address": plan.servers + 2,
        "LCU-hour": lcu * HOURS_PER_MONTH,
        "GB to the internet": giga * one.answer_bytes,
        "shard": plan.shards + plan.metric_shards,
        "million puts": million / together + plan.metric_records * SECONDS_PER_MONTH / 1e6,
        "fan-out shard": plan.shards if design.fan_out else 0,
        "GB fanned out": giga * one.record_bytes if design.fan_out else 0,
        "GB archived": beacons * archived / 1024**3,
        "GB in S3": archive_gb,
        "million S3 puts": objects / 1e6,
        "KPU": plan.kpus + 1,
        "GB of Flink's storage": plan.kpus * STORAGE_PER_KPU,
        "million writes": (plan.rows + catalog_writes) * SECONDS_PER_MONTH / 1e6,
        "million reads": looks * CATALOG_READS * SECONDS_PER_MONTH / 1e6,
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


def thrifty(plan: Plan) -> Plan:
    """Return the plan with what saves money whether a limit asks for it or not.

    Beacons are packed into records of 25 KB (a put into Kinesis is billed in steps of 25 KB,
    one through Firehose in steps of 5 KB), and publish_metrics gathers changes for five seconds.
    A packed record needs time to fill: 41 beacons, or what half a second brings.

    Example:
        `dollars(planned(1e9)) - dollars(thrifty(planned(1e9)))` -> dollars saved a month
    """
    return replan(plan.events, replace(plan.design, aggregated=True, put_window=5))


# What functions and tables are billed for as long as beacons flow, however many they are.
BY_TIME = (
    "million writes",
    "million reads",
    "million calls of functions",
    "million GB-seconds",
    "million PutMetricData",
)


def counting_hour(events: float = 1e6) -> float:
    """Return what functions, tables and PutMetricData cost in an hour in which beacons flow.

    Args:
        events: a day; ten times as many cost not twice as much.

    Example:
        `counting_hour()` -> `0.45...`
    """
    found = resources(replan(events, Design()))
    return sum(month_of(name, found[name]) for name in BY_TIME) / HOURS_PER_MONTH
