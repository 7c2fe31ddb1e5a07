"""The newest records of a stream, as a notebook looks at them."""

import json

import pytest

from helpers.core.cloud import Cloud
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


def test_an_empty_stream_has_the_columns_of_a_click_and_asks_for_traffic(cloud, capsys):
    frame = newest_records(cloud)
    assert "traffic.start(rate=20)" in capsys.readouterr().out
    assert frame.empty and {"beacon_id", "clientid", "page", "line"} <= set(frame.columns)


def test_records_of_all_shards_and_what_is_none(cloud):
    bodies = [json.dumps({"clientid": f"c{n}"}).encode() for n in range(6)]
    cloud.client("kinesis").put_records(
        StreamName="newest-clicks",
        Records=[{"Data": body, "PartitionKey": body.hex()} for body in [*bodies, b"{no", b"7"]],
    )
    frame = newest_records(cloud)
    assert sorted(frame["clientid"].dropna()) == [f"c{n}" for n in range(6)]
    assert sorted(frame["line"].dropna()) == ["7", "{no"]


def test_whole_numbers_stay_whole_where_some_records_have_none(cloud):
    bodies = [{"bytes": 2, "received_at": 1795904889325, "custom_metric_int_value": 864}, {}]
    cloud.client("kinesis").put_records(
        StreamName="newest-clicks",
        Records=[{"Data": json.dumps(b).encode(), "PartitionKey": str(b)} for b in bodies],
    )
    frame = newest_records(cloud)
    for name in bodies[0]:
        assert frame[name].dtype == "Int64" and frame[name].dropna().tolist() == [bodies[0][name]]
