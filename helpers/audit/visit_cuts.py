"""Counts visits in two ways: divided at each long gap, and divided by the clock.

A tool that groups beacons by visitor and clock hour cuts a visit that goes on from one hour into
the next: it counts two visits, and often two bounces, where there was one visit without a bounce.
"""

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import check_number
from helpers.core.waiting import waiting
from helpers.stores.archive import FIELDS, is_beacon
from helpers.stores.kinesis import newest_records

from .recounted_visits import GAP, bounces, visits_of, with_visits

CLOCK_MINUTES = (60, 10, 1)


def clock_visits(beacons: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Return one row for each visitor and period of the clock, as such a tool counts visits.

    Args:
        beacons: accepted beacons, with the columns of `archived_beacons`.
        minutes: the length of a period of the clock; 60 for its hours.

    Returns:
        Columns clientid, first and last (epoch ms), beacons and views, in order of time.

    Example:
        `len(clock_visits(beacons, 60))`
    """
    known = beacons.dropna(subset=["clientid"])
    requested = known["requested_at"].astype("int64")
    known = known.assign(
        requested=requested,
        period=requested // (minutes * 60_000),
        view=(known["event"] == "pageview").astype("int64"),
    )
    groups = known.groupby(["clientid", "period"], sort=False)
    found = groups.agg(
        first=("requested", "min"),
        last=("requested", "max"),
        beacons=("requested", "size"),
        views=("view", "sum"),
    )
    return found.reset_index().drop(columns="period").sort_values("first", ignore_index=True)


def visits_by_clock(cloud: Cloud, seconds: float = 180) -> pd.DataFrame:
    """Count the visits in the newest records of the clicks stream, by a gap and by the clock.

    All rows count the same beacons, with pandas. Copies and beacons of bots are left out.

    Args:
        cloud: where the stream is.
        seconds: how far back to read, by the time of arrival.

    Returns:
        Columns Visits, Bounces and Bounce_percent; one row for each way to divide the beacons.

    Raises:
        NotDeployed: the stream does not exist yet.
        WorkshopError: the number of seconds is not from 1 to 86,400.

    Example:
        `visits_by_clock(cloud, seconds=60)`
    """
    check_number("seconds", seconds, 1, 86_400)
    with waiting("Counting the visits in the newest records"):
        return counted_by_clock(newest_records(cloud, seconds=seconds))


def counted_by_clock(records: pd.DataFrame) -> pd.DataFrame:
    """Count the visits in records, as `visits_by_clock` does.

    Args:
        records: click records, as `newest_records` returns them.
    """
    frame = records.reindex(columns=list(FIELDS))
    frame = frame[is_beacon(frame) & frame["bot"].isna() & frame["clientid"].notna()]
    frame = frame.drop_duplicates("beacon_id")
    by_gap = visits_of(with_visits(frame)) if len(frame) else clock_visits(frame, 60)
    rows = {f"a gap of {GAP.seconds // 60} minutes": by_gap}
    for minutes in CLOCK_MINUTES:
        rows[period_name(minutes)] = clock_visits(frame, minutes)
    counts = {
        name: (len(visits), int(bounces(visits).sum()) if len(visits) else 0)
        for name, visits in rows.items()
    }
    table = pd.DataFrame.from_dict(counts, orient="index", columns=["Visits", "Bounces"])
    share = 100 * table["Bounces"] / table["Visits"].where(table["Visits"] > 0)
    return table.assign(Bounce_percent=share.round(1)).rename_axis("Divided by")


def period_name(minutes: int) -> str:
    """Return the name of a period of the clock.

    Example:
        >>> period_name(60), period_name(30), period_name(1)
        ('the clock hour', 'the half hour of the clock', 'the minute of the clock')
    """
    if minutes == 60:
        return "the clock hour"
    if minutes == 30:
        return "the half hour of the clock"
    return f"the {f'{minutes} minutes' if minutes > 1 else 'minute'} of the clock"
