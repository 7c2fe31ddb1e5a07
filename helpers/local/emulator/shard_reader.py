"""Reads one shard of a stream as Lambda does: batch by batch, in order, with retries.

The tests quote AWS's documentation (Lambda Developer Guide, "Using AWS Lambda with Amazon Kinesis",
"Configuring partial batch response with Kinesis Data Streams", "Retain discarded batch records").
AWS does not document the pauses between retries: here they are short and limited.

This module does not depend on the emulator: the functions that fetch records, invoke the Lambda
function and report a discarded batch are arguments.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
PAYLOAD_BYTES = 6 * 1024 * 1024  # the longest event of a synchronous invocation
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one invocation.

    Args:
        body: the function's return value.
        error: the function failed (raised, timed out, was killed).
        throttled: the function was not called.
    """

    body: Any = None
    error: bool = False
    throttled: bool = False


@dataclass(slots=True)
class Batch:
    """Records that the function gets together, with their invocations so far."""

    records: list[dict]
    retries: int = 0
    invocations: int = 0
    last: Result | None = None


@dataclass(slots=True)
class ShardReader:
    """Reads one shard; `step` does the next thing that is due.

    Args:
        settings: returns the event source mapping as its API shows it; called at each step.
        fetch: returns up to so many records after a sequence number, oldest first.
        wanted: drops the records that do not match the mapping's filter.
        invoke: calls the function.
        discard: reports a discarded batch, and why.
        position: sequence number of the last record read; "" before the first.
        clock: the time, epoch seconds.
    """

    settings: Callable[[], dict]
    fetch: Callable[[str, int], list[dict]]
    wanted: Callable[[list[dict]], list[dict]]
    invoke: Callable[[list[dict]], Result]
    discard: Callable[[Batch, str], None]
    position: str = ""
    clock: Callable[[], float] = time.time
    # The rest of the batch that was read last, in order; bisecting splits it into several.
    parts: list[Batch] = field(default_factory=list)
    due: float = 0.0  # not before: the pause after a failure
    gathering_since: float | None = None

    def step(self) -> float | None:
        """Do the next thing.

        Returns:
            Seconds until the next step is due; None: not before another record arrives.
        """
        now, settings = self.clock(), self.settings()
        if now < self.due:
            return self.due - now
        if not self.parts:
            pause = self._read(settings, now)
            if not self.parts:
                return pause
        self._discard_old(settings, now)
        if self.parts:
            self._call(self.parts[0], settings)
        return max(0.0, self.due - self.clock())

    def _read(self, settings: dict, now: float) -> float | None:
        size = settings.get("BatchSize", 100)
        records = self.fetch(self.position, size)
        if not records:
            return None
        kept = _up_to_the_payload_limit(records)
        window = settings.get("MaximumBatchingWindowInSeconds", 0)
        if window and len(records) < size and len(kept) == len(records):
            self.gathering_since = now if self.gathering_since is None else self.gathering_since
            if now < self.gathering_since + window:
                return self.gathering_since + window - now
        self.gathering_since = None
        self.position = number_of(kept[-1])
        matching = self.wanted(kept)
        if matching:
            self.parts.append(Batch(matching))
        return 0.0

    def _discard_old(self, settings: dict, now: float) -> None:
        limit = settings.get("MaximumRecordAgeInSeconds", -1)
        while limit >= 0 and self.parts:
            batch = self.parts[0]
            ages = [now - arrival_of(record) for record in batch.records]
            young = next((n for n, age in enumerate(ages) if age <= limit), len(ages))
            if young:
                self.discard(replace(batch, records=batch.records[:young]), TOO_OLD)
                batch.records = batch.records[young:]
            if batch.records:
                return
            self.parts.pop(0)

    def _call(self, batch: Batch, settings: dict) -> None:
        result = self.invoke(batch.records)
        if result.throttled:
            self._pause(batch.retries)
            return
        batch.invocations, batch.last = batch.invocations + 1, result
        reports = "ReportBatchItemFailures" in settings.get("FunctionResponseTypes", [])
        failed = first_failed(batch.records, result, reports)
        if failed is None:
            self.parts.pop(0)
            return
        batch.records = batch.records[failed:]
        bisects = settings.get("BisectBatchOnFunctionError", False)
        if bisects and failed:
            self._pause(batch.retries)
        elif bisects and result.error and len(batch.records) > 1:
            self.parts[0:1] = _halves(batch)
            self._pause(batch.retries)
        elif 0 <= settings.get("MaximumRetryAttempts", -1) <= batch.retries:
            self.parts.pop(0)
            self.discard(batch, EXHAUSTED)
        else:
            self._pause(batch.retries)
            batch.retries += 1

    def _pause(self, retries: int) -> None:
        # min() first: 2 to the power of thousands of retries is too large for a float.
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(retries, 10), LONGEST_PAUSE_SECONDS)
        self.due = self.clock() + pause


def first_failed(records: list[dict], result: Result, reports: bool) -> int | None:
    """Return the position of the first record to retry; None if all succeeded."""
    if result.error:
        return 0
    body = result.body
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return None
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    if not reports or not failures:
        return None
    positions = {number_of(record): position for position, record in enumerate(records)}
    try:
        # With an unknown number, as with none, the whole batch has failed.
        return min(positions.get(failure["itemIdentifier"], 0) for failure in failures)
    except (KeyError, TypeError):
        return 0


def number_of(record: dict) -> str:
    """Return the sequence number of a function's record (Kinesis or DynamoDB)."""
    if "kinesis" in record:
        return record["kinesis"]["sequenceNumber"]
    return record["dynamodb"]["SequenceNumber"]


def arrival_of(record: dict) -> float:
    """Return when a record arrived in its stream, epoch seconds."""
    if "kinesis" in record:
        return record["kinesis"]["approximateArrivalTimestamp"]
    return record["dynamodb"]["ApproximateCreationDateTime"]


def _halves(batch: Batch) -> list[Batch]:
    middle = len(batch.records) // 2
    halves = batch.records[:middle], batch.records[middle:]
    return [replace(batch, records=half) for half in halves]


def _up_to_the_payload_limit(records: list[dict]) -> list[dict]:
    total = 0
    for position, record in enumerate(records):
        total += len(json.dumps(record))
        if total > PAYLOAD_BYTES and position:
            return records[:position]
    return records
