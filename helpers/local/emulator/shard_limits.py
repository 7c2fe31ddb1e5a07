"""Kinesis: write limits of a shard as on AWS, if WORKSHOP_SHARD_LIMITS is set.

"Each shard can support up to 1 MB/second or 1,000 records/second write throughput" (Kinesis API
reference, PutRecords, which refuses single records). The emulator's shards have no limit, and in
the notebooks they need none, because no notebook is about it. The bench sets the variable, to
measure what additional shards bring.
"""

import json
import time
from dataclasses import dataclass, field

from ministack.core.responses import json_response
from ministack.services import kinesis

from . import refusals

SETTING = "WORKSHOP_SHARD_LIMITS"
RECORDS, BYTES = 1_000, 1_000_000  # a second
_put_records = kinesis._put_records
_capacities: dict[tuple[str, str], "Capacity"] = {}


@dataclass
class Capacity:
    """What a shard still accepts now: at most what it accepts in a second."""

    at: float
    records: float = RECORDS
    bytes: float = field(default=BYTES)

    def accepts(self, size: int, now: float) -> bool:
        """Return whether the shard accepts a record of so many bytes, and count it if so.

        Example:
            >>> Capacity(at=0.0, records=1).accepts(10, now=0.0)
            True
        """
        passed, self.at = now - self.at, now
        self.records = min(RECORDS, self.records + passed * RECORDS)
        self.bytes = min(BYTES, self.bytes + passed * BYTES)
        if self.records < 1 or self.bytes < size:
            return False
        self.records -= 1
        self.bytes -= size
        return True


def apply() -> None:
    """Refuse records that exceed a shard's limits."""
    kinesis._put_records = put_records


def put_records(request: dict) -> tuple:
    """Answer PutRecords as the emulator does, except for records that their shards refuse."""
    name, stream = kinesis._resolve_stream(request)
    if not stream or not request["Records"]:
        return _put_records(request)
    now = time.monotonic()
    split = refusals.put_records(request, lambda record: not _accepts(stream, record, now))
    answer: dict = {}
    if split.rest:
        status, headers, body = _put_records(split.rest)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
    assert split.merge, "PutRecords never fails as a whole"
    return json_response(split.merge(answer))


def _accepts(stream: dict, record: dict, now: float) -> bool:
    key = record.get("PartitionKey", "")
    number = int(record.get("ExplicitHashKey") or kinesis._partition_key_to_hash(key))
    shard = kinesis._route_to_shard(number, stream)
    capacity = _capacities.setdefault((stream["StreamARN"], shard), Capacity(now))
    # The data are base64 here: four characters for three bytes.
    return capacity.accepts(len(record.get("Data", "")) * 3 // 4 + len(key), now)
