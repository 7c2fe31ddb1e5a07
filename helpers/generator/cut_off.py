"""The server that was cut off: its agent sends late what it logged, and some of it twice.

An agent that can't reach the stream sends its log when it can again: late records. One that dies
between a put and the note of its offset sends records again: duplicates. Both are put straight to
the clicks stream here, made from log lines by the very code of the agent.
"""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from assets.agent import access_log
from helpers.beacon_definition import HORIZON_SECONDS, is_beacon_line

from .beacon import Beacon
from .journal import NOT_SENT, entry

SERVER = "cut-off-server"
STEP_SECONDS = 0.2
READ_SECONDS = 1.0  # a shard allows five reads a second to all of its readers
MOST_RECORDS = 500  # of one PutRecords call
_TEXTS = ("event", "clientid", "page", "agent", "referrer")
_TIMES = ("requested_at", "received_at", "shipped_at")


def log_line(beacon: Beacon, at: float, host: str) -> bytes:
    """Return the line that a beacon server logs for a beacon of the demo shop.

    Args:
        beacon: its values hold nothing that a log escapes.
        at: when it arrived, epoch seconds.
        host: the visitor's address.
    """
    headers = {name.lower(): value for name, value in beacon.headers()}
    names: tuple[bytes, ...] = (
        b"referer",
        b"user-agent",
        b"event",
        b"clientid",
        b"page",
        b"custom_metric_name",
    )
    names += tuple(b"custom_metric_%b_value" % kind for kind in (b"int", b"float", b"string"))
    values = b" ".join(b'"%b"' % headers.get(name, b"-") for name in names)
    clock = access_log.log_time(at).encode()
    request = b'%b - - [%b] "GET /beacon HTTP/1.1" 200 2' % (host.encode(), clock)
    return b"%b %b %d" % (request, values, int(at * 1000))


class CutOff:
    """A thread that puts late records and duplicates to the clicks stream.

    Args:
        kinesis: makes the boto3 client of Kinesis; called in the thread, once it is needed.
        stream: the stream's name.
        note: called with the journal entry of each record, from the thread.
    """

    def __init__(
        self, kinesis: Callable[[], Any], stream: str, note: Callable[[dict], None]
    ) -> None:
        self._make_client, self._stream, self._note = kinesis, stream, note
        self.problem: str | None = None
        self.duplicates = False
        self.late_seconds = 30.0
        self._late: deque[Beacon] = deque()
        self._client: Any = None
        self._iterators: list[str] | None = None
        self._fresh: deque[dict] = deque(maxlen=5_000)
        self._copied: set[str] = set()
        self._asked, self._made = 0.0, 0.0
        self._inode, self._offset = int(time.time()), 0
        self._chance = random.Random()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cut-off-server", daemon=True)
        self._thread.start()

    def add_late(self, beacon: Beacon) -> None:
        """Take a beacon that is to arrive late."""
        self._late.append(beacon)

    def ask_for_copies(self, number: float) -> None:
        """Ask for so many more duplicates; fractions add up."""
        self._asked += number

    def close(self, seconds: float) -> None:
        """Put what waits, and end the thread, within `seconds`."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        last_read = 0.0
        while True:
            ending = self._stop.wait(STEP_SECONDS)
            while self._late:
                self._put_late()
            if ending:
                return
            if not self.duplicates:
                # Begins at the newest record when copies are asked for again.
                self._iterators, self._made = None, self._asked
                self._fresh.clear()
                self._copied.clear()
                continue
            if time.monotonic() - last_read >= READ_SECONDS:
                last_read = time.monotonic()
                self._attempt(self._read)
            # What could not be copied for want of records is not made up for later.
            self._made = max(self._made, self._asked - MOST_RECORDS)
            if self._fresh and self._asked - self._made >= 1:
                self._put_duplicates()

    def _attempt(self, action: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the action returns
        import botocore.exceptions

        try:
            if self._client is None:
                self._client = self._make_client()
            result = action()
        except (
            botocore.exceptions.BotoCoreError,
            botocore.exceptions.ClientError,
        ) as error:
            self.problem = f"Late beacons and duplicates can't reach {self._stream}: {error}"
            self._iterators = None
            return None
        self.problem = None
        return result

    def _put_late(self) -> None:
        beacons = [self._late.popleft() for _ in range(min(len(self._late), MOST_RECORDS))]
        now = time.time()
        records = []
        for beacon in beacons:
            line = log_line(beacon, now - self.late_seconds, f"203.0.113.{self._offset % 254 + 1}")
            name = access_log.beacon_id(SERVER, self._inode, self._offset, line)
            self._offset += len(line) + 1
            records.append(access_log.click_record(line, name, int(now * 1000)))
            beacon.expect = "too_late" if self.late_seconds > HORIZON_SECONDS else "accepted"
        self._put(beacons, records, now)

    def _put_duplicates(self) -> None:
        beacons: list[Any] = []
        records: list[Any] = []
        now = time.time()
        while self._fresh and self._asked - self._made >= 1 and len(records) < MOST_RECORDS:
            self._made += 1
            place = self._chance.randrange(len(self._fresh))
            self._fresh.rotate(-place)
            record = self._fresh.popleft()
            records.append(record)
            beacons.append(_copy_of(record))
            self._copied.add(record["beacon_id"])
        self._put(beacons, records, now)

    def _put(self, beacons: list[Beacon], records: list[dict], now: float) -> None:
        entries = [
            {
                "Data": access_log.encode(record, int(now * 1000)),
                "PartitionKey": record["beacon_id"],
            }
            for record in records
        ]
        answer = self._attempt(
            lambda: self._client.put_records(StreamName=self._stream, Records=entries)
        )
        results = answer["Records"] if answer else [{"ErrorCode": "NotSent"}] * len(records)
        for beacon, record, result in zip(beacons, records, results, strict=True):
            status = NOT_SENT if "ErrorCode" in result else 200
            more = {name: record[name] for name in ("beacon_id", "requested_at")}
            self._note(entry(beacon, now, status, **more))

    def _read(self) -> None:
        if self._iterators is None:
            self._iterators = self._newest()
        following = []
        for iterator in self._iterators:
            answer = self._client.get_records(ShardIterator=iterator, Limit=1_000)
            following.append(answer.get("NextShardIterator"))
            for record in _records(answer):
                if record["beacon_id"] in self._copied:  # our own copy, coming back
                    self._copied.remove(record["beacon_id"])
                elif is_beacon(record):
                    self._fresh.append(record)
        # A shard that was split or merged has an end: look for the shards after it.
        self._iterators = following if all(following) else None

    def _newest(self) -> list[str]:
        shards = self._client.list_shards(StreamName=self._stream)["Shards"]
        return [
            self._client.get_shard_iterator(
                StreamName=self._stream,
                ShardId=shard["ShardId"],
                ShardIteratorType="LATEST",
            )["ShardIterator"]
            for shard in shards
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
