"""Compares the cost of this design and of the original workshop, at 1 to 100 million events a day.

The original's cost is computed from its template, and quoted from its README.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from helpers.core.billed_units import FIREHOSE_BYTES
from helpers.plotting.figure import Picture
from helpers.plotting.palette import BLUE, GREEN, INK, OTHERS, QUIET, SKY, SLATE

from .bottlenecks import planned
from .capacity import Plan, p50, per_second
from .limits import units
from .monthly_cost import SECONDS_PER_MONTH, dollars, month_of, packed, same_speed, thrifty

_COLORS = (BLUE, GREEN, GREEN, GREEN, SKY, SLATE, OTHERS)
SIZES = (1e6, 10e6, 100e6)  # events a day
# The README of the original workshop, version of 2019-11-20, "approximately", events of 1 KB:
# https://github.com/aws-samples/realtime-web-analytics-workshop
CLAIMED = {1e6: 100.0, 10e6: 170.0, 100e6: 950.0}
# Its template module-3/3-publish-metrics-completed.yaml, with its own defaults.
ORIGINAL_BASE = {"t2.medium": 2, "KPU": 1, "load balancer": 1}
ORIGINAL_REST = {
    "GB of gp2 disk": 2 * 8,
    "public address": 2 + 2,  # free in 2019, billed since 2024
    "write unit": 1 + 30,  # of its two tables; the second one has at least 30
    "read unit": 1 + 3,
    "alarm": 2 + 8,  # two in the template, and four for each of the two scaling policies
    "metric": 60,  # as many items as here, without those of visits: it counts no visits
}
ORIGINAL_SERVER_RATE = 50_000 / 60  # requests a second, from its parameter
ORIGINAL_EVENT_BYTES = 1024


@dataclass(frozen=True)
class CostOption:
    """A design with its monthly cost.

    Args:
        name: its label in the picture.
        source: the source of its cost.
        months: dollars a month by events a day.
        p50: median seconds from a beacon to its datapoint; None if unknown.
    """

    name: str
    source: str
    months: dict[float, float]
    p50: float | None = None


def original_base() -> float:
    """Return the monthly cost of the original's servers, application and balancer without events.

    Example:
        >>> round(original_base())
        164
    """
    return sum(month_of(name, count) for name, count in ORIGINAL_BASE.items())


def original(events: float) -> float:
    """Return the monthly cost of the original's resources, in dollars, at today's prices.

    AWS no longer offers its SQL engine; a KPU of the successor costs the same. Servers are added as
    its template's parameter defines. Assumed: a KPU for each 1,000 records a second. Its functions
    and PutMetricData are not included: they depend on code.

    Args:
        events: events a day.

    Example:
        `original(1e6)` -> dollars a month
    """
    rate = per_second(events)
    servers = max(2, math.ceil(rate * units().peak_over_mean / ORIGINAL_SERVER_RATE))
    kpus = max(1, math.ceil(rate * units().peak_over_mean / 1000))
    fixed = sum(month_of(name, count) for name, count in ORIGINAL_REST.items())
    base = original_base() + month_of("t2.medium", servers - 2) + month_of("KPU", kpus - 1)
    beacons = rate * SECONDS_PER_MONTH
    delivered = month_of("GB archived", beacons * FIREHOSE_BYTES / 1024**3)
    # Its archive is neither compressed nor deleted: after a month it holds a month.
    kept = month_of("GB in S3", beacons * ORIGINAL_EVENT_BYTES / 1e9)
    return base + fixed + delivered + kept


def on_demand(events: float) -> float:
    """Return the monthly cost of this design with an on-demand clicks stream, in dollars.

    $0.04 a stream-hour, $0.08 a GB in and $0.04 a GB out (to Firehose and to Flink) replace shards
    and puts; the metrics stream keeps its shards.

    Args:
        events: events a day.
    """
    plan = planned(events)
    gigabytes = plan.mean * SECONDS_PER_MONTH * units().record_bytes / 1e9
    shards = month_of("shard", plan.shards)
    puts = month_of("million puts", plan.mean * SECONDS_PER_MONTH / 1e6)
    stream = month_of("on-demand stream", 1) + month_of("GB in, on demand", gigabytes)
    return dollars(plan) - shards - puts + stream + month_of("GB out, on demand", 2 * gigabytes)


def cost_options() -> list[CostOption]:
    """Return the designs that are compared, this one first.

    Example:
        `cost_options()[0].months[1e6]` -> dollars a month of this design at a million events a day
    """

    def design(name: str, source: str, change: Callable[[Plan], Plan]) -> CostOption:
        plans = {events: change(planned(events)) for events in SIZES}
        months = {events: dollars(plan) for events, plan in plans.items()}
        return CostOption(f"this design, {name}", source, months, p50(plans[SIZES[0]]))

    def option(name: str, source: str, cost: Callable[[float], float]) -> CostOption:
        return CostOption(name, source, {events: cost(events) for events in SIZES})

    on_demand_stream = option("this design, on-demand stream", "no shards to plan", on_demand)
    return [
        design("as it grows", "its plan, assets/prices.json", lambda plan: plan),
        design("shared KPUs", "eight of Flink's readers a KPU", same_speed),
        design("packed", "and 25 KB records, which are not built", packed),
        design("thrifty", "and 5 s before a PutMetricData", thrifty),
        replace(on_demand_stream, p50=p50(planned(SIZES[0]))),
        option("the original, from its template",
               "its resources, today's prices, functions left out", original),
        CostOption("the original's claim", "its README, 2019", CLAIMED),
    ]  # fmt: skip


def cost_comparison_table() -> pd.DataFrame:
    """Return dollars a month as a table: a row per design, a column per size.

    `p50` is the median of seconds from a beacon to its datapoint on AWS, as computed there.

    Example:
        `cost_comparison_table()`
    """
    rows = {
        option.name: [*(option.months.get(events) for events in SIZES), option.p50, option.source]
        for option in cost_options()
    }
    sizes = [f"{events / 1e6:,.0f} M a day" for events in SIZES]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[*sizes, "p50", "Source"])
    return frame.assign(
        **{name: frame[name].round(0).astype("Int64") for name in sizes},
        p50=frame["p50"].astype("Float64").round(2),
    )


def cost_comparison() -> Picture:
    """Return a picture of the monthly cost at 1, 10 and 100 million events a day.

    It shows this design from its plan, and the original from its template and from its README
    (see `cost_comparison_table()` for the sources). Each size has its own scale.

    Example:
        `cost_comparison()`
    """
    options = cost_options()
    picture = Picture(9.6, 4.8)
    picture.set_layout_engine("constrained", w_pad=0.12, h_pad=0.15)  # inches
    picture.suptitle("Dollars a month", x=0.02, ha="left", fontsize=13, weight="bold", color=INK)
    panels = picture.subplots(1, len(SIZES), sharey=True)
    for axes, events in zip(panels, SIZES, strict=True):
        costs = [option.months[events] for option in options]
        names = [f"{_with_p50(option)}\n{option.source}" for option in options]
        bars = axes.barh(names, costs, 0.62, color=_COLORS)
        axes.bar_label(bars, fmt="${:,.0f}", padding=5)
        axes.set_xlim(0, 1.45 * max(costs))  # room for the longest bar's label
        axes.set_title(f"{events / 1e6:g} million events a day", loc="left", fontsize=9.5)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelbottom=False, labelsize=8.5)
    panels[0].invert_yaxis()
    note = "us-east-1, without free tiers and logs; each column has its own scale"
    picture.supxlabel(note, x=0.02, ha="left", fontsize=8.5, color=QUIET)
    words = "; ".join(
        f"{_with_p50(option)}: " + ", ".join(f"${option.months[events]:,.0f}" for events in SIZES)
        for option in options
    )
    picture.sentence = (
        "Cost of a month at 1, 10 and 100 million events a day, with the median seconds to a "
        f"datapoint. {words}."
    )
    return picture


def _with_p50(option: CostOption) -> str:
    return option.name if option.p50 is None else f"{option.name} ({option.p50:.1f} s)"
