"""Duplicates: puts records of the clicks stream again, as an agent does that was killed.

An agent that is killed after a put and before it saves its offset ships these records again.
"""

import json
import random
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from helpers.core.beacon_definition import HORIZON_SECONDS, is_beacon_line

from .beacon import Beacon
from .clicks_stream import MOST_RECORDS, ClicksStream

READ_SECONDS = 1.0  # a shard allows five reads a second, for all its readers together
_TEXTS = ("event", "clientid", "page", "agent", "referrer", "source", "campaign")
_TIMES = ("requested_at", "received_at", "shipped_at")


class Duplicates:
    """Reads the stream's new records, and puts some of them again.

    Args:
        stream: the clicks stream.

    Attributes:
        enabled: whether to make duplicates; set by another thread.
    """

    def __init__(self, stream: ClicksStream) -> None:
        self.enabled = False
        self._stream, self._read_at = stream, 0.0
        # Each is written by one thread only: the caller of `request`, and the one that puts.
        self._requested, self._made = 0.0, 0.0
        self._iterators: list[str] | None = None
        self._fresh: deque[dict] = deque(maxlen=5_000)
        self._copied: set[str] = set()

    def request(self, number: float) -> None:
        """Request this many more duplicates; fractions add up."""
        self._requested += number

    def step(self) -> None:
        """Read new records, and put the requested duplicates. Called a few times a second."""
        if not self.enabled:
            # When it is enabled again, it begins at the newest record.
            self._iterators, self._made = None, self._requested
            self._fresh.clear()
            self._copied.clear()
            return
        if time.monotonic() - self._read_at >= READ_SECONDS:
            self._read_at = time.monotonic()
            self._iterators = self._stream.attempt(self.read)
        # If there were too few records to copy, the missing duplicates are not added later.
        self._made = max(self._made, self._requested - MOST_RECORDS)
        if self._fresh and self._requested - self._made >= 1:
            self._put()

    def _put(self) -> None:
        records: list[dict] = []
        while self._fresh and self._requested - self._made >= 1 and len(records) < MOST_RECORDS:
            self._made += 1
            self._fresh.rotate(-random.randrange(len(self._fresh)))
            records.append(self._fresh.popleft())
        self._copied |= {record["beacon_id"] for record in records}
        self._stream.put([_copy_of(record) for record in records], records, time.time())

    def read(self, kinesis: Any, stream: str) -> list[str] | None:  # noqa: ANN401 - a boto3 client
        """Read each shard once; return the next iterators, None = begin at the newest records.

        Args:
            kinesis: the boto3 client.
            stream: the stream's name.
        """
        following = []
        for iterator in self._iterators or _newest(kinesis, stream):
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1_000)
            following.append(answer.get("NextShardIterator"))
            for record in _records(answer):
                if record["beacon_id"] in self._copied:  # our own copy
                    self._copied.remove(record["beacon_id"])
                elif is_beacon(record):
                    self._fresh.append(record)
        # A shard that was split or merged has an end: list the shards again.
        return following if all(following) else None


def _newest(kinesis: Any, stream: str) -> list[str]:
    return [
        kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
        )["ShardIterator"]
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]
    ]


def _records(answer: dict) -> Iterator[dict]:
    """Yield the click records of a GetRecords answer; others may put anything to the stream."""
    for each in answer["Records"]:
        try:
            record = json.loads(each["Data"])
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("beacon_id"), str):
            yield record


def is_beacon(record: dict) -> bool:
    """Return whether a click record is a counted beacon, so that its copy is a duplicate.

    Args:
        record: a click record; any type of value, as others may put anything to the stream.
    """
    return (
        all(isinstance(record.get(name, 0), str | None) for name in _TEXTS)
        and isinstance(record.get("request"), str)
        and all(isinstance(record.get(name), int) for name in _TIMES)
        and not record.get("rejected")
        and is_beacon_line(record["request"], record.get("response"), record["agent"])
        and record["shipped_at"] - record["requested_at"] < HORIZON_SECONDS * 1000
    )


def _copy_of(record: dict) -> Beacon:
    values: dict[str, Any] = {
        name: None if record[name] is None else record[name].encode() for name in _TEXTS
    }
    return Beacon(**values, kind="duplicate", expect="duplicate")
