"""From the clicks stream to the folder that the job reads, as the Kinesis connector does on AWS.

Each call of GetRecords creates one file, named by its shard and its first and last sequence number.
The complete file is renamed into place, and from then on its name is the position: a pump continues
after the newest file of each shard. A file may be deleted only once positions.json has its position
(`remembered`). So a kill at any moment neither duplicates nor loses a record.
"""

import os
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from helpers.core.paths import read_json, write_json
from helpers.flink.backlog import has_more_bytes

SECONDS_BETWEEN_LISTS = 3
# A job that catches up with a long stream reads more slowly than the pump, which then waits.
FOLDER_BYTES = 64_000_000
RECORDS_PER_FILE = 10_000  # what GetRecords returns at most
# The emulator's sequence numbers have leading zeros, which the files' names omit.
SEQUENCE_DIGITS = 30


def start_position(clicks: dict[str, str], now: float) -> dict[str, Any]:
    """Return where an application begins to read, as arguments of GetShardIterator.

    Args:
        clicks: the application's property group; `source.init.position` is TRIM_HORIZON, LATEST
            or AT_TIMESTAMP, then with `source.init.timestamp` (epoch seconds or ISO 8601).
        now: the time, epoch seconds. LATEST means this moment, also after a restart.

    Example:
        >>> start_position({"source.init.position": "TRIM_HORIZON"}, now=0)
        {'ShardIteratorType': 'TRIM_HORIZON'}
    """
    wanted = clicks.get("source.init.position", "LATEST")
    if wanted == "TRIM_HORIZON":
        return {"ShardIteratorType": "TRIM_HORIZON"}
    if wanted == "AT_TIMESTAMP":
        text = clicks["source.init.timestamp"]
        try:
            now = float(text)
        except ValueError:
            now = datetime.fromisoformat(text).timestamp()
    return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": now}


class PumpIn:
    """Moves the records of one stream into files, from where it stopped before.

    Args:
        client: the boto3 client of Kinesis.
        stream: the stream's name.
        folder: where the job reads.
        positions: the file that stores how far each shard has been read.
        start: where to begin with a shard that has not been read yet: see `start_position`.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - a boto3 client
        stream: str,
        folder: Path,
        positions: Path,
        start: dict[str, Any],
    ) -> None:
        self.client, self.stream, self.folder, self.positions = client, stream, folder, positions
        saved = read_json(positions, {})
        self.start = saved.get("start", start)
        self.last = _last_read(folder, saved.get("shards", {}))
        self.iterators: dict[str, str | None] = {}
        self.read_until = 0.0
        self.caught_up: dict[str, float] = {}
        self.listed = 0.0
        self.records = 0

    def step(self) -> int:
        """Read each shard once; return how many records were moved."""
        if time.monotonic() - self.listed > SECONDS_BETWEEN_LISTS:
            self._list_shards()
        if has_more_bytes(self.folder, FOLDER_BYTES):
            return 0
        moved = sum(self._read(shard) for shard, at in list(self.iterators.items()) if at)
        # All that arrived before this moment is in files.
        self.read_until = min(self.caught_up.values(), default=self.read_until)
        self.records += moved
        return moved

    def save(self) -> None:
        """Store how far each shard has been read."""
        write_json(self.positions, {"start": self.start, "shards": self.last})

    def _list_shards(self) -> None:
        token: dict[str, str] = {"StreamName": self.stream}
        while True:
            page = self.client.list_shards(**token)
            for shard in page["Shards"]:
                if shard["ShardId"] not in self.iterators:
                    self.iterators[shard["ShardId"]] = self._iterator(shard["ShardId"])
                    self.caught_up[shard["ShardId"]] = self.read_until
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        self.listed = time.monotonic()
        self.save()

    def _iterator(self, shard: str) -> str:
        if shard in self.last:
            start = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": self.last[shard],
            }
        else:
            start = self.start
        answer = self.client.get_shard_iterator(StreamName=self.stream, ShardId=shard, **start)
        return answer["ShardIterator"]

    def _read(self, shard: str) -> int:
        requested_at = time.time()
        try:
            answer = self.client.get_records(
                ShardIterator=self.iterators[shard], Limit=RECORDS_PER_FILE
            )
        except self.client.exceptions.ExpiredIteratorException:
            self.iterators[shard] = self._iterator(shard)
            return 0
        if records := answer["Records"]:
            write_file(self.folder, shard, records)
            self.last[shard] = records[-1]["SequenceNumber"]
            self.caught_up[shard] = records[-1]["ApproximateArrivalTimestamp"].timestamp()
        if not answer.get("MillisBehindLatest"):
            self.caught_up[shard] = requested_at
        # A shard that was split or merged ends: it has no next iterator.
        self.iterators[shard] = answer.get("NextShardIterator")
        if self.iterators[shard] is None:
            self.caught_up.pop(shard, None)
        if records:
            # Last: if it fails (a full disk), this pump still continues after the moved records.
            self.save()
        return len(records)


def _last_read(folder: Path, saved: dict[str, str]) -> dict[str, str]:
    """Return the last sequence number that was read of each shard: saved, or a file's name."""
    last = dict(saved)
    for file in folder.glob("[0-9]*.json"):
        shard, sequence = _end(file.name)
        if int(sequence) > int(last.get(shard, "0")):
            last[shard] = sequence
    return last


def _end(name: str) -> tuple[str, str]:
    number, _, last = name.removesuffix(".json").split("-")
    return f"shardId-{number:0>12}", last.zfill(SEQUENCE_DIGITS)


def remembered(names: set[str], positions: Path) -> set[str]:
    """Return the files whose positions are stored, so that a new pump does not need them."""
    saved = read_json(positions, {}).get("shards", {})
    ends = ((name, *_end(name)) for name in names)
    return {name for name, shard, last in ends if int(last) <= int(saved.get(shard, "0"))}


def write_file(folder: Path, shard: str, records: list[dict]) -> Path:
    """Write records as one file of JSON lines, completely or not at all.

    Args:
        folder: where the job reads; its parent has the draft.
        shard: its id, e.g. `shardId-000000000000`.
        records: what GetRecords returned, at least one.

    Returns:
        The file. Its modification time is the arrival of its first record in the stream.
    """
    # Without leading zeros: the job stores the name of every file that it has read.
    ends = [records[0]["SequenceNumber"], records[-1]["SequenceNumber"]]
    number, first, last = (int(re.sub(r"\D", "", text)) for text in (shard, *ends))
    path = folder / f"{number}-{first}-{last}.json"
    draft = folder.with_name(f"{folder.name}.draft")
    draft.write_bytes(b"".join(map(_line, records)))
    arrived = records[0]["ApproximateArrivalTimestamp"].timestamp()
    os.utime(draft, (arrived, arrived))
    draft.replace(path)
    return path


def _line(record: dict) -> bytes:
    # One record a line. In JSON a line break is only white space between two tokens.
    return re.sub(rb"[\r\n]+", b" ", record["Data"].strip()) + b"\n"
