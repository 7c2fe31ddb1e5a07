"""Duplicates: records of the clicks stream that are put again, as by an agent that was killed.

An agent that is killed between a put and the note of its offset sends these records again.
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

READ_SECONDS = 1.0  # a shard allows five reads a second to all of its readers
_TEXTS = ("event", "clientid", "page", "agent", "referrer")
_TIMES = ("requested_at", "received_at", "shipped_at")


class Duplicates:
    """Reads the stream's new records, and puts some of them again.

    Args:
        stream: the clicks stream.

    Attributes:
        enabled: whether any are wanted; set from another thread.
    """

    def __init__(self, stream: ClicksStream) -> None:
        self.enabled = False
        self._stream, self._read_at = stream, 0.0
        # Each is written by one thread only: the one that asks, and the one that puts.
        self._asked, self._made = 0.0, 0.0
        self._iterators: list[str] | None = None
        self._fresh: deque[dict] = deque(maxlen=5_000)
        self._copied: set[str] = set()

    def ask(self, number: float) -> None:
        """Ask for so many more; fractions add up."""
        self._asked += number

    def step(self) -> None:
        """Read what is new, and put what was asked for. Called a few times a second."""
        if not self.enabled:
            # Begins at the newest record when copies are asked for again.
            self._iterators, self._made = None, self._asked
            self._fresh.clear()
            self._copied.clear()
            return
        if time.monotonic() - self._read_at >= READ_SECONDS:
            self._read_at = time.monotonic()
            self._iterators = self._stream.attempt(self.read)
        # What could not be copied for want of records is not made up for later.
        self._made = max(self._made, self._asked - MOST_RECORDS)
        if self._fresh and self._asked - self._made >= 1:
            self._put()

    def _put(self) -> None:
        records: list[dict] = []
        while self._fresh and self._asked - self._made >= 1 and len(records) < MOST_RECORDS:
            self._made += 1
            self._fresh.rotate(-random.randrange(len(self._fresh)))
            records.append(self._fresh.popleft())
        self._copied |= {record["beacon_id"] for record in records}
        self._stream.put([_copy_of(record) for record in records], records, time.time())

    def read(self, kinesis: Any, stream: str) -> list[str] | None:  # noqa: ANN401 - a boto3 client
        """Read each shard once; return where to go on, None = at the newest records of all shards.

        Args:
            kinesis: the boto3 client.
            stream: the stream's name.
        """
        following = []
        for iterator in self._iterators or _newest(kinesis, stream):
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1_000)
            following.append(answer.get("NextShardIterator"))
            for record in _records(answer):
                if record["beacon_id"] in self._copied:  # our own copy, coming back
                    self._copied.remove(record["beacon_id"])
                elif is_beacon(record):
                    self._fresh.append(record)
        # A shard that was split or merged has an end: look for the shards after it.
        return following if all(following) else None


def _newest(kinesis: Any, stream: str) -> list[str]:
    return [
        kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
        )["ShardIterator"]
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]
    ]


def _records(answer: dict) -> Iterator[dict]:
    """Yield the click records of a GetRecords answer; anybody may put something else."""
    for each in answer["Records"]:
        try:
            record = json.loads(each["Data"])
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("beacon_id"), str):
            yield record


def _is_whole(record: dict) -> bool:
    """Return whether a record has what a copy is made of, as an agent writes it."""
    return (
        all(isinstance(record.get(name, 0), str | None) for name in _TEXTS)
        and isinstance(record.get("request"), str)
        and all(isinstance(record.get(name), int) for name in _TIMES)
    )


def is_beacon(record: dict) -> bool:
    """Return whether a click record is a beacon that is counted, so that its copy is a duplicate.

    Args:
        record: a click record, e.g. of a health check, or of a rejected line.
    """
    if not _is_whole(record):
        return False
    return (
        not record.get("rejected")
        and is_beacon_line(record["request"], record.get("response"), record["agent"])
        and record["shipped_at"] - record["requested_at"] < HORIZON_SECONDS * 1000
    )


def _copy_of(record: dict) -> Beacon:
    def value(name: str) -> bytes | None:
        return None if record[name] is None else record[name].encode()

    return Beacon(
        value("event"),
        value("clientid"),
        value("page"),
        value("agent"),
        value("referrer"),
        kind="duplicate",
        expect="duplicate",
    )
