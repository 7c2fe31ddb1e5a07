"""The price of AWS calls that were counted, by caller: `price_meter(cloud)`."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pandas as pd

from helpers.core.call_meter import Reading
from helpers.core.cloud import Cloud

from .monthly_cost import counting_hour
from .prices import price_list, table_hour

# Parts of the pipeline whose calls depend on the time with beacons: `counting_hour`.
COUNTING = ("process-metrics", "publish-metrics")
COLUMNS = ["Calls", "Dollars", "Dollars an hour", "Most of it"]


def price_of(units: Mapping[str, float]) -> float:
    """Return the price of billed units, in dollars.

    Args:
        units: names of prices, and counts. A name without a price costs nothing by the call: the
            used units of a provisioned table, which is billed by the hour.

    Example:
        >>> price_of({"million PutMetricData": 0.5, "used write units": 9})
        5.0
    """
    prices = price_list()["prices"]
    return sum(count * prices[name]["dollars"] for name, count in units.items() if name in prices)


def price_meter(cloud: Cloud) -> pd.DataFrame:
    """Show what the calls to AWS have cost so far, or would have cost: by notebook and helper.

    Locally, every call of the target is counted since it started: those of notebooks, functions,
    agent, Firehose and the Flink job. On AWS, those of this notebook since `connect`. What is
    billed by the hour is not in it: see `cost(cloud)`.

    Args:
        cloud: the target.

    Returns:
        A frame with a row for each caller, the dearest first, and a `Total`; columns Calls,
        Dollars, `Dollars an hour` (since counting began) and `Most of it` (the dearest price).

    Example:
        `price_meter(cloud)`
    """
    since, readings = cloud.counted_calls()
    hours = max(time.time() - since, 1) / 3600
    frame = by_caller(readings, hours)
    total = frame.loc["Total"]
    print(
        f"{total['Calls']:,.0f} calls since {datetime.fromtimestamp(since, UTC):%H:%M} UTC would "
        f"cost ${total['Dollars']:.4f} on AWS, without free tiers. While beacons are counted, "
        f"functions and PutMetricData cost ${counting_hour():.2f} an hour by the plan, which "
        f'connect("aws") names, and the table\'s least capacity ${table_hour():.2f}.'
    )
    return frame


def by_caller(readings: Iterable[Reading], hours: float) -> pd.DataFrame:
    """Return the price of counted calls: a row for each caller, the dearest first, and a `Total`.

    Args:
        readings: as `Cloud.counted_calls` returns them.
        hours: for how long they were counted.

    Example:
        `by_caller(readings, 0.5)["Dollars an hour"]`
    """
    calls: defaultdict[str, int] = defaultdict(int)
    units: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for reading in readings:
        calls[reading.caller] += reading.calls
        for name, count in reading.units.items():
            units[reading.caller][name] += count
    rows = {}
    for caller, count in calls.items():
        prices = {name: price_of({name: number}) for name, number in units[caller].items()}
        dollars = sum(prices.values())
        most = max(prices, key=lambda name: prices[name]) if dollars else ""
        rows[caller] = [count, dollars, dollars / hours, most]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)
    frame = frame.sort_values(["Dollars", "Calls"], ascending=False)
    spent = float(frame["Dollars"].sum())
    frame.loc["Total"] = [int(frame["Calls"].sum()), spent, spent / hours, ""]
    return frame


def counting_dollars(readings: Iterable[Reading]) -> float:
    """Return the price of both functions' calls and runs, which `counting_hour` plans, in dollars.

    Example:
        `counting_dollars(cloud.counted_calls()[1])` -> `0.0003`
    """
    return sum(price_of(each.units) for each in readings if each.caller.endswith(COUNTING))
