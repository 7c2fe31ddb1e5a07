"""The pump from the job's folder to Kinesis, against the real emulator, without Flink."""

import json

import pytest

from helpers.local.flink import held_output, pump_out
from helpers.local.flink.pump_out import PumpOut
from tests.unit.flink.pumping import TRIM_HORIZON


def write_rows(folders, metric, counter, values, job="a"):
    folder = folders.metrics / f"MetricType={metric}"
    folder.mkdir(exist_ok=True)
    rows = []
    for value in values:
        row = {"EventTimestamp": 60, "MetricItem": "é", "UnitValueInt": value, "Samples": value}
        rows.append({"before": row, "after": None, "op": "d"})
        rows.append({"before": None, "after": row, "op": "c"})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"part-{job}-0-{counter}").write_text(text)


def read_values(kinesis, stream):
    """Return the stream's values by metric, in order."""
    values = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], **TRIM_HORIZON
        )["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=iterator)["Records"]:
            row = json.loads(record["Data"])
            assert row["op"] == "c" and row["after"]["MetricType"] == record["PartitionKey"]
            values.setdefault(record["PartitionKey"], []).append(row["after"]["UnitValueInt"])
    return values


def test_finished_files_are_sent_in_order_and_deleted(kinesis, stream, folders):
    for counter in range(12):  # 10 comes after 9, though not in the alphabet
        write_rows(folders, "top_pages", counter, range(counter * 100, counter * 100 + 100))
    write_rows(folders, "event_count", 0, range(5))
    (folders.metrics / "MetricType=event_count" / ".part-a-0-1.inprogress.x").write_text("{")
    out = PumpOut(kinesis, stream, folders.metrics)
    assert out.step() == 1205
    assert out.step() == 0
    expected = {"top_pages": list(range(1200)), "event_count": list(range(5))}
    assert read_values(kinesis, stream) == expected
    left = [file.name for file in folders.metrics.rglob("*part*")]
    assert left == [".part-a-0-1.inprogress.x"]


def test_a_kill_before_the_file_is_deleted_sends_it_again(kinesis, stream, folders, monkeypatch):
    write_rows(folders, "event_count", 0, range(5))
    send = pump_out.send

    def send_and_die(*arguments):
        send(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(pump_out, "send", send_and_die)
    with pytest.raises(KeyboardInterrupt):
        PumpOut(kinesis, stream, folders.metrics).step()
    monkeypatch.undo()
    PumpOut(kinesis, stream, folders.metrics).step()
    assert read_values(kinesis, stream) == {"event_count": [*range(5), *range(5)]}


def test_rows_before_a_replays_begin_are_omitted(kinesis, stream, folders):
    write_rows(folders, "event_count", 0, range(5))  # bucket 60
    assert PumpOut(kinesis, stream, folders.metrics, begin=70).step() == 0
    assert read_values(kinesis, stream) == {}


def test_rows_of_a_job_that_is_killed_before_its_checkpoints_count_are_never_sent(
    kinesis, stream, folders
):
    def start(restored) -> PumpOut:
        out = PumpOut(kinesis, stream, folders.metrics)
        out.before = held_output.begin(folders, restored)
        return out

    first, second = (folders.checkpoints / job / "chk-1" for job in ("first", "second"))
    start(None).step()
    write_rows(folders, "event_count", 0, [0], job="first")
    finished = folders.metrics / "MetricType=event_count" / "part-first-0-1"
    write_rows(folders, "event_count", 1, [5], job="first")
    finished.rename(finished.with_name(".part-first-0-1"))  # until a restored job publishes it
    out = start(first)
    write_rows(folders, "event_count", 0, [10], job="second")  # killed before it may be restored
    finished.with_name(".part-first-0-1").rename(finished)
    out = start(first)
    write_rows(folders, "event_count", 0, [20], job="third")
    assert out.step() == 2
    out.before = None
    assert out.step() == 1
    write_rows(folders, "event_count", 1, [30], job="third")
    out = start(second)
    assert out.step() == 1, "what was written before the kill is sent"
    assert read_values(kinesis, stream) == {"event_count": [0, 5, 20, 30]}


def test_refused_rows_are_sent_again_without_overtaking(kinesis, stream):
    """The emulator refuses no record, so this client does, as AWS would."""

    class Throttled:
        calls = 0

        def put_records(self, StreamName, Records):  # noqa: N803 - boto3's names
            self.calls += 1
            refuse = {1, 4} if self.calls == 1 else {0} if self.calls == 2 else set()
            taken = [record for n, record in enumerate(Records) if n not in refuse]
            kinesis.put_records(StreamName=StreamName, Records=taken)
            results = [{"ErrorCode": "x"} if n in refuse else {} for n in range(len(Records))]
            return {"FailedRecordCount": len(refuse), "Records": results}

    def row(metric, value):
        after = {"MetricType": metric, "UnitValueInt": value}
        return metric, json.dumps({"after": after, "op": "c"}).encode()

    rows = [row("a", 1), row("b", 1), row("a", 2), row("b", 2), row("a", 3), row("c", 1)]
    pump_out.send(Throttled(), stream, rows)
    # b's first row is refused twice. Its second one overtakes it, and comes again after it.
    assert read_values(kinesis, stream) == {"a": [1, 2, 3], "b": [2, 2, 1, 2], "c": [1]}
