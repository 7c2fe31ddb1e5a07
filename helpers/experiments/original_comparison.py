"""Compares this workshop with its original, which would have lost some of the same beacons.

The original's SQL closed a bucket at its end; later beacons made another row, with their own count.
Its function should have added this row to the one in the table, but replaced the old row with it.
"""

from datetime import datetime

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.epoch import times
from helpers.core.errors import WorkshopError
from helpers.core.waiting import wait_until, waiting
from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.text_fitting import fit
from helpers.stores.archive import archived_beacons, is_beacon
from helpers.stores.dynamodb import metric_values

from .late_data import PAGE

BUCKET = pd.Timedelta(seconds=10)
ARCHIVED_SECONDS = 60  # Firehose writes every ten seconds, later on a slow machine


def original_rows(records: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the original's SQL would have made of archived beacons, by page.

    Each beacon counts once, when it was first shipped. (The original counted copies, too; here they
    are left out, so that only the late beacons make a difference.)

    Args:
        records: as `archived_beacons` returns them.

    Returns:
        Columns Time (start of the bucket, UTC), Item (the page), Row (0 for beacons in time, 1 for
        beacons up to ten seconds later, and so on) and Count, in that order.

    Example:
        `original_rows(archived_beacons(cloud))`
    """
    beacons = records[is_beacon(records)].dropna(subset=["page"])
    beacons = beacons.sort_values("shipped_at").drop_duplicates("beacon_id")
    bucket = times(beacons["requested_at"]).dt.floor(BUCKET)
    # A beacon is in time until one bucket's length after its bucket.
    closes = bucket + 2 * BUCKET
    late = times(beacons["shipped_at"]) - closes
    row = (late // BUCKET + 1).clip(lower=0).astype("int64")
    keys = [bucket.rename("Time"), beacons["page"].rename("Item"), row.rename("Row")]
    return beacons.groupby(keys).size().rename("Count").reset_index()


def compare_with_original(cloud: Cloud, bucket: datetime, page: str = PAGE) -> Picture:
    """Return a picture of one bucket of one page: sent, stored here, stored by the original.

    Args:
        cloud: has the archive and the table.
        bucket: the bucket's start, as `send_clicks` returns it.
        page: the page.

    Raises:
        WorkshopError: no beacon of that bucket and page is in the archive.

    Example:
        `compare_with_original(cloud, bucket)`
    """
    here = metric_values(cloud, "top_pages", start=bucket, end=bucket + BUCKET)
    here = int(here[here["Item"] == page]["Value"].sum())
    rows = _rows(cloud, bucket, page, here)
    if not rows:
        raise WorkshopError(
            f"No beacon on {page} of {bucket:%H:%M:%S} UTC is in the archive.",
            "Run the cell with send_clicks(cloud, 100), and wait ten seconds.",
        )
    stored, sent = rows[-1], sum(rows)
    picture = Picture(8.8, 1.75)
    title = f"One bucket of {page}: {' + '.join(map(str, rows))} beacons"
    picture.box().text(0.15, 0.24, fit(title, 11, 7.5), points=11, weight="bold")
    bars = [("sent", sent), ("in the table of this workshop", here)]
    bars.append(("in the table of the original", stored))
    chart_parts.bars(picture.box().inside(left=0.15, top=0.5, right=0.15, bottom=0.15), bars)
    story = ", then ".join(map(str, rows))
    picture.sentence = (
        f"{sent} sent, {here} here. The original's SQL made the rows {story}; each replaced the "
        f"row before, so {stored} would be left."
    )
    return picture


def _rows(cloud: Cloud, bucket: datetime, page: str, enough: int) -> list[int]:
    """Return the bucket's rows, when the archive has as many beacons as the table."""

    def look() -> list[int]:
        found = original_rows(archived_beacons(cloud, start=bucket))
        return found[(found["Time"] == bucket) & (found["Item"] == page)]["Count"].tolist()

    with waiting("Waiting until the archive has the beacons"):
        return wait_until(look, ARCHIVED_SECONDS, lambda found: sum(found) >= max(enough, 1), 1)
