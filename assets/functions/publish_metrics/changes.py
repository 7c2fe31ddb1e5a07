"""What a change of a DynamoDB row adds to its metric: the new value less the old one.

CloudWatch adds up what is put at one timestamp, and forgets nothing. A bucket that grows 100, 107,
105 must be put as +100, +7, -2: then its Sum is 105, over ten seconds, a minute or an hour.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from limits import LARGEST_OF_A_ROW

# What reading a row raises that is no metric row.
NO_METRIC_ROW = (ValueError, KeyError, TypeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between a row's new and old image.

    Args:
        metric: MetricType.
        item: MetricItem.
        bucket: start of the bucket, epoch seconds.
        value: the new value.
        difference: the new value less the old one.
        total: the same of value x samples, which is what a mean adds up to.
        samples: the same of the beacons behind the value.
        is_new: there was no row before.
        whole: the value is a count (UnitValueInt).
    """

    metric: str
    item: str
    bucket: int
    value: Decimal
    difference: Decimal
    total: Decimal
    samples: Decimal
    is_new: bool
    whole: bool

    @property
    def is_none(self) -> bool:
        """Tell whether the row was only written again, as it was."""
        return not self.is_new and self.difference == 0 and self.samples == 0


@dataclass(slots=True)
class Sum:
    """Differences of one metric, item and bucket, added up before they are put."""

    difference: Decimal = field(default_factory=Decimal)
    total: Decimal = field(default_factory=Decimal)
    samples: Decimal = field(default_factory=Decimal)
    maximum: Decimal | None = None

    def add(self, change: Change) -> None:
        """Add one more change."""
        self.difference += change.difference
        self.total += change.total
        self.samples += change.samples
        if self.maximum is None or change.value > self.maximum:
            self.maximum = change.value


def change_of(record: dict) -> Change | None:
    """Read one record of the table's stream.

    Args:
        record: as Lambda passes it, with NewImage and OldImage.

    Returns:
        The change; None for REMOVE, which is a row at the end of its time to live: what it counted
        did happen, and stays counted.

    Raises:
        One of NO_METRIC_ROW: the row is no metric row, or holds a number that CloudWatch can't
        add up. Then it can't be told what CloudWatch has of it: reconcile() finds the difference.
    """
    if record["eventName"] == "REMOVE":
        return None
    images = record["dynamodb"]
    new, old = images["NewImage"], images.get("OldImage")
    value, samples, total = _numbers(new)
    old_value, old_samples, old_total = (Decimal(0),) * 3 if old is None else _numbers(old)
    return Change(
        metric=new["MetricType"]["S"],
        item=new["MetricItem"]["S"],
        bucket=int(new["EventTimestamp"]["N"]),
        value=value,
        difference=value - old_value,
        total=total - old_total,
        samples=samples - old_samples,
        is_new=old is None,
        whole="UnitValueInt" in new,
    )


def _numbers(image: dict) -> tuple[Decimal, Decimal, Decimal]:
    number = image.get("UnitValueInt") or image["UnitValueFloat"]
    value, samples = Decimal(number["N"]), Decimal(image["Samples"]["N"])
    total = value * samples
    # NaN raises InvalidOperation, an ArithmeticError, when it is compared.
    if max(abs(value), abs(samples), abs(total)) > LARGEST_OF_A_ROW:
        raise ValueError(f"a number beyond what CloudWatch adds up: {value}, of {samples} samples")
    return value, samples, total
