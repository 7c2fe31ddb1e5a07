"""AWS's prices: the dated list in assets/prices.json, and sums calculated from it."""

import json
import math
from functools import cache
from typing import Any

from helpers.core.billed_units import FIREHOSE_BYTES
from helpers.core.paths import REPOSITORY

from .limits import LCU_CONNECTIONS, units

HOURS_PER_MONTH = 730  # AWS's own figure for prices by the month
# Managed Flink gives each working KPU 50 GB of storage, and bills it (its price page).
STORAGE_PER_KPU = 50
DISK = 8  # GB: the root volume of an Amazon Linux 2023 server
SERVER = "t4g.small"

# Target tracking creates one alarm for scaling out and one for scaling in:
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
TRACKING_ALARMS = 2
# A policy of a table creates four: two for its use, and two that notice a capacity that was changed
# by hand. (From memory: AWS's page names only that it creates alarms.)
TABLE_TRACKING_ALARMS = 4
# cfn/2-analyze.yaml: the least capacity of the table of metrics, and its two policies' alarms.
TABLE = {"write unit": 50, "read unit": 25, "alarm": 2 * TABLE_TRACKING_ALARMS}
# Resources whose number does not depend on the beacons.
FIXED = {
    "load balancer": 1,
    "high-resolution alarm": 2,
    # An alarm is billed by its metrics; Auto Scaling creates more, for the fleet and the table.
    "alarm": 3 + TRACKING_ALARMS + TABLE["alarm"],
    "dashboard": 1,
    "key": 1,
}
# All modules, deployed with the templates' defaults, with the job running.
EVERYTHING = FIXED | {
    "shard": 2,
    "KPU": 2,
    "GB of Flink's storage": STORAGE_PER_KPU,
    SERVER: 2,
    "GB of disk": 2 * DISK,
    "public address": 4,  # of two servers, and of the load balancer in two zones
    "write unit": TABLE["write unit"],
    "read unit": TABLE["read unit"],
    # About as many as the demo shop's traffic makes: 60, and of visits 3 numbers, 8 first and 10
    # last pages, 8 sources with and without a conversion, 3 campaigns, 7 browsers, 5 systems, 3
    # devices.
    "metric": 115,
}


@cache
def price_list() -> dict[str, Any]:
    """Return the list: its `date`, `region` and `source`, and `prices` by name.

    Example:
        `price_list()["prices"]["shard"]["dollars"]` -> `0.015`
    """
    return json.loads((REPOSITORY / "assets" / "prices.json").read_text(encoding="utf-8"))


def service_of(name: str) -> str:
    """Return the service that bills a price's unit, e.g. `Kinesis` for `"shard"`."""
    return price_list()["prices"][name]["service"]


def rate(name: str, count: float = 1) -> float:
    """Return the cost of so many units, in dollars an hour.

    Args:
        name: of a price by the hour or the month, e.g. `"shard"`.
        count: the number of units.

    Example:
        `rate("shard", 2)` -> `0.03`
    """
    price = price_list()["prices"][name]
    return count * price["dollars"] / {"hour": 1, "month": HOURS_PER_MONTH}[price["per"]]


def hourly() -> float:
    """Return the cost of all modules in dollars an hour: deployed with defaults, the job running.

    Without free tiers, and without charges by use (see `per_million_beacons`).

    Example:
        `f"${hourly():.2f}"` -> `"$0.43"`
    """
    return sum(rate(name, count) for name, count in EVERYTHING.items())


def table_hour() -> float:
    """Return the cost of the table's least capacity, a part of `hourly()`, in dollars an hour.

    Example:
        `f"${table_hour():.3f}"` -> `"$0.037"`
    """
    return sum(rate(name, count) for name, count in TABLE.items())


def reading_hour(metrics: float, calls: float = 0) -> float:
    """Return what reading CloudWatch costs, in dollars an hour.

    Args:
        metrics: GetMetricData is asked for, in an hour.
        calls: of ListMetrics, in an hour.

    Example:
        >>> reading_hour(60 * 1800)  # sixty metrics every two seconds
        1.08
    """
    prices = price_list()["prices"]
    read = metrics / 1e6 * prices["million metrics read"]["dollars"]
    return read + calls / 1e6 * prices["million CloudWatch calls"]["dollars"]


def per_million_beacons() -> float:
    """Return the charges of a million beacons, in dollars: load balancer, Kinesis, Firehose.

    Rows, function calls and PutMetricData depend on time, not on beacons: see `counting_hour`.

    Example:
        `per_million_beacons()` -> `0.17...`
    """
    prices = price_list()["prices"]
    gigabytes = 1e6 * FIREHOSE_BYTES / 1024**3
    # The first dimension of the load balancer's unit to be used up: 25 new connections a second.
    lcu_hours = 1e6 / units().beacons_a_connection / LCU_CONNECTIONS / 3600
    return (
        lcu_hours * prices["LCU-hour"]["dollars"]
        + prices["million puts"]["dollars"]
        + gigabytes * prices["GB archived"]["dollars"]
    )


def application_parts(detail: dict[str, Any]) -> dict[str, int]:
    """Return the billed units of a running Flink application: names of prices and counts.

    Args:
        detail: the application's description, from DescribeApplication.

    Example:
        `application_parts(detail)` -> `{"KPU": 2, "GB of Flink's storage": 50}`
    """
    settings = parallelism(detail)
    working = math.ceil(int(settings["Parallelism"]) / int(settings["ParallelismPerKPU"]))
    # One more KPU coordinates the others; its storage is not billed.
    return {"KPU": working + 1, "GB of Flink's storage": working * STORAGE_PER_KPU}


def parallelism(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the parallelism settings of a Flink application's description."""
    configuration = detail["ApplicationConfigurationDescription"]
    flink = configuration["FlinkApplicationConfigurationDescription"]
    return flink["ParallelismConfigurationDescription"]


def application_rate(detail: dict[str, Any]) -> float:
    """Return the cost of a running Flink application, in dollars an hour."""
    return sum(rate(name, count) for name, count in application_parts(detail).items())
