"""Metric rows: read them from Kinesis records, check them, and keep one for each key.

A row is a whole value ("/cart was seen 107 times in this bucket"), never an increment. `Samples`,
the number of beacons behind it, only grows, so of two rows of one key the one with more samples is
the newer, whatever the order they come in. That is all this program needs to know about time.
"""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

KEY_BYTES = 1024  # the longest sort key DynamoDB takes
METRIC_TYPE_CHARACTERS = 255  # the longest CloudWatch metric name
LARGEST_EPOCH = 10**11  # seconds (the year 5138); a bucket in milliseconds is beyond it
LARGEST_INTEGER = 2**63 - 1  # SQL's BIGINT
# The magnitudes that DynamoDB and CloudWatch both hold; a double has more. CloudWatch takes numbers
# up to 1.17e108, and 500 rows of value x samples may be added up in one of them.
SMALLEST_NUMBER, LARGEST_NUMBER = 1e-100, 1e100


class BadRow(ValueError):
    """A row that can never be stored; its message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value of one metric.

    Args:
        metric: MetricType, e.g. `top_pages`.
        bucket: EventTimestamp: start of the bucket, epoch seconds.
        item: MetricItem, e.g. `/cart`.
        value: UnitValueInt (int) or UnitValueFloat (float).
        samples: beacons behind the value.
        newest_beacon: arrival of the newest of them, epoch ms, or None.
        emitted_at: when Flink sent the row, epoch ms, or None.
    """

    metric: str
    bucket: int
    item: str
    value: int | float
    samples: int
    newest_beacon: int | None
    emitted_at: int | None

    @property
    def sort_key(self) -> str:
        """The table's range key: in order of time, e.g. `0000001795500000#/cart`."""
        return f"{self.bucket:016d}#{self.item}"


def read_row(data: str) -> Row | None:
    """Read the data of one Kinesis record.

    Args:
        data: base64 of a JSON change (debezium-json): `{"before": ..., "after": {...}, "op": "c"}`.

    Returns:
        The row that holds from now on; None for `d`, which says that an older one holds no more.

    Raises:
        BadRow: it is no such change, or no value that the tables can hold.
    """
    try:
        change = json.loads(base64.b64decode(data))
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON: {error}") from None
    if not isinstance(change, dict) or change.get("op") not in ("c", "u", "d"):
        raise BadRow("not a change: op is none of c, u, d")
    if change["op"] == "d":
        return None
    after = change.get("after")
    if not isinstance(after, dict):
        raise BadRow("not a change: no after")
    row = Row(
        metric=_metric(after.get("MetricType")),
        bucket=_integer(after, "EventTimestamp", LARGEST_EPOCH),
        item=_item(after.get("MetricItem")),
        value=_value(after),
        samples=_integer(after, "Samples"),
        newest_beacon=_integer_or_none(after, "NewestBeacon"),
        emitted_at=_integer_or_none(after, "EmittedAt"),
    )
    if isinstance(row.value, float) and abs(row.value) * row.samples > LARGEST_NUMBER:
        raise BadRow("UnitValueFloat x Samples is not a number that CloudWatch holds")
    if len(row.sort_key.encode()) > KEY_BYTES:
        raise BadRow(f"MetricItem makes a key of more than {KEY_BYTES} bytes")
    return row


def newest(rows: list[Row]) -> list[Row]:
    """Keep one row of each key: the one with most samples, the later one if they are equal.

    Example:
        rows of `/cart` with 7, 107 and 100 samples -> the one with 107
    """
    kept: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.metric, row.sort_key)
        if key not in kept or row.samples >= kept[key].samples:
            kept[key] = row
    return list(kept.values())


def _metric(metric: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(metric, str) or not metric.strip():
        raise BadRow("no MetricType")
    if len(metric) > METRIC_TYPE_CHARACTERS or not metric.isprintable() or not metric.isascii():
        raise BadRow(f"MetricType is not up to {METRIC_TYPE_CHARACTERS} printable ASCII characters")
    return metric


def _item(item: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(item, str):
        raise BadRow("no MetricItem")
    # Half a surrogate pair is legal in JSON but has no UTF-8 form: keep it, readable.
    return item.encode("utf-8", "backslashreplace").decode()


def _integer(after: dict, name: str, largest: int = LARGEST_INTEGER) -> int:
    number = after.get(name)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= largest:
        raise BadRow(f"{name} is not an integer from 0 to {largest}")
    return number


def _integer_or_none(after: dict, name: str) -> int | None:
    return None if after.get(name) is None else _integer(after, name)


def _value(after: dict) -> int | float:
    whole, real = after.get("UnitValueInt"), after.get("UnitValueFloat")
    if (whole is None) == (real is None):
        raise BadRow("not exactly one of UnitValueInt and UnitValueFloat")
    if real is None:
        if isinstance(whole, bool) or not isinstance(whole, int) or abs(whole) > LARGEST_INTEGER:
            raise BadRow("UnitValueInt is not an integer")
        return whole
    if isinstance(real, bool) or not isinstance(real, int | float):
        raise BadRow("UnitValueFloat is not a number")
    try:
        real = float(real)
    except OverflowError:
        raise BadRow("UnitValueFloat does not fit a double") from None
    if not math.isfinite(real) or abs(real) > LARGEST_NUMBER:
        raise BadRow("UnitValueFloat is not a number that DynamoDB and CloudWatch hold")
    return real if abs(real) >= SMALLEST_NUMBER else 0.0
