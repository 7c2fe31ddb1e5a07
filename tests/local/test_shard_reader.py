"""The reader of one shard, with a clock of the tests' own.

The quoted sentences are from the Lambda Developer Guide.
"""

import re

import pytest

from helpers.local.emulator.failure_record import failure_record
from helpers.local.emulator.shard_reader import LONGEST_PAUSE_SECONDS, Batch, Result, ShardReader

REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
FAILED, DONE = Result(error=True), Result({"batchItemFailures": []})
START = 1_000_000.0


def record(number: int, at: float = START, data: str = "") -> dict:
    return {
        "kinesis": {
            "sequenceNumber": f"{number:030d}",
            "approximateArrivalTimestamp": at,
            "data": data,
        }
    }


def reports(*numbers: int) -> Result:
    """The answer of a function that reports these records as failed."""
    return Result({"batchItemFailures": [{"itemIdentifier": f"{n:030d}"} for n in numbers]})


class Shard:
    """A reader, its records, a clock that skips its pauses, and a record of its calls."""

    def __init__(self, answer, count=0, **settings):
        self.records = [record(n) for n in range(1, count + 1)]
        self.now, self.answer, self.settings = START, answer, {"BatchSize": 100, **settings}
        self.calls, self.discarded, self.pauses = [], [], []
        self.reader = ShardReader(
            settings=lambda: self.settings,
            fetch=self.fetch,
            wanted=lambda records: records,
            invoke=self.invoke,
            discard=lambda batch, why: self.discarded.append((numbers(batch.records), why)),
            clock=lambda: self.now,
        )

    def fetch(self, position, most):
        later = [r for r in self.records if r["kinesis"]["sequenceNumber"] > position]
        return later[:most]

    def invoke(self, records):
        self.calls.append(numbers(records))
        answer = self.answer
        return answer(self.calls[-1]) if callable(answer) else answer

    def run(self, steps=10_000):
        """Step until the reader waits for records."""
        for _ in range(steps):
            pause = self.reader.step()
            if pause is None:
                return self
            self.pauses.append(pause)
            self.now += pause
        return self


def numbers(records: list[dict]) -> list[int]:
    return [int(r["kinesis"]["sequenceNumber"]) for r in records]


def poison(*bad: int):
    """A function that fails for each batch with one of these records."""
    return lambda batch: FAILED if set(batch) & set(bad) else DONE


def once(*answers: Result):
    """A function that gives these answers, one for each call, and then succeeds."""
    left = list(answers)
    return lambda batch: left.pop(0) if left else DONE


def test_batches_are_of_batch_size_and_in_order():
    """'Lambda processes records in each shard in order.'"""
    shard = Shard(DONE, 7, BatchSize=3).run()
    assert shard.calls == [[1, 2, 3], [4, 5, 6], [7]]
    assert shard.pauses == [0.0] * 3, "nothing is waited for while there are records"


def test_a_batch_is_at_most_six_megabytes():
    """'Lambda passes all of the records in the batch to the function in a single call, as long as
    the total size of the events doesn't exceed the payload limit for synchronous invocation
    (6 MB).'"""
    shard = Shard(DONE)
    shard.records = [record(n, data="x" * 1_400_000) for n in range(1, 10)]
    assert shard.run().calls == [[1, 2, 3, 4], [5, 6, 7, 8], [9]]


def test_the_window_gathers_until_it_is_over_or_the_batch_is_full():
    """'Batch window - Specify the maximum amount of time to gather records before invoking the
    function, in seconds.'"""
    shard = Shard(DONE, 2, BatchSize=3, MaximumBatchingWindowInSeconds=20)
    assert shard.reader.step() == 20 and not shard.calls
    shard.now += 15
    assert shard.reader.step() == 5 and not shard.calls
    shard.now += 5
    shard.run()
    assert shard.calls == [[1, 2]]
    shard.records += [record(n) for n in (3, 4, 5)]
    shard.reader.step()
    shard.reader.step()
    assert shard.calls == [[1, 2], [3, 4, 5]] and shard.now == START + 20


def test_a_failed_batch_is_retried_and_not_overtaken():
    """'If the function receives the records but returns an error, Lambda retries until the records
    in the batch expire, exceed the maximum age, or reach the configured retry quota.'"""
    shard = Shard(once(*[FAILED] * 50), 4, BatchSize=2).run()
    assert shard.calls == [[1, 2]] * 51 + [[3, 4]] and not shard.discarded
    assert max(shard.pauses) == LONGEST_PAUSE_SECONDS
    waits = [pause for pause in shard.pauses if pause]
    assert waits == sorted(waits), "each pause is at least as long as the one before"


def test_after_its_retries_a_batch_is_discarded_and_the_next_ones_are_sent():
    """'Discard records after the specified number of retries.' and 'If the error handling measures
    fail, Lambda discards the records and continues processing batches from the stream.'"""
    shard = Shard(poison(2), 4, BatchSize=2, MaximumRetryAttempts=3).run()
    assert shard.calls == [[1, 2]] * 4 + [[3, 4]]
    assert shard.discarded == [([1, 2], "RetryAttemptsExhausted")]


def test_no_retries_means_one_call():
    shard = Shard(poison(1), 1, MaximumRetryAttempts=0).run()
    assert shard.calls == [[1]] and shard.discarded == [([1], "RetryAttemptsExhausted")]


def test_bisecting_isolates_a_bad_record_without_using_up_retries():
    """'splits a failed batch into two smaller batches, isolating bad records and avoiding timeouts.
    Splitting batches doesn't consume the retry quota.'"""
    shard = Shard(poison(6), 8, MaximumRetryAttempts=2, BisectBatchOnFunctionError=True).run()
    assert shard.calls == [
        [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [5, 6], [5], [6], [6], [6], [7, 8],
    ]  # fmt: skip
    assert shard.discarded == [([6], "RetryAttemptsExhausted")]


def test_records_that_are_too_old_are_not_sent_and_the_young_ones_are():
    """'Maximum age of record - The maximum age of a record that Lambda sends to your function.'"""
    shard = Shard(DONE, MaximumRecordAgeInSeconds=60)
    shard.records = [record(1, START - 100), record(2, START - 61), record(3, START - 60)]
    shard.run()
    assert shard.calls == [[3]] and shard.discarded == [([1, 2], "RecordAgeExceeded")]


def test_a_failing_batch_is_discarded_when_it_is_too_old():
    """'Discard records older than the specified age.'"""
    shard = Shard(FAILED, MaximumRecordAgeInSeconds=60)
    shard.records = [record(1), record(2, START + 30)]
    shard.run()
    assert shard.discarded == [([1], "RecordAgeExceeded"), ([2], "RecordAgeExceeded")]
    assert [2] in shard.calls, "the second went on alone"


def test_a_throttled_call_uses_up_no_retry():
    """'[Retry attempts] doesn't apply to service errors or throttles where the batch didn't reach
    the function.'"""
    throttled = Result(error=True, throttled=True)
    shard = Shard(once(*[throttled] * 20), 1, MaximumRetryAttempts=0).run()
    assert shard.calls == [[1]] * 21 and not shard.discarded


def test_a_report_retries_from_the_lowest_number_on():
    """'If the batchItemFailures array contains multiple items, Lambda uses the record with the
    lowest sequence number as the checkpoint. Lambda then retries all records starting from that
    checkpoint.'"""
    shard = Shard(once(reports(4, 2, 3)), 5, **REPORTS).run()
    assert shard.calls == [[1, 2, 3, 4, 5], [2, 3, 4, 5]]


def test_a_reported_batch_is_split_at_the_number_that_was_returned():
    """'When a partial batch success response is received and both BisectBatchOnFunctionError and
    ReportBatchItemFailures are turned on, the batch is bisected at the returned sequence number and
    Lambda retries only the remaining records.'"""
    settings = REPORTS | {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 0}
    shard = Shard(once(reports(2), reports(4)), 5, **settings).run()
    assert shard.calls == [[1, 2, 3, 4, 5], [2, 3, 4, 5], [4, 5]] and not shard.discarded


def test_an_error_is_bisected_regardless_of_reports():
    """'If your invocation fails and BisectBatchOnFunctionError is turned on, the batch is bisected
    regardless of your ReportBatchItemFailures setting.'"""
    shard = Shard(once(FAILED), 4, BisectBatchOnFunctionError=True, **REPORTS).run()
    assert shard.calls == [[1, 2, 3, 4], [1, 2], [3, 4]]


def test_the_rest_of_a_reported_batch_is_discarded_after_its_retries():
    shard = Shard(lambda batch: reports(3) if 3 in batch else DONE, 4, MaximumRetryAttempts=2)
    shard.settings |= REPORTS
    shard.run()
    assert shard.calls == [[1, 2, 3, 4], [3, 4], [3, 4]]
    assert shard.discarded == [([3, 4], "RetryAttemptsExhausted")]


@pytest.mark.parametrize(
    "body", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}, "{}", "", "fine"]
)
def test_an_empty_report_is_a_complete_success(body):
    """'Lambda treats a batch as a complete success if you return any of the following: An empty
    batchItemFailure list, a null batchItemFailure list, an empty EventResponse, a null
    EventResponse.'"""
    assert Shard(Result(body), 3, **REPORTS).run().calls == [[1, 2, 3]]


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"wrongKey": "2"}],
        [{"itemIdentifier": "no such number"}],
        [{"itemIdentifier": f"{2:030d}"}, {"itemIdentifier": ""}],
        ["2"],
        7,
    ],
)
def test_a_malformed_report_is_a_complete_failure(failures):
    """'Lambda treats a batch as a complete failure if you return any of the following: An empty
    string itemIdentifier, a null itemIdentifier, an itemIdentifier with a bad key name.'"""
    answer = once(Result({"batchItemFailures": failures}))
    assert Shard(answer, 3, **REPORTS).run().calls == [[1, 2, 3]] * 2


def test_reports_count_only_where_they_are_turned_on():
    """'Even when your function code returns partial batch failure responses, these responses will
    not be processed by Lambda unless the ReportBatchItemFailures feature is explicitly turned on
    for your event source mapping.'"""
    assert Shard(reports(1), 3).run().calls == [[1, 2, 3]]


def test_the_failure_record_has_the_records_positions():
    batch = Batch([record(7, START), record(9, START + 2)], 3, 4, FAILED)
    document = failure_record(
        batch,
        "RetryAttemptsExhausted",
        function="arn:function",
        version="$LATEST",
        stream="arn:stream",
        shard="shardId-000000000001",
    )
    # The keys are those of the guide's example.
    assert document.pop("requestContext").keys() == {
        "requestId", "functionArn", "condition", "approximateInvokeCount",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document.pop("timestamp"))
    assert document == {
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": f"{7:030d}",
            "endSequenceNumber": f"{9:030d}",
            "approximateArrivalOfFirstRecord": "1970-01-12T13:46:40.000Z",
            "approximateArrivalOfLastRecord": "1970-01-12T13:46:42.000Z",
            "batchSize": 2,
            "streamArn": "arn:stream",
        },
    }
