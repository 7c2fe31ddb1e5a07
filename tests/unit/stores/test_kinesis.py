"""`newest_records` reads a stream as a DataFrame."""

import json
from itertools import pairwise
from types import SimpleNamespace

import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import TargetStopped
from helpers.stores import kinesis as stream
from helpers.stores.kinesis import newest_records


@pytest.fixture
def cloud(emulator, monkeypatch) -> Cloud:
    monkeypatch.setattr(stream, "PATIENCE_SECONDS", 0.2)
    cloud = Cloud(emulator.session, emulator.account, "newest", emulator.endpoint)
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="newest-clicks", ShardCount=2)
    yield cloud
    kinesis.delete_stream(StreamName="newest-clicks")


def put(cloud, *bodies: bytes):
    cloud.client("kinesis").put_records(
        StreamName="newest-clicks",
        Records=[{"Data": body, "PartitionKey": body.hex()} for body in bodies],
    )


def test_of_an_empty_stream_the_frame_has_a_clicks_columns_and_a_hint_is_printed(cloud, capsys):
    frame = newest_records(cloud)
    assert "traffic.start(rate=20)" in capsys.readouterr().out
    assert frame.empty and {"beacon_id", "clientid", "page", "line"} <= set(frame.columns)


def test_records_of_all_shards_are_rows_and_invalid_json_is_in_the_column_line(cloud):
    put(cloud, *(json.dumps({"clientid": f"c{n}"}).encode() for n in range(6)), b"{no", b"7")
    frame = newest_records(cloud)
    assert sorted(frame["clientid"].dropna()) == [f"c{n}" for n in range(6)]
    assert sorted(frame["line"].dropna()) == ["7", "{no"]


def test_fields_select_records_and_a_hint_names_those_that_were_not_found(cloud, capsys):
    put(cloud, *(json.dumps({"clientid": name, "event": "click"}).encode() for name in "ab"))
    assert newest_records(cloud, clientid="a", event="click")["clientid"].tolist() == ["a"]
    assert newest_records(cloud, clientid="c").empty
    assert "No record with clientid=c arrived in newest-clicks" in capsys.readouterr().out


def test_whole_numbers_stay_whole_where_other_records_have_none(cloud):
    fields = {"bytes": 2, "received_at": 1795904889325, "custom_metric_int_value": 864}
    put(cloud, json.dumps(fields).encode(), b"{}")
    frame = newest_records(cloud)
    for name, value in fields.items():
        assert frame[name].dtype == "Int64" and frame[name].dropna().tolist() == [value]


def test_a_chart_asks_each_shard_once_a_second(monkeypatch):
    """Firehose and Flink need the other GetRecords of the five that a shard answers a second."""
    slept, asked = [], []

    def get_records(**_):
        asked.append(sum(slept))
        if len(asked) == 5:
            raise TargetStopped("enough", "")
        return {"Records": [], "NextShardIterator": "next", "MillisBehindLatest": 0}

    monkeypatch.setattr(stream.time, "sleep", slept.append)
    cloud = SimpleNamespace(client=lambda _: SimpleNamespace(get_records=get_records))
    stream.StreamCounter(cloud)._count("an iterator")
    assert [after - before for before, after in pairwise([0, *asked])] == [1.0] * 5


def test_the_counter_of_a_chart_ends_with_its_target():
    def get_records(**_):
        raise TargetStopped("The local target has ended.", 'Run `connect("local")` again.')

    cloud = SimpleNamespace(client=lambda _: SimpleNamespace(get_records=get_records))
    counter = stream.StreamCounter(cloud)
    counter._count("an iterator")  # its thread: an error there would be printed in the notebook
    assert counter.problem == "The local target has ended."
