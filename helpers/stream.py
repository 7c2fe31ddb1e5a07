"""Looking into a Kinesis stream while records pass: the newest few, or a running count."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from .archive import FIELDS, field_column, read_record
from .cloud import Cloud
from .errors import WorkshopError
from .waiting import waiting

# What a record of a stream has: a click, and a row that Flink's debezium-json says has changed.
_COLUMNS = {"clicks": list(FIELDS), "metrics": ["before", "after", "op"]}
POLL_SECONDS = 0.25  # AWS allows five GetRecords calls a second on each shard
PATIENCE_SECONDS = 5  # a beacon is in the stream within a second, on a busy machine a little later
FORGOTTEN_SECONDS = 60  # a chart that was stopped leaves its counter behind


def newest_records(cloud: Cloud, stream: str = "clicks", seconds: float = 60) -> pd.DataFrame:
    """Return the records that were put to a stream in the last `seconds`, one row each.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.
        seconds: how far back to read.

    Returns:
        A frame with a column for each JSON field, oldest record first. If there is none yet, one is
        waited for a few seconds; then the frame is empty, and a line says so. What is no JSON
        object stands in `line`.

    Raises:
        WorkshopError: the stream does not exist yet.

    Example:
        `newest_records(cloud, seconds=10)[["event", "page", "clientid"]]`
    """
    since, deadline = time.time() - seconds, time.monotonic() + PATIENCE_SECONDS
    records = _records(cloud, stream, since)
    with waiting(f"Waiting for a record in {cloud.name(stream)}"):
        while not records and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            records = _records(cloud, stream, since)
    if records:
        frame = pd.DataFrame(records)
        whole = [name for name in frame.columns if FIELDS.get(name) == "Int64"]
        return frame.assign(**{name: field_column(records, name) for name in whole})
    print(
        f"No record came into {cloud.name(stream)} in the last {seconds:.0f} s. Does traffic flow? "
        "Run `traffic.start(rate=20)`, then this cell."
    )
    # Without a record, a table that has at least the columns.
    return pd.DataFrame([], columns=_COLUMNS.get(stream))


def record_pages(
    cloud: Cloud,
    name: str,
    shard: str,
    **start: Any,  # noqa: ANN401 - GetShardIterator's own
) -> Iterator[list[dict[str, Any]]]:
    """Yield the records of a shard page by page, up to its newest one.

    Args:
        cloud: where the stream is.
        name: the stream's whole name.
        shard: the shard's id.
        start: where to begin, as GetShardIterator takes it: ShardIteratorType, Timestamp, ...

    Example:
        `record_pages(cloud, "rwa-clicks", shard, ShardIteratorType="TRIM_HORIZON")`
    """
    kinesis = cloud.client("kinesis")
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, **start)["ShardIterator"]
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator)
        yield answer["Records"]
        if not answer["MillisBehindLatest"]:
            return
        iterator = answer.get("NextShardIterator")


def _records(cloud: Cloud, stream: str, since: float) -> list[dict]:
    start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
    return [
        read_record(record["Data"])
        for shard in shards_of(cloud, stream)
        for page in record_pages(cloud, cloud.name(stream), shard, **start)
        for record in page
    ]


class StreamCounter:
    """Counts the records of a stream per second of their arrival, from now on.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix.

    Example:
        `counter = StreamCounter(cloud).start()` ... `counter.per_second()`
    """

    def __init__(self, cloud: Cloud, stream: str = "clicks") -> None:
        self._cloud, self._stream = cloud, stream
        self._counts: Counter[int] = Counter()
        self._asked = time.monotonic()
        self.problem: str | None = None

    def start(self) -> "StreamCounter":
        """Begin to count, in a thread that ends once nobody has asked for the counts a while."""
        kinesis, stream = self._cloud.client("kinesis"), self._cloud.name(self._stream)
        for number, shard in enumerate(shards_of(self._cloud, self._stream)):
            iterator = kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard, ShardIteratorType="LATEST"
            )["ShardIterator"]
            name = f"count-{self._stream}-{number}"
            threading.Thread(target=self._count, args=(iterator,), name=name, daemon=True).start()
        return self

    def per_second(self) -> dict[int, int]:
        """Return records by epoch second of their arrival in the stream."""
        self._asked = time.monotonic()
        return dict(self._counts)

    def _count(self, iterator: str) -> None:
        while iterator and time.monotonic() - self._asked < FORGOTTEN_SECONDS:
            time.sleep(POLL_SECONDS)
            try:
                answer = self._cloud.client("kinesis").get_records(ShardIterator=iterator)
            except (BotoCoreError, ClientError) as error:
                self.problem = f"The stream can't be read: {error}"
                continue
            self.problem = None
            for record in answer["Records"]:
                self._counts[int(record["ApproximateArrivalTimestamp"].timestamp())] += 1
            iterator = answer.get("NextShardIterator")


def shards_of(cloud: Cloud, stream: str) -> list[str]:
    """Return the ids of a stream's shards.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.

    Raises:
        WorkshopError: the stream does not exist yet.

    Example:
        `shards_of(cloud, "clicks")` -> `["shardId-000000000000"]`
    """
    kinesis, name = cloud.client("kinesis"), cloud.name(stream)
    try:
        shards = kinesis.list_shards(StreamName=name)["Shards"]
    except kinesis.exceptions.ResourceNotFoundException:
        module = "1-capture" if stream == "clicks" else "2-analyze"
        raise WorkshopError(
            f"There is no stream called {name}.", f'Run deploy(cloud, "{module}") first.'
        ) from None
    return [shard["ShardId"] for shard in shards]
