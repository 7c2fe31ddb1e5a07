"""The pump from Kinesis into the job's folder, against the real emulator, without Flink."""

import contextlib
import itertools
import json
import os
import time
from pathlib import Path

import pytest

from helpers.local.flink.pump_in import PumpIn, remembered, start_position
from tests.unit.flink.pumping import TRIM_HORIZON


def put(kinesis, stream, numbers, suffix=b"\n"):
    records = [
        {"PartitionKey": str(n), "Data": json.dumps({"n": n}).encode() + suffix} for n in numbers
    ]
    assert kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0


def pump(kinesis, stream, folders, start=TRIM_HORIZON):
    return PumpIn(kinesis, stream, folders.clicks, folders.positions, start)


def lines(folders):
    files = sorted(folders.clicks.glob("*.json"))
    return [json.loads(line)["n"] for file in files for line in file.read_text().splitlines()]


def test_every_record_is_moved_once_and_a_new_pump_continues_there(kinesis, stream, folders):
    put(kinesis, stream, range(300))
    assert pump(kinesis, stream, folders).step() == 300
    put(kinesis, stream, range(300, 400))
    second = pump(kinesis, stream, folders)
    assert second.step() == 100
    assert second.step() == 0
    assert sorted(lines(folders)) == list(range(400))
    for file in folders.clicks.iterdir():
        shard, first, last = file.stem.split("-")
        assert shard in ("0", "1") and first <= last


# All functions with which a step writes to the disk.
STEPS = ("os.utime", "pathlib.Path.write_bytes", "pathlib.Path.write_text", "pathlib.Path.replace")


def killing(patch, nth, after):
    """Let the nth of these calls raise, as a kill before the call, or after it."""
    calls = itertools.count()
    for name in STEPS:
        module, function = name.rsplit(".", 1)
        owner = os if module == "os" else Path
        real = getattr(owner, function)

        def call(*given, real=real, **named):
            number = next(calls)
            if number == nth and not after:
                raise KeyboardInterrupt
            answer = real(*given, **named)
            if number == nth:
                raise KeyboardInterrupt
            return answer

        patch.setattr(owner, function, call)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_moment_moves_no_record_twice_and_leaves_none_out(
    kinesis, stream, folders, monkeypatch, after
):
    kills = 0
    for nth in range(40):
        put(kinesis, stream, range(100 * nth, 100 * nth + 100))
        with monkeypatch.context() as patch:
            killing(patch, nth, after)
            try:
                pump(kinesis, stream, folders).step()
            except KeyboardInterrupt:
                kills += 1
            else:
                break
    assert kills > 8  # two shards: each with a draft, its time, its name and its position
    pump(kinesis, stream, folders).step()
    assert sorted(lines(folders)) == list(range(100 * nth + 100))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_file_is_deleted_only_once_its_position_is_saved(
    kinesis, stream, folders, monkeypatch, after
):
    """As above, but the job reads each file at once, and it is deleted as soon as possible."""
    read = []
    for nth in range(40):
        put(kinesis, stream, range(100 * nth, 100 * nth + 100))
        with monkeypatch.context() as patch:
            killing(patch, nth, after)
            with contextlib.suppress(KeyboardInterrupt):
                pump(kinesis, stream, folders).step()
        for name in remembered({f.name for f in folders.clicks.iterdir()}, folders.positions):
            text = (folders.clicks / name).read_text()
            read += [json.loads(line)["n"] for line in text.splitlines()]
            (folders.clicks / name).unlink()
    assert len(read) > 3_000
    pump(kinesis, stream, folders).step()
    assert sorted(read + lines(folders)) == list(range(4_000))


def test_a_full_disk_for_the_position_moves_no_record_twice(kinesis, stream, folders, monkeypatch):
    put(kinesis, stream, range(100))
    full = pump(kinesis, stream, folders)
    full._list_shards()
    monkeypatch.setattr(full, "save", lambda: (_ for _ in ()).throw(OSError("no space left")))
    for _ in range(2):
        with pytest.raises(OSError, match="space"):
            full.step()
    names = {file.name for file in folders.clicks.iterdir()}
    assert len(names) == 2 and remembered(names, folders.positions) == set()
    assert pump(kinesis, stream, folders).step() == 0
    assert sorted(lines(folders)) == list(range(100))


def test_the_records_of_a_shard_stay_in_order(kinesis, stream, folders):
    for n in range(50):
        kinesis.put_record(StreamName=stream, PartitionKey="one", Data=json.dumps({"n": n}))
    pump(kinesis, stream, folders).step()
    assert lines(folders) == list(range(50))


def test_a_record_is_one_line_whatever_line_breaks_it_has(kinesis, stream, folders):
    data = [b'{"n":\n1}', b'{"n": 2}\r\n\n', b'  {"n": 3}', b'{"n": "a\\nb"}\n']
    records = [{"PartitionKey": "one", "Data": text} for text in data]
    kinesis.put_records(StreamName=stream, Records=records)
    pump(kinesis, stream, folders).step()
    assert lines(folders) == [1, 2, 3, "a\nb"]


def test_latest_means_the_moment_of_the_first_start(kinesis, stream, folders):
    put(kinesis, stream, range(10))
    time.sleep(0.05)
    latest = {"source.init.position": "LATEST"}
    first = pump(kinesis, stream, folders, start_position(latest, time.time()))
    assert first.step() == 0
    put(kinesis, stream, range(10, 20))  # while no pump runs
    again = pump(kinesis, stream, folders, start_position(latest, time.time() + 60))
    assert again.step() == 10


def test_start_positions_are_those_of_the_kinesis_connector():
    assert start_position({"source.init.position": "TRIM_HORIZON"}, 5) == TRIM_HORIZON
    for text in ("1795564800.5", "2026-11-25T00:00:00.500+00:00"):
        group = {"source.init.position": "AT_TIMESTAMP", "source.init.timestamp": text}
        position = start_position(group, 5)
        assert position == {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1795564800.5}
    assert start_position({}, 5) == {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 5}


def test_a_pump_waits_while_the_job_has_enough_to_read(kinesis, stream, folders, monkeypatch):
    monkeypatch.setattr("helpers.local.flink.pump_in.FOLDER_BYTES", 100)
    put(kinesis, stream, range(50))
    held = pump(kinesis, stream, folders)
    assert held.step() == 50
    put(kinesis, stream, range(50, 60))
    assert held.step() == 0
    for file in folders.clicks.iterdir():
        file.unlink()
    assert held.step() == 10
