"""Puts records into a Kinesis stream, and retries until the stream has all of them."""

import random
import time
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
from access_log import encode
from notices import Notices

# Limits of one PutRecords call (Kinesis API reference): records, and bytes with partition keys.
MAX_RECORDS = 500
MAX_BYTES = 5 * 1024 * 1024
BACKOFF_SECONDS = (0.1, 5.0)
# A record reaches the stream within this time after its `shipped_at`: AWS refuses a call that was
# signed more than five minutes ago ("Signature Version 4", IAM User Guide), and agent.py waits 5 s
# for a connection and 20 s for an answer. A change of the job's SQL depends on this limit
# (helpers/flink/replay_edge.py).
LONGEST_PUT_SECONDS = 300


class GaveUpError(Exception):
    """The deadline for shipping has passed."""


class Shipper:
    """Ships records to one stream.

    Args:
        client: the boto3 client of Kinesis, which should not retry by itself.
        stream: the stream's name.
        notices: logs warnings.
    """

    def __init__(self, client: Any, stream: str, notices: Notices) -> None:  # noqa: ANN401
        self._client, self._stream, self._notices = client, stream, notices
        self.deadline: float | None = None  # of time.monotonic(); None: no end
        self.shipped = self.retries = 0

    def ship(self, records: list[dict[str, Any]]) -> None:
        """Put all records; return when the stream has confirmed each of them.

        Only failed records are put again, with exponential backoff and full jitter.

        Args:
            records: click records without `shipped_at`, which is the time of the put.

        Raises:
            GaveUpError: `deadline` has passed; some of the records may be in the stream.
        """
        attempt = 0
        while records:
            failed: list[dict[str, Any]] = []
            for batch in _batches(records):
                failed += self._put(batch)
            progress = len(failed) < len(records)
            self.shipped += len(records) - len(failed)
            records = failed
            if records:
                attempt = 1 if progress else attempt + 1
                self.retries += 1
                self._wait(attempt)

    def _put(self, batch: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[dict[str, Any]]:
        entries = [entry for _, entry in batch]
        began = time.time()  # the monotonic clock stops while a laptop sleeps
        try:
            results = self._client.put_records(StreamName=self._stream, Records=entries)["Records"]
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self._notices.warn(f"{len(batch)} records are put again: {error}", "stream")
            return [record for record, _ in batch]
        if (seconds := time.time() - began) > LONGEST_PUT_SECONDS:
            self._notices.warn(
                f"PutRecords took {seconds:.0f} s for {len(batch)} records; a change of the Flink "
                f"job's SQL allows {LONGEST_PUT_SECONDS} s and may miss them",
                "slow",
            )
        failed = [
            record
            for (record, _), result in zip(batch, results, strict=True)
            if "ErrorCode" in result
        ]
        if failed:
            code = next(result["ErrorCode"] for result in results if "ErrorCode" in result)
            self._notices.warn(
                f"{len(failed)} of {len(batch)} records are put again: {code}", "stream"
            )
        return failed

    def _wait(self, attempt: int) -> None:
        first, most = BACKOFF_SECONDS
        until = time.monotonic() + random.uniform(0, min(most, first * 2 ** min(attempt, 16)))
        # In small steps: a signal may set the deadline meanwhile.
        while (now := time.monotonic()) < until:
            if self.deadline is not None and now > self.deadline:
                raise GaveUpError
            time.sleep(min(0.1, until - now))


def _batches(
    records: list[dict[str, Any]],
) -> Iterator[list[tuple[dict[str, Any], dict[str, Any]]]]:
    shipped_at = time.time_ns() // 1_000_000
    batch: list[tuple[dict[str, Any], dict[str, Any]]] = []
    size = 0
    for record in records:
        entry = {"Data": encode(record, shipped_at), "PartitionKey": record["beacon_id"]}
        entry_size = len(entry["Data"]) + len(entry["PartitionKey"].encode())
        if batch and (len(batch) == MAX_RECORDS or size + entry_size > MAX_BYTES):
            yield batch
            batch, size = [], 0
            # The put of the previous batch may have taken long, so this one has a new time.
            shipped_at = time.time_ns() // 1_000_000
            entry["Data"] = encode(record, shipped_at)
        batch.append((record, entry))
        size += entry_size
    if batch:
        yield batch
