"""Module 1's exercises: the right work, common wrong ones, and none."""

import hashlib
import math

import pytest

from helpers.exercises.capture import EXERCISES, shard_of, shards_needed
from helpers.exercises.exercise import NotYet, run_check

WHICH, HOW_MANY = EXERCISES


def md5(key):
    return int.from_bytes(hashlib.md5(key.encode()).digest(), "big")


@pytest.mark.parametrize("work", [None, ..., "", "  "])
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.number)
def test_an_empty_cell_is_no_error_of_python(exercise, work):
    with pytest.raises(NotYet, match="no work yet"):
        run_check(exercise, work)


def test_the_right_function_passes():
    assert "206 keys" in run_check(WHICH, lambda key: md5(key) // 2**126)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda key: md5(key) % 4, "by the remainder"),
        (lambda key: hash(key) % 4, r"hash\(\)"),
        (lambda key: md5(key) // 2**126 + 1, "the shards are 0 to 3"),
        (lambda key: md5(key) / 2**126, "no whole number"),
        (lambda key: len(key) % 4, "keys are in another shard"),
        (lambda key: key.no, "raises AttributeError"),
        (lambda key: print(end=""), "returns nothing"),
        (2, "This is no function"),
    ],
)
def test_a_wrong_shard_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(WHICH, work)


def test_the_emulator_puts_records_into_the_same_shards(emulator):
    kinesis, name = emulator.client("kinesis"), "exercise-shards"
    kinesis.create_stream(StreamName=name, ShardCount=4)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    for key in ("me", "fleet-1", "東京", "visitor-7", "visitor-8"):
        put = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey=key)
        assert put["ShardId"] == f"shardId-{shard_of(key):012d}"


def test_the_right_number_of_shards_passes():
    def work(rate, size):
        return max(1, math.ceil(rate * 2 / 1000), math.ceil(rate * 2 * size / 1e6))

    assert "7 sites" in run_check(HOW_MANY, work)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda rate, size: math.ceil(rate * 2 / 1000), "a second limit"),
        (lambda rate, size: shards_needed(rate, size, 1), "twice as much"),
        (lambda rate, size: round(rate * 2 / 1000), "at least one"),
        (lambda rate, size: 1 + rate * 2 / 1000, "a part of a shard"),
        (lambda rate, size: 9, "more than enough"),
        (lambda rate, size: max(1, math.floor(rate * 2 / 1000)), "not enough"),
        (lambda rate: 1, "raises TypeError"),
    ],
)
def test_a_wrong_number_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(HOW_MANY, work)
