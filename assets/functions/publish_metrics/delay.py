"""Measures how long beacons took to arrive here, as two more CloudWatch metrics.

Both are for the whole stack and are put in the same call as the others, so they cost only $0.30 a
month each. Their values are rounded and put with their counts, which is exact enough for
percentiles. A batch that is put twice is counted twice here: the metrics show only the speed.
"""

import os
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from limits import MOST_VALUES

# The metric that each beacon with an event changes as soon as it is counted. (A score is emitted
# when its bucket is complete, so its delay would include the bucket's length.)
TIMED = "event_count"
FROM_CLICK, FROM_TABLE = "seconds_from_click", "seconds_from_table"
ITEM = "All Beacons"
# A longer time is not a delay: after a change, the job reads old beacons again.
LONGEST_SECONDS = 3600


def seconds(images: dict, now: float) -> tuple[float, float] | None:
    """Return how long ago a row's newest beacon was received, and how long ago the row was written.

    Args:
        images: `NewImage` and, except for a new row, `OldImage`, as in DynamoDB's stream.
        now: epoch seconds.

    Returns:
        Both in seconds; None if the row has no such times, if they are more than an hour ago (the
        job read its input again), or if the newest beacon is the same as before: then a late
        beacon changed the row, and the row does not have the time of that beacon.

    Example:
        >>> image = {"NewestBeacon": {"N": "1000"}, "UpdatedAt": {"N": "2500"}}
        >>> seconds({"NewImage": image}, 3.0)
        (2.0, 0.5)
    """
    image, old = images["NewImage"], images.get("OldImage") or {}
    try:
        newest, updated = (int(image[name]["N"]) for name in ("NewestBeacon", "UpdatedAt"))
        if "NewestBeacon" in old and newest <= int(old["NewestBeacon"]["N"]):
            return None
    except (KeyError, TypeError, ValueError):
        return None
    click, table = (max(0.0, now - at / 1000) for at in (newest, updated))
    return (click, table) if max(click, table) <= LONGEST_SECONDS else None


def data(pairs: Iterable[tuple[float, float]], now: float) -> list[dict]:
    """Return the MetricDatum of both metrics; an empty list without pairs.

    Args:
        pairs: the results of `seconds`.
        now: epoch seconds, the datum's time.
    """
    pairs = list(pairs)
    if not pairs:
        return []
    return [
        _datum(name, [pair[place] for pair in pairs], now)
        for place, name in enumerate((FROM_CLICK, FROM_TABLE))
    ]


def _datum(name: str, values: list[float], now: float) -> dict:
    counts = _counted(values)
    return {
        "MetricName": name,
        "Dimensions": [
            {"Name": "Stack", "Value": os.environ["PREFIX"]},
            {"Name": "Item", "Value": ITEM},
        ],
        "Timestamp": datetime.fromtimestamp(now, UTC),
        "StorageResolution": 1,
        "Unit": "Seconds",
        "Values": list(counts),
        "Counts": [float(count) for count in counts.values()],
    }


def _counted(values: list[float]) -> Counter[float]:
    for digits in (2, 1, 0, -1, -2):
        counts = Counter(round(value, digits) for value in values)
        if len(counts) <= MOST_VALUES:
            break
    return counts
