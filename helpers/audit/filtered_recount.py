"""Recounts from the archive what those visitors did whose visits have a certain page or source."""

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from assets.functions.publish_metrics.dimension import dimension_value
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError

from .recount import records_since, recounted, shortened
from .recounted_visits import CLIENT, visits_of, with_visits

PAGE = "page"  # any page of the visit; the others are columns of `visits_of`
DIMENSIONS = (PAGE, "entry", "exit", "source", "campaign", *CLIENT.values())


def filtered_recount(cloud: Cloud, since: datetime, filters: Mapping[str, str]) -> pd.DataFrame:
    """Count every metric again, of the visits that meet all filters.

    Args:
        cloud: where the archive is.
        since: an aware datetime on the edge of a minute.
        filters: as for `matching_records`.

    Returns:
        Columns Metric, Time (start of the bucket, UTC), Item and Value, since that moment.

    Raises:
        WorkshopError: a filter's dimension is unknown; module 1-capture is not deployed.

    Example:
        `filtered_recount(cloud, since, {"source": "google.com", "device": "Mobile"})`
    """
    return recounted(matching_records(records_since(cloud, since), filters), since)


def matching_records(records: pd.DataFrame, filters: Mapping[str, str]) -> pd.DataFrame:
    """Return the accepted beacons of the visits that meet all filters.

    Args:
        records: as `archived_outcomes` returns them.
        filters: an item for each dimension: `page` (a page that a visit contains), `entry`, `exit`,
            `source`, `campaign`, `browser`, `system` or `device`. An item is written as in
            CloudWatch (publish_metrics' `dimension_value`).

    Raises:
        WorkshopError: a dimension is unknown.

    Example:
        `matching_records(archived_outcomes(cloud, since), {"page": "/cart"})`
    """
    if unknown := sorted(filters.keys() - set(DIMENSIONS)):
        raise WorkshopError(
            f"Visits can't be filtered by {', '.join(unknown)}.",
            f"Use one of {', '.join(DIMENSIONS)}.",
        )
    beacons = with_visits(records[records["outcome"] == "accepted"], shortened)
    visits = visits_of(beacons)
    numbers = set(visits.index)
    for dimension, item in filters.items():
        column = beacons.set_index("visit")[PAGE] if dimension == PAGE else visits[dimension]
        as_shown = column.map(dimension_value, na_action="ignore")
        numbers &= set(column.index[as_shown == item])
    return records.loc[beacons.index[beacons["visit"].isin(numbers)].sort_values()]
