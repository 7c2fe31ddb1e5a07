"""Kinesis: five reads a second from a shard for all its readers, and now and then an empty answer.

D: "Each shard can support up to five read transactions per second"; one that exceeds it gets
ProvisionedThroughputExceededException. "GetRecords might return an empty list even when the shard
contains more records", with MillisBehindLatest above 0 (Kinesis API reference, GetRecords).

D: Lambda "polls shards in your Kinesis stream at a base rate of once per second" (Lambda Developer
Guide), and "Firehose calls the Kinesis Data Streams GetRecords operation once per second for each
shard" (Firehose Developer Guide). Here both read the emulator's memory, so their calls are counted.

The rate is AWS's, whatever the pace: readers poll as often as on AWS.
"""

import json
import time
from dataclasses import dataclass, field

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import firehose, kinesis, lambda_svc

READS_A_SECOND = 5
CALLS_BETWEEN_EMPTY_ANSWERS = 7  # M: AWS names no share
_get_records = kinesis._get_records


@dataclass
class Reads:
    """The reads that a shard still answers now: at most those of a second."""

    at: float = field(default_factory=time.monotonic)
    left: float = READS_A_SECOND
    answered: int = 0

    def allows(self, rate: float, now: float) -> bool:
        """Return whether the shard answers another read now, and count it if so.

        Args:
            rate: the reads a second that it answers.
            now: seconds, of the same clock as `at`.

        Example:
            >>> reads = Reads(at=0.0)
            >>> [reads.allows(5, now=0.0) for _ in range(6)].count(True)
            5
        """
        self.left = min(READS_A_SECOND, self.left + (now - self.at) * rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        self.answered += 1
        return True


_shards: dict[tuple[str, str], Reads] = {}


def apply() -> None:
    """Limit GetRecords."""
    kinesis._get_records = get_records


def get_records(data: dict) -> tuple:
    """Answer GetRecords as the emulator does, within the limit of its shard."""
    iterator = kinesis._shard_iterators.get(data.get("ShardIterator"))
    if not iterator:
        return _get_records(data)
    reads = _shards.setdefault((iterator["stream_arn"], iterator["shard_id"]), Reads())
    if not reads.allows(READS_A_SECOND - others(iterator["stream_arn"]), time.monotonic()):
        return error_response_json(
            "ProvisionedThroughputExceededException",
            f"Rate exceeded for shard {iterator['shard_id']} in stream {iterator['stream']} "
            f"under account {get_account_id()}.",
            400,
        )
    if reads.answered % CALLS_BETWEEN_EMPTY_ANSWERS == 0 and _has_more(iterator):
        status, _, body = _get_records(data | {"Limit": 0})
        if status == 200:
            answer = json.loads(body)
            behind = max(1, answer["MillisBehindLatest"])
            return json_response(answer | {"MillisBehindLatest": behind})
    return _get_records(data)


def others(stream_arn: str) -> int:
    """Return how many delivery streams and event source mappings read a stream."""
    sources = [s.get("kinesis_source") or {} for s in firehose._streams.values()]
    arns = [source.get("KinesisStreamARN") for source in sources]
    arns += [mapping.get("EventSourceArn") for mapping in lambda_svc._esms.values()]
    return arns.count(stream_arn)


def _has_more(iterator: dict) -> bool:
    stream = kinesis._streams.get(iterator["stream"]) or {}
    shard = stream.get("shards", {}).get(iterator["shard_id"], {})
    return iterator["position"] < len(shard.get("records", []))
