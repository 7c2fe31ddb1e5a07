"""Metric rows: reads them from Kinesis records, validates them, and keeps one for each key.

A row is a whole value ("/cart has 107 views in this bucket"), never an increment. `Samples`, the
number of beacons in it, only grows. So of two rows of one key the one with more samples is newer,
in whatever order they arrive. A value that may fall, such as a number of visits, has no Samples: of
two such rows the one that Flink emitted later is newer.

A rebuilt row was counted from the archive (`rebuild`). Its `ArchivedUntil` is the moment until
which the archive was complete, so it includes each beacon of any row that Flink emitted before.
Those rows may be wrong, however many samples they have: it replaces them all. A row that Flink
emitted after that moment may know more; there, more samples are newer again.
"""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

KEY_BYTES = 1024  # DynamoDB's longest sort key
METRIC_TYPE_CHARACTERS = 255  # CloudWatch's longest metric name
LARGEST_EPOCH = 10**11  # seconds (the year 5138); a bucket in milliseconds is larger
LARGEST_INTEGER = 2**63 - 1  # SQL's BIGINT
# The range that both DynamoDB and CloudWatch accept; a double's is larger. CloudWatch accepts up to
# 1.17e108, and one of its numbers may be the sum of 500 rows of value x samples.
SMALLEST_NUMBER, LARGEST_NUMBER = 1e-100, 1e100


class BadRow(ValueError):
    """A row is invalid; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value of one metric.

    Args:
        metric: MetricType, e.g. `top_pages`.
        bucket: EventTimestamp: start of the bucket, epoch seconds.
        item: MetricItem, e.g. `/cart`.
        value: UnitValueInt (int) or UnitValueFloat (float).
        samples: number of beacons in the value, or None: the value may fall.
        newest_beacon: when the newest of them was received, epoch ms, or None.
        emitted_at: when Flink sent the row, epoch ms, or None; present if there are no samples.
        archived_until: of a rebuilt row: until when the archive was complete, epoch ms; else None.
        published: of a rebuilt row that the table lacked: the sum and the number of samples that
            CloudWatch has of it already; else None.
    """

    metric: str
    bucket: int
    item: str
    value: int | float
    samples: int | None
    newest_beacon: int | None
    emitted_at: int | None
    archived_until: int | None = None
    published: tuple[int | float, int] | None = None

    @property
    def is_rebuilt(self) -> bool:
        """Whether it was counted from the archive."""
        return self.archived_until is not None

    @property
    def emitted(self) -> int:
        """When its value was known, epoch ms; 0 if Flink did not write it."""
        return self.archived_until or self.emitted_at or 0

    @property
    def version(self) -> int:
        """Orders the rows of one key from Flink, and the rebuilt ones: the newer one is larger."""
        return self.emitted if self.samples is None or self.is_rebuilt else self.samples

    @property
    def sort_key(self) -> str:
        """The table's sort key, ordered by time, e.g. `0000001795500000#/cart`."""
        return f"{self.bucket:016d}#{self.item}"


def read_row(data: str) -> Row | None:
    """Read the data of one Kinesis record.

    Args:
        data: base64 of a JSON change (debezium-json): `{"before": ..., "after": {...}, "op": "c"}`.

    Returns:
        The new row; None for `d`, which only retracts an older one.

    Raises:
        BadRow: it is not such a change, or the tables can't store the value.
    """
    try:
        change = json.loads(base64.b64decode(data))
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON: {error}") from None
    if not isinstance(change, dict) or change.get("op") not in ("c", "u", "d"):
        raise BadRow("not a change: op is not c, u or d")
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
        samples=_integer_or_none(after, "Samples"),
        newest_beacon=_integer_or_none(after, "NewestBeacon"),
        emitted_at=_integer_or_none(after, "EmittedAt"),
        archived_until=_integer_or_none(after, "ArchivedUntil"),
        published=_published(after),
    )
    if row.samples is None and (row.emitted_at is None or isinstance(row.value, float)):
        raise BadRow("no Samples: such a row has EmittedAt and UnitValueInt")
    if isinstance(row.value, float) and abs(row.value) * (row.samples or 0) > LARGEST_NUMBER:
        raise BadRow("UnitValueFloat x Samples is too large for CloudWatch")
    if len(row.sort_key.encode()) > KEY_BYTES:
        raise BadRow(f"MetricItem makes a key of more than {KEY_BYTES} bytes")
    return row


def newest(rows: list[Row]) -> list[Row]:
    """Return the rows of each key that no other row of it replaces; of equal ones, the last.

    It is one row, except that of a rebuilt row and of rows with fewer samples that were emitted
    later, it depends on the table which one is kept.

    Example:
        rows of `/cart` with 7, 107 and 100 samples -> the one with 107
    """
    keys: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows:
        keys.setdefault((row.metric, row.sort_key, row.is_rebuilt), []).append(row)
    return [row for same in keys.values() for row in _not_replaced(same)]


def _not_replaced(rows: list[Row]) -> list[Row]:
    kept: list[Row] = []
    # Python's sort keeps the order of equal ones; the last comes first here.
    for row in sorted(reversed(rows), key=lambda row: row.version, reverse=True):
        if not kept or row.emitted > kept[-1].emitted and row.version < kept[-1].version:
            kept.append(row)
    return kept


def _metric(metric: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(metric, str) or not metric.strip():
        raise BadRow("no MetricType")
    if len(metric) > METRIC_TYPE_CHARACTERS or not metric.isprintable() or not metric.isascii():
        raise BadRow(f"MetricType is not up to {METRIC_TYPE_CHARACTERS} printable ASCII characters")
    return metric


def _item(item: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(item, str):
        raise BadRow("no MetricItem")
    # JSON allows half a surrogate pair, UTF-8 does not: keep it as an escape.
    return item.encode("utf-8", "backslashreplace").decode()


def _integer(after: dict, name: str, largest: int = LARGEST_INTEGER) -> int:
    number = after.get(name)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= largest:
        raise BadRow(f"{name} is not an integer from 0 to {largest}")
    return number


def _integer_or_none(after: dict, name: str) -> int | None:
    return None if after.get(name) is None else _integer(after, name)


def _published(after: dict) -> tuple[int | float, int] | None:
    total = after.get("PublishedTotal")
    if total is None:
        return None
    if isinstance(total, bool) or not isinstance(total, int | float) or abs(total) > LARGEST_NUMBER:
        raise BadRow("PublishedTotal is not a number that CloudWatch has")
    return total, _integer(after, "PublishedSamples")


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
        raise BadRow("UnitValueFloat is too large for a double") from None
    if not math.isfinite(real) or abs(real) > LARGEST_NUMBER:
        raise BadRow("UnitValueFloat is too large for DynamoDB and CloudWatch, or not finite")
    return real if abs(real) >= SMALLEST_NUMBER else 0.0
