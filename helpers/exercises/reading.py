"""The exercise of module 1 that reads a stream of several shards with Kinesis' own API."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from helpers.core.cloud import Cloud
from helpers.core.waiting import waiting

from .exercise import Exercise, NotYet, result_of

SHARDS, RECORDS = 3, 60
MOST_RECORDS, MOST_CALLS = 10, 300
_PARAMETERS, _ANSWER = "provide-client-params.kinesis.GetRecords", "after-call.kinesis.GetRecords"


@contextmanager
def exercise_stream(cloud: Cloud) -> Iterator[str]:
    """Yield the name of a stream of three shards with sixty records; delete it at the end.

    Args:
        cloud: the account, region and prefix.
    """
    kinesis, name = cloud.client("kinesis"), cloud.name("exercise")
    with waiting("Creating a stream of three shards"):
        delete_stream(cloud, name)  # of a check that was interrupted
        kinesis.create_stream(StreamName=name, ShardCount=SHARDS)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
    try:
        records = [
            {"Data": f"record {number}".encode(), "PartitionKey": f"visitor-{number}"}
            for number in range(RECORDS)
        ]
        put_all(kinesis, name, records)
        yield name
    finally:
        delete_stream(cloud, name)


@contextmanager
def short_answers(kinesis: Any) -> Iterator[None]:  # noqa: ANN401 - of boto3
    """Let a client get ten records a call at most, and none in a shard's first answer.

    Kinesis may answer so on any stream, but seldom on one with few records. Source: GetRecords in
    the API Reference of Kinesis Data Streams.

    Args:
        kinesis: the client. In the `with` block, more than 300 calls raise `NotYet`.
    """
    calls = count(1)
    continued: set[str | None] = set()  # iterators whose next answer has records

    def ask_for_few(params: dict, context: dict, **_: object) -> dict:
        if next(calls) > MOST_CALLS:
            raise NotYet(
                f"It has called get_records {MOST_CALLS} times. An open shard has no end: "
                "`NextShardIterator` is never missing."
            )
        limit = min(params.get("Limit", MOST_RECORDS), MOST_RECORDS)
        context["iterator"] = params.get("ShardIterator", "")
        return params | {"Limit": limit}

    def empty_the_first(parsed: dict, context: dict, **_: object) -> None:
        following = parsed.get("NextShardIterator")  # none in an error
        if following and context["iterator"] not in continued:
            following = context["iterator"]
            parsed |= {"Records": [], "NextShardIterator": following, "MillisBehindLatest": 1000}
        continued.add(following)

    kinesis.meta.events.register(_PARAMETERS, ask_for_few)
    kinesis.meta.events.register(_ANSWER, empty_the_first)
    try:
        yield
    finally:
        kinesis.meta.events.unregister(_PARAMETERS, ask_for_few)
        kinesis.meta.events.unregister(_ANSWER, empty_the_first)


def put_all(kinesis: Any, name: str, records: list[dict]) -> None:  # noqa: ANN401 - of boto3
    """Put records on a stream; those that Kinesis rejects are put again."""
    while records:
        answers = kinesis.put_records(StreamName=name, Records=records)["Records"]
        pairs = zip(records, answers, strict=True)
        records = [record for record, answer in pairs if "ErrorCode" in answer]
        if records:
            time.sleep(1)


def delete_stream(cloud: Cloud, name: str) -> None:
    """Delete a stream, if there is one, and wait until it is gone."""
    kinesis = cloud.client("kinesis")
    try:
        kinesis.delete_stream(StreamName=name)
    except kinesis.exceptions.ResourceNotFoundException:
        return
    kinesis.get_waiter("stream_not_exists").wait(StreamName=name)


def check_read_all(cloud: Cloud, work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function that reads all records of a stream, from all of its shards."""
    kinesis = cloud.client("kinesis")
    with exercise_stream(cloud) as name, short_answers(kinesis):
        found = result_of(work, kinesis, name)
    right = Counter(f"record {number}".encode() for number in range(RECORDS))
    if not isinstance(found, list | tuple | set):
        raise NotYet(f"It returns {found!r:.40}. It should return a list of bytes.")
    if found and isinstance(next(iter(found)), dict):
        raise NotYet("It returns whole records. The task asks for their Data.")
    counted = Counter(found)
    if counted == right:
        return f"all {RECORDS} records of {SHARDS} shards are read"
    extra = counted - right
    if extra and extra.keys() <= right.keys():
        raise NotYet(f"{extra.total()} records are in the list twice.")
    if extra:
        raise NotYet(f"The stream has no record {next(iter(extra))!r:.40}.")
    if not found:
        raise NotYet(
            "It finds no record. Do the iterators begin at the oldest record? May an answer be "
            "empty although the shard has records?"
        )
    raise NotYet(
        f"It finds {len(found)} of {RECORDS} records. Does it read every shard, and ask again "
        "with NextShardIterator?"
    )


EXERCISES = (Exercise("1-3", "Read a stream", check_read_all, on_cloud=True),)
