"""What a rebuild sends: the rows that the table lacks, or has with another value.

A row of the table whose bucket and item the SQL no longer counts becomes 0: no row is deleted.

A row that the table lacks may have been published before the table lost it. Then CloudWatch has its
value already, and `publish_metrics` must not put it again: the row has what CloudWatch has, as
`PublishedTotal` and `PublishedSamples`, and only the difference is put.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Key = tuple[int, str]  # a bucket's start, epoch seconds, and an item


def key_of(row: Mapping[str, Any]) -> Key:
    """Return the bucket and the item of a row."""
    return row["EventTimestamp"], row["MetricItem"]


@dataclass(frozen=True)
class Stored:
    """A row of the table.

    Args:
        value: its value.
        samples: the number of beacons in it; None if it may fall.
        is_whole: whether the value is UnitValueInt.
    """

    value: float
    samples: int | None
    is_whole: bool


def corrections(
    counted: Mapping[Key, dict[str, Any]], stored: Mapping[Key, Stored], metric: str
) -> list[dict[str, Any]]:
    """Return the rows of one metric to send, in the order of their buckets.

    Args:
        counted: the last row of each bucket and item, as the job wrote it.
        stored: the table's rows of the same range.
        metric: its MetricType.
    """
    rows = []
    for key in sorted({*counted, *stored}):
        row, old = counted.get(key), stored.get(key)
        if row is None and old is not None and old.value:
            rows.append(_zero(metric, key, old))
        elif row is not None and not _equals(row, old):
            rows.append(row)
    return rows


def add_published(
    rows: Iterable[dict[str, Any]],
    cells: Mapping[Key, Hashable],
    surplus: Mapping[Any, tuple[float, int]],
    is_mean: bool,
) -> None:
    """Add to rows that the table lacks what CloudWatch has of them already.

    CloudWatch may have several rows in one value: of a minute, and of all items that it does not
    admit. The rows get it in their order, each as much as it is itself, and the last one the rest.

    Args:
        rows: those that the table lacks; changed.
        cells: by bucket and item: to which of CloudWatch's values it belongs.
        surplus: by cell: CloudWatch's sum and number of samples, less those of the table's rows.
        is_mean: the sum is that of value x samples.
    """
    by_cell: dict[Hashable, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_cell[cells[key_of(row)]].append(row)
    for cell, same in by_cell.items():
        total, samples = surplus.get(cell, (0, 0))
        for row in same:
            is_last = row is same[-1]
            weight = row["Samples"] if is_mean else 1
            part = max(0, total if is_last else min(total, value_of(row) * weight))
            count = max(0, samples if is_last else min(samples, row["Samples"] or 0))
            total, samples = total - part, samples - count
            row["PublishedTotal"], row["PublishedSamples"] = part, count


def value_of(row: Mapping[str, Any]) -> float:
    """Return the value of a row, an integer or a float."""
    return row["UnitValueInt"] if row["UnitValueFloat"] is None else row["UnitValueFloat"]


def _equals(row: dict[str, Any], old: Stored | None) -> bool:
    value = value_of(row)
    if old is None:
        return value == 0  # nothing is shown either way
    return value == old.value and row["Samples"] == old.samples


def _zero(metric: str, key: Key, old: Stored) -> dict[str, Any]:
    bucket, item = key
    return {
        "MetricType": metric,
        "EventTimestamp": bucket,
        "MetricItem": item,
        "UnitValueInt": 0 if old.is_whole else None,
        "UnitValueFloat": None if old.is_whole else 0.0,
        "Samples": None if old.samples is None else 0,
        "NewestBeacon": None,
        "EmittedAt": 0,
    }
