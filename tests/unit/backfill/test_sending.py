"""Rebuilt rows reach the stream and the table also if the stream refuses some of them."""

import json
import uuid

import pytest

from helpers.backfill import sending
from helpers.backfill.sending import send_rows, wait_until_stored
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from tests.shipped import read_stream
from tests.unit.functions.lambdas import container, kinesis_event, own_tables, row

UNTIL = 1_800_000_000_000


@pytest.fixture
def stream(emulator):
    prefix = f"send{uuid.uuid4().hex[:8]}"
    cloud = Cloud(emulator.session, emulator.account, prefix, emulator.endpoint)
    cloud.client("kinesis").create_stream(StreamName=cloud.name("metrics"), ShardCount=1)
    return cloud


def sent(cloud):
    rows = [
        json.loads(record["Data"])["after"] for record in read_stream(cloud, cloud.name("metrics"))
    ]
    assert all(each["ArchivedUntil"] == UNTIL for each in rows)
    return sorted(each["Samples"] for each in rows)


def refuse(cloud, monkeypatch, times):
    """Have the stream refuse every third record, so many times, as AWS does when it throttles."""
    calls = []

    def some(parsed, **_):
        if len(calls) < times:
            calls.append(len(parsed["Records"]))
            for result in parsed["Records"][::3]:
                result["ErrorCode"] = "ProvisionedThroughputExceededException"

    client = cloud.client("kinesis")
    client.meta.events.register("after-call.kinesis.PutRecords", some)
    monkeypatch.setattr(type(cloud), "client", lambda self, name: client)
    return calls


def test_more_rows_than_a_call_takes_are_all_sent(stream):
    send_rows(stream, [row(number) for number in range(1, 1202)], UNTIL)
    assert sent(stream) == list(range(1, 1202))


def test_refused_records_are_put_again(stream, monkeypatch):
    monkeypatch.setattr(sending, "LONGEST_PAUSE_SECONDS", 0)
    calls = refuse(stream, monkeypatch, 3)
    send_rows(stream, [row(number) for number in range(1, 8)], UNTIL)
    # The stream has accepted the records that the test refused, so it has them twice.
    assert set(sent(stream)) == set(range(1, 8)) and calls == [7, 3, 1]


def test_a_stream_that_refuses_forever_and_none_at_all_are_errors(stream, monkeypatch, emulator):
    monkeypatch.setattr(sending, "LONGEST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(sending, "ATTEMPTS", 3)
    with monkeypatch.context() as patch:
        refuse(stream, patch, 99)
        with pytest.raises(WorkshopError, match="refused 1 records"):
            send_rows(stream, [row(1)], UNTIL)
    nowhere = Cloud(emulator.session, emulator.account, "nowhere", emulator.endpoint)
    with pytest.raises(NotDeployed):
        send_rows(nowhere, [row(1)], UNTIL)


def test_it_waits_until_the_table_has_the_rows_or_newer_ones(emulator, monkeypatch):
    cloud = own_tables(emulator, monkeypatch)
    rows = [row(7), row(9, item="/b")]
    monkeypatch.setattr(sending, "LONGEST_WAIT_SECONDS", -1)
    with pytest.raises(WorkshopError, match="2 rebuilt rows of top_pages are not in the table"):
        wait_until_stored(cloud, rows, UNTIL)
    stored = [row(7, ArchivedUntil=UNTIL), row(10, item="/b", EmittedAt=UNTIL + 1)]
    container("process_metrics").run(kinesis_event(stored), None)
    wait_until_stored(cloud, rows, UNTIL)
