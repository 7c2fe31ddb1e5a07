"""Counts visits again from archived beacons, with pandas: sorted by time, divided at each gap.

This shares only the definition with the Flink job, which joins visits as beacons arrive
(assets/flink/dep/visits.py). A visit counts in the minute in which it begins.
"""

from collections.abc import Callable

import pandas as pd

from helpers.core.epoch import times

GAP = pd.Timedelta(minutes=30)  # a gap of exactly half an hour belongs to the visit
NONE, DIRECT, UNKNOWN = "(none)", "(direct)", "Other"
ALL = "All Visits"
CLIENT = {"browser_count": "browser", "system_count": "system", "device_count": "device"}
METRICS = ("visit_count", "bounce_count", "visit_seconds", "entry_pages", "exit_pages",
           "source_count", "campaign_count", "conversion_count", *CLIENT)  # fmt: skip


def recounted_visits(
    beacons: pd.DataFrame, shortened: Callable[[str], str], gap: pd.Timedelta = GAP
) -> pd.DataFrame:
    """Count the metrics of visits.

    Args:
        beacons: accepted beacons, with the columns of `archived_beacons`.
        shortened: returns an item as Flink writes it.
        gap: the longest time between two beacons of a visit.

    Returns:
        Columns Time (start of the minute, UTC), Item, Value (never 0) and Metric.

    Example:
        `recounted_visits(beacons, shortened).query("Metric == 'visit_count'")`
    """
    visits = visits_of(with_visits(beacons, shortened, gap))
    columns: tuple[tuple[str, str | None, pd.Series | int], ...] = (
        ("visit_count", None, 1),
        ("bounce_count", None, bounces(visits)),
        ("visit_seconds", None, (visits["last"] - visits["first"]) // 1000),
        ("entry_pages", "entry", 1),
        ("exit_pages", "exit", 1),
        ("source_count", "source", 1),
        ("campaign_count", "campaign", 1),
        ("conversion_count", "source", visits["conversions"] > 0),
        *((metric, column, 1) for metric, column in CLIENT.items()),
    )
    parts = [_sums(metric, visits, item, value) for metric, item, value in columns]
    return pd.concat(parts, ignore_index=True)


def with_visits(
    beacons: pd.DataFrame,
    shortened: Callable[[str], str] = lambda item: item,
    gap: pd.Timedelta = GAP,
) -> pd.DataFrame:
    """Return the beacons that have a visitor, each with the number of its visit.

    Args:
        beacons: accepted beacons, with the columns of `archived_beacons`.
        shortened: returns an item as Flink writes it.
        gap: the longest time between two beacons of a visit.

    Returns:
        The beacons, with the columns visit (a number), at (epoch ms), requested (epoch ms) and
        client; page, source and campaign are shortened.

    Example:
        `with_visits(beacons).groupby("visit").size()`
    """
    known = beacons.dropna(subset=["clientid"])
    requested = known["requested_at"].astype("int64")
    received = known["received_at"].astype("Int64").fillna(-1).astype("int64")
    # received_at has the milliseconds of the same second; that of a delayed record is another time.
    at = received.where(received // 1000 * 1000 == requested, requested)
    known = known.assign(requested=requested, at=at, client=_client(known))
    known = known.sort_values(["clientid", "requested", "at"], kind="stable")
    apart = known.groupby("clientid")["requested"].diff() > gap // pd.Timedelta(milliseconds=1)
    known["visit"] = (apart | (known["clientid"] != known["clientid"].shift())).cumsum()
    for column in ("page", "source", "campaign"):
        known[column] = known[column].map(shortened, na_action="ignore")
    return known


def visits_of(known: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each visit.

    Args:
        known: as `with_visits` returns it.

    Returns:
        Columns clientid, first and last (epoch ms), beacons, views, conversions, entry, exit,
        source, campaign, browser, system, device and Time (the minute in which it begins, UTC); the
        index is the visit's number.

    Example:
        `visits_of(with_visits(beacons))["beacons"].mean()`
    """
    views = known[known["event"] == "pageview"]
    by_visit = known.groupby("visit")
    found = pd.DataFrame(
        {
            "clientid": by_visit["clientid"].first(),
            "first": by_visit["requested"].min(),
            "last": by_visit["requested"].max(),
            "beacons": by_visit.size(),
            "views": (known["event"] == "pageview").groupby(known["visit"]).sum(),
            "conversions": (known["event"] == "conversion").groupby(known["visit"]).sum(),
            "entry": _earliest(views, "page"),
            "exit": _earliest(views, "page", last=True),
            "source": _earliest(known, "source"),
            "campaign": _earliest(known, "campaign"),
            "client": _earliest(known, "client"),
        }
    )
    found = found.fillna({"entry": NONE, "exit": NONE, "source": DIRECT, "campaign": NONE})
    for number, column in enumerate(CLIENT.values()):
        found[column] = [client.split("\n")[number] for client in found["client"]]
    return found.drop(columns="client").assign(Time=times(found["first"]).dt.floor("60s"))


def bounces(visits: pd.DataFrame) -> pd.Series:
    """Return which visits are bounces: a single beacon, which is a page view."""
    return (visits["beacons"] == 1) & (visits["views"] == 1)


def _client(beacons: pd.DataFrame) -> pd.Series:
    columns = [beacons[name].fillna(UNKNOWN).str.replace("\n", " ") for name in CLIENT.values()]
    return columns[0].str.cat(columns[1:], sep="\n")


def _earliest(beacons: pd.DataFrame, column: str, last: bool = False) -> pd.Series:
    """Return each visit's first (or last) text of a column; of two at one time the smaller one."""
    ordered = beacons.dropna(subset=[column]).sort_values(["at", column])
    of_visit = ordered.groupby("visit")[column]
    return of_visit.last() if last else of_visit.first()


def _sums(
    metric: str, visits: pd.DataFrame, item: str | None, value: pd.Series | int
) -> pd.DataFrame:
    rows = visits.assign(Item=visits[item] if item else ALL, Value=value)
    sums = rows.groupby(["Time", "Item"])["Value"].sum().astype("int64")
    return sums[sums != 0].rename("Value").reset_index().assign(Metric=metric)
