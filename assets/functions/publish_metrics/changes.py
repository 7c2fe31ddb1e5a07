"""Computes the difference that a change of a DynamoDB row adds to its metric.

CloudWatch adds up all values that are put with one timestamp. A bucket of 100, then 107, then 105
must be put as +100, +7, -2: then its Sum is 105, over ten seconds, a minute or an hour.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from limits import LARGEST_OF_A_ROW
from means import to_put

# The exceptions of change_of for a row that is not a metric row.
NO_METRIC_ROW = (ValueError, KeyError, TypeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between a row's new and old image.

    Args:
        metric: MetricType.
        item: MetricItem.
        bucket: start of the bucket, epoch seconds.
        value: the new value.
        difference: the new value minus the old one.
        total: the same for value x samples, the sum from which a mean is computed.
        samples: the same for the number of beacons.
        mean: the new sum, and the new number of beacons.
        is_new: the row has no old image.
        whole: the value is a count (UnitValueInt).
    """

    metric: str
    item: str
    bucket: int
    value: Decimal
    difference: Decimal
    total: Decimal
    samples: Decimal
    mean: tuple[Decimal, Decimal]
    is_new: bool
    whole: bool

    @property
    def is_none(self) -> bool:
        """Return whether there is nothing to put: the row is as before, or a new count of 0."""
        return self.difference == 0 and self.samples == 0 and (self.whole or not self.is_new)


@dataclass(slots=True)
class Sum:
    """The sum of several differences of one metric, item and bucket."""

    difference: Decimal = field(default_factory=Decimal)
    total: Decimal = field(default_factory=Decimal)
    samples: Decimal = field(default_factory=Decimal)
    maximum: Decimal | None = None
    _means: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)  # by item

    def add(self, change: Change) -> None:
        """Add a change."""
        self._means[change.item] = change.mean
        self.difference += change.difference
        self.total += change.total
        self.samples += change.samples
        if self.maximum is None or change.value > self.maximum:
            self.maximum = change.value

    def mean(self) -> tuple[Decimal, Decimal] | None:
        """Return the sum and the number of samples to put for a mean; None if there are none."""
        totals, samples = zip(*self._means.values(), strict=True)
        return to_put((self.total, self.samples), (sum(totals, Decimal()), sum(samples, Decimal())))


def change_of(record: dict) -> Change | None:
    """Read one record of the table's stream.

    Args:
        record: as Lambda passes it, with NewImage and OldImage.

    Returns:
        The change; None for REMOVE, the end of a row's time to live: its count stays in CloudWatch.

    Raises:
        One of NO_METRIC_ROW: the row is not a metric row, or has a number that CloudWatch can't
        add up. The difference is then unknown; reconcile() finds it.
    """
    if record["eventName"] == "REMOVE":
        return None
    images = record["dynamodb"]
    new, old = images["NewImage"], images.get("OldImage")
    value, samples, total = _numbers(new)
    old_value, old_samples, old_total = _published(new) if old is None else _numbers(old)
    return Change(
        metric=new["MetricType"]["S"],
        item=new["MetricItem"]["S"],
        bucket=int(new["EventTimestamp"]["N"]),
        value=value,
        difference=value - old_value,
        total=total - old_total,
        samples=samples - old_samples,
        mean=(total, samples),
        is_new=old is None,
        whole="UnitValueInt" in new,
    )


def _published(image: dict) -> tuple[Decimal, Decimal, Decimal]:
    """Return what CloudWatch has of a new row already: of one that was lost and rebuilt.

    It is (value, samples, total), as of `_numbers`.
    """
    total, samples = (
        Decimal(image.get(name, {"N": "0"})["N"]) for name in ("PublishedTotal", "PublishedSamples")
    )
    return total, samples, total


def _numbers(image: dict) -> tuple[Decimal, Decimal, Decimal]:
    number = image.get("UnitValueInt") or image["UnitValueFloat"]
    value = Decimal(number["N"])
    # A value that may fall has no Samples. It is a count, of which only the difference is put.
    samples = Decimal(image["Samples"]["N"] if "Samples" in image else 0)
    total = value * samples
    # NaN raises InvalidOperation, an ArithmeticError, when it is compared.
    if max(abs(value), abs(samples), abs(total)) > LARGEST_OF_A_ROW:
        raise ValueError(f"too large for CloudWatch: {value}, of {samples} samples")
    return value, samples, total
