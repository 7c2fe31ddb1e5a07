"""The marks of what was published: the last change of each metric, so that none is put twice.

All marks are attributes of one small item of at most 2 KB, up to 22 metrics. For each batch it is
read once (one unit) and written once (two units). (As attributes of the catalog's rows they cost
the size of those rows, which contain all admitted items: a unit or more for each metric.)
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import boto3
from botocore.config import Config
from catalog import Metric

DIGITS = 40  # the longest sequence number of a DynamoDB stream
KEY = {"Name": {"S": "published"}}
MARK = "m:"  # the attribute of a metric's mark is m:METRIC, so that no metric is called as the key
NAMES_A_WRITE = 100  # an UpdateExpression has at most 4 KB

_dynamodb = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "max_attempts": 5}))


@dataclass
class Marks:
    """The last published change of each metric: (sequence number, epoch seconds).

    Args:
        known: the marks as they were read.
        new: the marks of the changes that were published since, to be written.
    """

    known: dict[str, tuple[str, float]]
    new: dict[str, tuple[str, float]] = field(default_factory=dict)

    def was_published(self, metric: Metric, sequence_number: str, at: float) -> bool:
        """Return whether a change was published already, by a run that Lambda repeats.

        Number and time are compared, because sequence numbers grow within a shard only; a new
        change is not older than the last one.

        Args:
            metric: its catalog row.
            sequence_number: of the change.
            at: when the change was made, epoch seconds.
        """
        number, published_at = self.known.get(metric.name, metric.former_mark)
        return sequence_number.zfill(DIGITS) <= number.zfill(DIGITS) and at <= published_at

    def note(self, metric: Metric, sequence_number: str, at: float) -> None:
        """Note that a change is published. A metric without a catalog row gets no mark."""
        if metric.statistic is not None:
            latest = max(at, self.new.get(metric.name, ("", 0.0))[1])
            self.new[metric.name] = sequence_number, latest


def read_marks() -> Marks:
    """Read the marks; for each batch, as another container may have published the previous one.

    Raises:
        botocore.exceptions.ClientError: DynamoDB returned an error.
    """
    answer = _dynamodb.get_item(
        TableName=os.environ["PUBLISHED_TABLE"], Key=KEY, ConsistentRead=True
    )
    marks = {
        name.removeprefix(MARK): (value["M"]["Number"]["S"], float(value["M"]["At"]["N"]))
        for name, value in answer.get("Item", {}).items()
        if name.startswith(MARK)
    }
    return Marks(marks)


def write_marks(new: Mapping[str, tuple[str, float]]) -> None:
    """Write marks; those of other metrics, which other containers write, stay as they are.

    Args:
        new: metrics -> (sequence number, epoch seconds).

    Raises:
        botocore.exceptions.ClientError: DynamoDB returned an error.
    """
    pairs = list(new.items())
    for start in range(0, len(pairs), NAMES_A_WRITE):
        part = dict(enumerate(pairs[start : start + NAMES_A_WRITE]))
        _dynamodb.update_item(
            TableName=os.environ["PUBLISHED_TABLE"],
            Key=KEY,
            UpdateExpression="SET " + ", ".join(f"#n{n} = :v{n}" for n in part),
            ExpressionAttributeNames={f"#n{n}": MARK + name for n, (name, _) in part.items()},
            ExpressionAttributeValues={
                f":v{n}": {"M": {"Number": {"S": number}, "At": {"N": repr(at)}}}
                for n, (_, (number, at)) in part.items()
            },
        )
