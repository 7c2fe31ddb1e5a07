"""From the folder that the job writes to the metrics stream, as the Kinesis sink does on AWS.

A file appears in the folder when a checkpoint is complete, and is deleted once all its rows are in
the stream. After a kill in between, rows are sent again; that is harmless for whole values.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.core.paths import read_json, write_json

BATCH = 500  # the limit of PutRecords
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
FINAL = "event_anomaly"  # the only metric whose values never change, whatever is read later
Row = tuple[str, bytes]


class PumpOut:
    """Moves finished files of metric rows into a stream.

    Args:
        client: the boto3 client of Kinesis.
        stream: the stream's name.
        folder: where the job writes: a folder for each metric.
        begin: rows of buckets that begin before this moment (epoch seconds) are omitted: a replay
            has not read all their beacons.
        finals: the file that stores the newest bucket whose final values were sent.
        begin_finals: the same as `begin` for final values: a replay must not send them again.

    Attributes:
        before: only files that were written before this moment (nanoseconds since 1970) are sent;
            None: all.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - a boto3 client
        stream: str,
        folder: Path,
        begin: int = 0,
        finals: Path | None = None,
        begin_finals: int = 0,
    ) -> None:
        self.client, self.stream, self.folder = client, stream, folder
        self.begin, self.begin_finals = begin, max(begin, begin_finals)
        self.finals, self.newest_final = finals, newest_final(finals) if finals else 0
        self.before: int | None = None
        self.records = 0

    def step(self) -> int:
        """Send every finished file that is not held back; return how many rows were sent."""
        before, files = self.before, finished_files(self.folder)
        if before is not None:
            files = [file for file in files if file.stat().st_mtime_ns < before]
        rows, newest = [], self.newest_final
        for file in files:
            is_final = metric_of(file) == FINAL
            new = list(read_rows(file, self.begin_finals if is_final else self.begin))
            rows += new
            if is_final:
                buckets = (json.loads(row)["after"]["EventTimestamp"] for _, row in new)
                newest = max([newest, *buckets])
        for start in range(0, len(rows), BATCH):
            send(self.client, self.stream, rows[start : start + BATCH])
        if self.finals and newest > self.newest_final:
            self.newest_final = newest
            write_json(self.finals, {"newest": newest})
        for file in files:
            file.unlink()
        self.records += len(rows)
        return len(rows)


def newest_final(finals: Path) -> int:
    """Return the newest bucket whose final values were sent, epoch seconds; 0 if none were."""
    return read_json(finals, {}).get("newest", 0)


def metric_of(file: Path) -> str:
    """Return the metric of a file's rows."""
    return file.parent.name.split("=", 1)[1]


def finished_files(folder: Path) -> list[Path]:
    """Return the files that the job has finished, in the order in which it wrote them.

    Args:
        folder: holds `MetricType=<name>/part-<job's id>-<subtask>-<counter>`; the name of a file
            that is not finished begins with a dot.
    """
    parts = folder.glob("*/part-*")
    return sorted(parts, key=lambda p: (p.stat().st_mtime_ns, int(p.name.rsplit("-", 1)[1])))


def read_rows(file: Path, begin: int = 0) -> Iterator[Row]:
    """Yield the metric type and the JSON of each row, as the Kinesis sink would send it.

    The job retracts an old value (`"op": "d"`) before each new one. All readers of the stream
    ignore retractions, because a new row is the whole value. Omitting them halves the records.

    Args:
        file: a finished file. Flink writes MetricType into its folder's name, not into its rows.
        begin: omit rows of buckets before this moment (epoch seconds).
    """
    metric = metric_of(file)
    for line in file.read_bytes().splitlines():
        change = json.loads(line)
        if change["op"] != "d" and change["after"]["EventTimestamp"] >= begin:
            change["after"] = {"MetricType": metric} | change["after"]
            yield metric, json.dumps(change).encode() + b"\n"


def send(client: Any, stream: str, rows: list[Row]) -> None:  # noqa: ANN401 - a boto3 client
    """Put rows into a stream, in order within each metric type, until all are accepted.

    PutRecords may refuse some records of a call and accept others. From the first refused one on,
    the rows of that metric type are sent again, so that none overtakes it.

    Args:
        client: the boto3 client of Kinesis.
        stream: the stream's name.
        rows: at most 500.
    """
    pause = FIRST_PAUSE
    while rows:
        records = [{"PartitionKey": metric, "Data": data} for metric, data in rows]
        answer = client.put_records(StreamName=stream, Records=records)
        again = to_send_again(rows, answer["Records"])
        if len(again) < len(rows):
            pause = FIRST_PAUSE  # some were accepted
        rows = again
        if rows:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def to_send_again(rows: list[Row], results: list[dict]) -> list[Row]:
    """Return the rows to send again: of each metric type, those from the first refused one on.

    Example:
        >>> to_send_again([("a", b"1"), ("b", b"2"), ("a", b"3")], [{"ErrorCode": "x"}, {}, {}])
        [('a', b'1'), ('a', b'3')]
    """
    again, refused = [], set()
    for row, result in zip(rows, results, strict=True):
        if result.get("ErrorCode"):
            refused.add(row[0])
        if row[0] in refused:
            again.append(row)
    return again
