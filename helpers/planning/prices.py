"""What things cost on AWS: the dated list in assets/prices.json, and sums made from it."""

import json
import math
from functools import cache
from typing import Any

from helpers.core.paths import REPOSITORY

from .limits import LCU_CONNECTIONS, units

HOURS_PER_MONTH = 730  # AWS's own figure for prices by the month
# Managed Flink gives each working KPU 50 GB of storage, and bills it (its price page).
STORAGE_PER_KPU = 50
DISK = 8  # GB: the root volume of an Amazon Linux 2023 server
FIREHOSE_BYTES = 5 * 1024  # Firehose bills each record as a multiple of it; a beacon is smaller
SERVER = "t4g.small"

# Target tracking makes one alarm to scale out by and one to scale in by:
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
TRACKING_ALARMS = 2
# What is deployed once, however many beacons come.
FIXED = {
    "load balancer": 1,
    "high-resolution alarm": 2,
    # An alarm costs as much as it has metrics; two are Auto Scaling's own, for the fleet's policy.
    "alarm": 3 + TRACKING_ALARMS,
    "dashboard": 1,
    "key": 1,
}
# All modules, deployed as the templates' defaults say, with the job running.
EVERYTHING = FIXED | {
    "shard": 2,
    "KPU": 2,
    "GB of Flink's storage": STORAGE_PER_KPU,
    SERVER: 2,
    "GB of disk": 2 * DISK,
    "public address": 4,  # of two servers, and of the load balancer in two zones
    "metric": 60,  # about as many as the demo shop's traffic makes
}


@cache
def price_list() -> dict[str, Any]:
    """Return the list: its `date`, `region` and `source`, and `prices` by name.

    Example:
        `price_list()["prices"]["shard"]["dollars"]` -> `0.015`
    """
    return json.loads((REPOSITORY / "assets" / "prices.json").read_text(encoding="utf-8"))


def service_of(name: str) -> str:
    """Return the service that bills a thing, e.g. `Kinesis` for `"shard"`."""
    return price_list()["prices"][name]["service"]


def rate(name: str, count: float = 1) -> float:
    """Return what things cost, in dollars an hour.

    Args:
        name: of a price by the hour or the month, e.g. `"shard"`.
        count: how many.

    Example:
        `rate("shard", 2)` -> `0.03`
    """
    price = price_list()["prices"][name]
    return count * price["dollars"] / {"hour": 1, "month": HOURS_PER_MONTH}[price["per"]]


def hourly() -> float:
    """Return what all modules cost in dollars an hour: deployed with defaults, the job running.

    Without free tiers, and without what is billed by use (see `per_million_beacons`).

    Example:
        `f"${hourly():.2f}"` -> `"$0.37"`
    """
    return sum(rate(name, count) for name, count in EVERYTHING.items())


def per_million_beacons() -> float:
    """Return what a million beacons add, in dollars: the balancer, Kinesis, Firehose.

    Rows, function calls and PutMetricData follow the time, not the beacons: `flowing`.

    Example:
        `per_million_beacons()` -> `0.17...`
    """
    prices = price_list()["prices"]
    gigabytes = 1e6 * FIREHOSE_BYTES / 1024**3
    # The balancer's unit is used up by new connections first, 25 a second.
    lcu_hours = 1e6 / units().beacons_a_connection / LCU_CONNECTIONS / 3600
    return (
        lcu_hours * prices["LCU-hour"]["dollars"]
        + prices["million puts"]["dollars"]
        + gigabytes * prices["GB archived"]["dollars"]
    )


def application_parts(detail: dict[str, Any]) -> dict[str, int]:
    """Return what a running Flink application is billed for: names of prices and counts.

    Args:
        detail: what DescribeApplication says of it.

    Example:
        `application_parts(detail)` -> `{"KPU": 2, "GB of Flink's storage": 50}`
    """
    flink = detail["ApplicationConfigurationDescription"][
        "FlinkApplicationConfigurationDescription"
    ]
    parallelism = flink["ParallelismConfigurationDescription"]
    working = math.ceil(int(parallelism["Parallelism"]) / int(parallelism["ParallelismPerKPU"]))
    # One KPU more directs the work; it has no storage that is billed.
    return {"KPU": working + 1, "GB of Flink's storage": working * STORAGE_PER_KPU}


def application_rate(detail: dict[str, Any]) -> float:
    """Return what a Flink application costs while it runs, in dollars an hour."""
    return sum(rate(name, count) for name, count in application_parts(detail).items())
