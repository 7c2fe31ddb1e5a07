"""Reads the records of a Kinesis stream, and counts them while they arrive.

On AWS, all readers of a shard share five GetRecords a second, and 2 MB. Of the clicks stream,
Firehose takes one of them, and Flink's connector the rest: it asks again at once after a full
answer, up to eight times a second, and waits when it is refused. So whatever reads here asks each
shard once a second, and boto3 repeats a refused call. (Enhanced fan-out would give Flink its own
2 MB: with the connector's SQL jar 6.0.0 it failed, as a class is missing in it.)
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from helpers.core.aws_errors import explained
from helpers.core.call_meter import caller, on_behalf_of
from helpers.core.cloud import Cloud
from helpers.core.errors import TargetStopped
from helpers.core.waiting import wait_until, waiting

from .archive import FIELDS, field_column, read_record

# The fields of a stream's records: a click; a changed row in Flink's debezium-json.
_COLUMNS = {"clicks": list(FIELDS), "metrics": ["before", "after", "op"]}
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 5  # a beacon is in the stream within a second, on a busy machine a little later
FORGOTTEN_SECONDS = 60  # after a chart was stopped, its counter ends, too


def newest_records(
    cloud: Cloud, stream: str = "clicks", seconds: float = 60, **fields: str
) -> pd.DataFrame:
    """Return the records that arrived in a stream in the last `seconds`, one row each.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.
        seconds: how far back to read.
        fields: only the records with these values, e.g. `clientid="me"`.

    Returns:
        A frame with a column for each JSON field, oldest record first. If there is no record yet,
        it waits a few seconds for one; then it prints a line and returns an empty frame. The text
        of a record that is no JSON object is in `line`.

    Raises:
        NotDeployed: the stream does not exist yet.

    Example:
        `newest_records(cloud, seconds=10)[["event", "page", "clientid"]]`
    """
    since = time.time() - seconds

    def look() -> list[dict[str, Any]]:
        rows = [read_record(record["Data"]) for record in records(cloud, stream, since)]
        return [row for row in rows if fields.items() <= row.items()]

    what = " ".join(f"{name}={value}" for name, value in fields.items())
    with waiting(f"Waiting for a record {what} in {cloud.name(stream)}".replace("  ", " ")):
        rows = wait_until(look, PATIENCE_SECONDS, delay=POLL_SECONDS)
    if rows:
        frame = pd.DataFrame(rows)
        whole = [name for name in frame.columns if FIELDS.get(name) == "Int64"]
        return frame.assign(**{name: field_column(rows, name) for name in whole})
    if fields:
        print(
            f"No record with {what} arrived in {cloud.name(stream)} in the last {seconds:.0f} s. "
            "Send one, then run this cell."
        )
    else:
        print(
            f"No record arrived in {cloud.name(stream)} in the last {seconds:.0f} s. Is the "
            "traffic running? Run `traffic.start(rate=20)`, then this cell."
        )
    return pd.DataFrame([], columns=_COLUMNS.get(stream))


def records(
    cloud: Cloud, stream: str, since: float | datetime, shards: Iterable[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the records that arrived in a stream since a moment, one shard after the other.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.
        since: epoch seconds, or an aware datetime.
        shards: the ids of the shards to read; None for all.

    Returns:
        Records of GetRecords, up to the newest one: Data, ApproximateArrivalTimestamp, ...

    Raises:
        NotDeployed: the stream does not exist yet.

    Example:
        `sum(1 for _ in records(cloud, "clicks", time.time() - 60))`
    """
    for shard in shards_of(cloud, stream) if shards is None else shards:
        start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
        for page in record_pages(cloud, stream, shard, **start):
            yield from page


def record_pages(
    cloud: Cloud,
    stream: str,
    shard: str,
    **start: Any,  # noqa: ANN401 - GetShardIterator's own
) -> Iterator[list[dict[str, Any]]]:
    """Yield the records of a shard page by page, up to its newest one.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.
        shard: the shard's id.
        start: GetShardIterator's own arguments: ShardIteratorType, Timestamp, ...

    Raises:
        NotDeployed: the stream does not exist yet.

    Example:
        `record_pages(cloud, "clicks", shard, ShardIteratorType="TRIM_HORIZON")`
    """
    kinesis = cloud.client("kinesis")
    with _explained(cloud, stream):
        answer = kinesis.get_shard_iterator(StreamName=cloud.name(stream), ShardId=shard, **start)
    iterator = answer["ShardIterator"]
    while iterator:
        with _explained(cloud, stream):
            answer = kinesis.get_records(ShardIterator=iterator)
        yield answer["Records"]
        if not answer["MillisBehindLatest"]:
            return
        iterator = answer.get("NextShardIterator")


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
        self._caller = caller()
        self.problem: str | None = None

    def start(self) -> "StreamCounter":
        """Begin to count, in a thread that ends a minute after the last call of `per_second`."""
        kinesis, stream = self._cloud.client("kinesis"), self._cloud.name(self._stream)
        for number, shard in enumerate(shards_of(self._cloud, self._stream)):
            iterator = kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard, ShardIteratorType="LATEST"
            )["ShardIterator"]
            name = f"count-{self._stream}-{number}"
            threading.Thread(target=self._count, args=(iterator,), name=name, daemon=True).start()
        return self

    def per_second(self) -> dict[int, int]:
        """Return the number of records by the epoch second of their arrival."""
        self._asked = time.monotonic()
        return dict(self._counts)

    def _count(self, iterator: str) -> None:
        with on_behalf_of(self._caller):
            self._count_from(iterator)

    def _count_from(self, iterator: str) -> None:
        while iterator and time.monotonic() - self._asked < FORGOTTEN_SECONDS:
            time.sleep(POLL_SECONDS)
            try:
                answer = self._cloud.client("kinesis").get_records(ShardIterator=iterator)
            except (BotoCoreError, ClientError) as error:
                self.problem = f"The stream can't be read: {error}"
                continue
            except TargetStopped as error:
                self.problem = error.cause
                return
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
        NotDeployed: the stream does not exist yet.

    Example:
        `shards_of(cloud, "clicks")` -> `["shardId-000000000000"]`
    """
    with _explained(cloud, stream):
        shards = cloud.client("kinesis").list_shards(StreamName=cloud.name(stream))["Shards"]
    return [shard["ShardId"] for shard in shards]


def stream_summary(cloud: Cloud, stream: str) -> dict[str, Any]:
    """Return a stream's description: OpenShardCount, ... Raises NotDeployed."""
    with _explained(cloud, stream):
        answer = cloud.client("kinesis").describe_stream_summary(StreamName=cloud.name(stream))
    return answer["StreamDescriptionSummary"]


def _explained(cloud: Cloud, stream: str) -> AbstractContextManager[None]:
    module = "1-capture" if stream == "clicks" else "2-analyze"
    return explained(f"The stream {cloud.name(stream)}", module)
