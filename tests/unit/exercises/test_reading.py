"""Module 1's exercise that reads a stream: on the emulator, with its own three shards."""

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.reading import EXERCISES

(READ,) = EXERCISES


def is_at_the_end(page):
    return page["MillisBehindLatest"] == 0


def is_empty(page):
    return not page["Records"]


def read_all(kinesis, name, shards=None, at="TRIM_HORIZON", calls=500, ends=is_at_the_end):
    found = []
    for shard in kinesis.list_shards(StreamName=name)["Shards"][:shards]:
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType=at
        )["ShardIterator"]
        for _ in range(calls):
            page = kinesis.get_records(ShardIterator=iterator)
            found += [record["Data"] for record in page["Records"]]
            iterator = page["NextShardIterator"]
            if ends(page):
                break
    return found


def test_the_right_function_passes_and_the_stream_is_deleted(emulator):
    assert "all 60 records of 3 shards" in run_check(READ, read_all, emulator)
    assert emulator.name("exercise") not in emulator.client("kinesis").list_streams()["StreamNames"]


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda *arguments: read_all(*arguments, shards=1), "Does it read every shard"),
        (lambda *arguments: read_all(*arguments, calls=1), "May an answer be empty"),
        (lambda *arguments: read_all(*arguments, calls=2), "ask again with NextShardIterator"),
        (lambda *arguments: read_all(*arguments, ends=is_empty), "May an answer be empty"),
        (lambda *arguments: read_all(*arguments, ends=lambda page: False), "shard has no end"),
        (lambda *arguments: read_all(*arguments, at="LATEST"), "begin at the oldest record"),
        (lambda *arguments: read_all(*arguments) * 2, "60 records are in the list twice"),
        (lambda *arguments: [data.decode() for data in read_all(*arguments)], "has no record"),
        (lambda *arguments: [{"Data": data} for data in read_all(*arguments)], "their Data"),
        (lambda *arguments: len(read_all(*arguments)), "a list of bytes"),
        (lambda kinesis, name: kinesis.get_records(), "raises ParamValidationError"),
        (None, "no work yet"),
    ],
)
def test_wrong_work_has_a_sentence_of_its_own(emulator, work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(READ, work, emulator)
