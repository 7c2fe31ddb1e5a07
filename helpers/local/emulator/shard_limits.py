"""Kinesis: a shard that takes no more than AWS' takes, where WORKSHOP_SHARD_LIMITS is set.

"Each shard can support up to 1 MB/second or 1,000 records/second write throughput" (Kinesis API
reference, PutRecords, which refuses single records). The emulator's take whatever comes, and so
does a learner's: a limit that no notebook speaks of would only be in the way. The bench sets it, to
measure what further shards bring.
"""

import json
import time
from dataclasses import dataclass, field

from ministack.core.responses import json_response
from ministack.services import kinesis

from .refusals import REFUSED

SETTING = "WORKSHOP_SHARD_LIMITS"
RECORDS, BYTES = 1_000, 1_000_000  # a second
_put_records = kinesis._put_records
_shares: dict[tuple[str, str], "Share"] = {}


@dataclass
class Share:
    """What a shard may still take: at most what it takes in a second."""

    at: float
    records: float = RECORDS
    bytes: float = field(default=BYTES)

    def takes(self, size: int, now: float) -> bool:
        """Tell whether a record of so many bytes fits, and if so take it.

        Example:
            >>> Share(at=0.0, records=1).takes(10, now=0.0)
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
    """Refuse what is too much for a shard."""
    kinesis._put_records = put_records


def put_records(request: dict) -> tuple:
    """PutRecords as the emulator does it, but for the records that their shards do not take."""
    name, stream = kinesis._resolve_stream(request)
    if not stream:
        return _put_records(request)
    now, records = time.monotonic(), request["Records"]
    taken = [_is_taken(stream, record, now) for record in records]
    kept = [record for record, is_taken in zip(records, taken, strict=True) if is_taken]
    answer: dict = {"Records": []}
    if kept or not records:
        status, headers, body = _put_records(request | {"Records": kept})
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
    results = iter(answer["Records"])
    answer["Records"] = [next(results) if is_taken else REFUSED for is_taken in taken]
    return json_response(answer | {"FailedRecordCount": len(records) - len(kept)})


def _is_taken(stream: dict, record: dict, now: float) -> bool:
    key = record.get("PartitionKey", "")
    number = int(record.get("ExplicitHashKey") or kinesis._partition_key_to_hash(key))
    shard = kinesis._route_to_shard(number, stream)
    share = _shares.setdefault((stream["StreamARN"], shard), Share(now))
    # The data are base64 here: four characters for three bytes.
    return share.takes(len(record.get("Data", "")) * 3 // 4 + len(key), now)
