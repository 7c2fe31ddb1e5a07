"""How long beacons took to get here, put into CloudWatch beside what they counted.

Two metrics of the whole stack, in the same call as the others, so that they cost nothing but their
$0.30 a month each. Their values are rounded, and counted: CloudWatch's percentiles need no more.
A batch that is put twice is in them twice. They say how fast, and nothing else is made of them.
"""

import os
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from limits import MOST_VALUES

# The metric that every beacon with an event amends as soon as it is counted. (A score waits until
# its bucket is final; its seconds would say how long a bucket is.)
TIMED = "event_count"
FROM_CLICK, FROM_TABLE = "seconds_from_click", "seconds_from_table"
ITEM = "All Beacons"
# Older than the lateness horizon is no delay: the job reads old beacons again after a change.
LONGEST_SECONDS = 3600


def seconds(images: dict, now: float) -> tuple[float, float] | None:
    """Return how long ago a row's newest beacon was received, and the row was written.

    Args:
        images: `NewImage` and, but for a new row, `OldImage`, as DynamoDB's stream has them.
        now: epoch seconds.

    Returns:
        Both in seconds; None for a row that does not say so, whose times are more than an hour ago
        (it was read again after a change), or that has the newest beacon that it had: a late one
        amended it, and when that one was received the row does not say.

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
    """Return the MetricDatum of both metrics, or none if nothing was timed.

    Args:
        pairs: what `seconds` returned for each change.
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
