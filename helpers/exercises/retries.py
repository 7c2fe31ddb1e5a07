"""The exercise of module 5 that puts records on a stream which rejects some of them."""

import random
from typing import Any

from .exercise import Exercise, NotYet, result_of

# PutRecords: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
MOST_RECORDS, MOST_CALLS = 500, 2_000


class TooManyCalls(NotYet):
    """The function calls `put` without an end."""


class RejectingStream:
    """A stream in memory that answers like PutRecords, and rejects some records.

    Args:
        rejects: the share of records that it rejects.
        seed: of the random numbers.

    Attributes:
        accepted: the records, as often as they were accepted.
        calls: the number of calls.
    """

    def __init__(self, rejects: float, seed: int) -> None:
        self.accepted: list[Any] = []
        self.calls = 0
        self._rejects, self._chance = rejects, random.Random(seed)

    def put(self, records: list) -> dict:
        """Put records; return `FailedRecordCount` and, for each record, its answer.

        Args:
            records: any values.

        Raises:
            ValueError: there are more than 500 records, or none.
            TooManyCalls: it was called 2,000 times.
        """
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise TooManyCalls(f"It calls put more than {MOST_CALLS:,} times.", "When does it end?")
        if not 1 <= len(records) <= MOST_RECORDS:
            raise ValueError(f"PutRecords takes 1 to {MOST_RECORDS} records, not {len(records)}")
        answers = [self._answer(record) for record in records]
        return {"FailedRecordCount": sum("ErrorCode" in a for a in answers), "Records": answers}

    def _answer(self, record: Any) -> dict:  # noqa: ANN401 - any value
        if self._chance.random() < self._rejects:
            return {"ErrorCode": "ProvisionedThroughputExceededException"}
        self.accepted.append(record)
        return {"SequenceNumber": str(len(self.accepted)), "ShardId": "shardId-000000000000"}


def check_put_all(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function that puts all records, and only the rejected ones again."""
    for rejects, number in ((0, 100), (0.3, 100), (0.3, 1_200), (0.6, 20), (0, 0)):
        stream, records = RejectingStream(rejects, seed=number), list(range(number))
        result_of(_returning(work), stream.put, list(records))
        accepted = sorted(stream.accepted)
        if accepted == records:
            continue
        if len(set(accepted)) == len(records):
            raise NotYet(f"{len(accepted) - number} records are on the stream twice. Which of "
                         "them were rejected?")  # fmt: skip
        if stream.calls <= (number + MOST_RECORDS - 1) // MOST_RECORDS:
            raise NotYet(f"{number - len(accepted)} records were rejected, and are lost. What "
                         "does the answer contain for each record?")  # fmt: skip
        raise NotYet(f"{number - len(set(accepted))} of {number} records are lost, although some "
                     "were put again.")  # fmt: skip
    return "every record is on the stream once, also when most are rejected at first"


def _returning(work: Any) -> Any:  # noqa: ANN401 - whatever a learner passes
    """Return a function that calls the learner's; what that returns does not matter."""
    if not callable(work):
        return work

    def call(put: Any, records: list) -> bool:  # noqa: ANN401
        work(put, records)
        return True

    return call


EXERCISES = (Exercise("5-2", "Put all records", check_put_all),)
