"""Until when the archive has all records: proved by the newest record of each shard."""

import time
import uuid

import pytest

from helpers.backfill import archive_edge
from helpers.backfill.archive_edge import archived_until
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from tests.unit.stores.written import put_object


@pytest.fixture
def cloud(emulator, monkeypatch):
    prefix = f"edge{uuid.uuid4().hex[:8]}"
    cloud = Cloud(emulator.session, emulator.account, prefix, emulator.endpoint)
    cloud.client("s3").create_bucket(Bucket=cloud.bucket("archive"))
    cloud.client("kinesis").create_stream(StreamName=cloud.name("clicks"), ShardCount=2)
    monkeypatch.setattr(archive_edge, "archive_interval", lambda _: 0)
    monkeypatch.setattr(archive_edge, "DELIVERY_SECONDS", 0)
    monkeypatch.setattr(archive_edge, "LONGEST_WAIT_SECONDS", 0.5)
    return cloud


def put(cloud, *bodies):
    """Put records with different partition keys; return the shards that got them."""
    answers = [
        cloud.client("kinesis").put_record(
            StreamName=cloud.name("clicks"), Data=body, PartitionKey=str(number)
        )
        for number, body in enumerate(bodies)
    ]
    time.sleep(0.01)  # the edge is later than their arrival
    return {answer["ShardId"] for answer in answers}


def test_without_records_it_is_now(cloud):
    now = time.time()
    assert now - 2 <= archived_until(cloud) <= time.time()


def test_a_record_that_is_not_delivered_is_an_error_with_its_time(cloud):
    put(cloud, b'{"beacon_id":"a"}\n')
    with pytest.raises(WorkshopError, match=r"does not have a record that arrived at \d\d:\d\d:"):
        archived_until(cloud)


def test_the_edge_is_after_a_delivered_record(cloud):
    put(cloud, b'{"beacon_id":"a"}\n', b'{"beacon_id":"b"}\n')
    put_object(cloud, b'{"beacon_id":"b"}\n', b'{"beacon_id":"a"}\n')
    assert archived_until(cloud) > time.time() - 3


def test_the_newest_record_of_each_shard_must_be_there(cloud):
    bodies = [b'{"beacon_id":"%d"}\n' % number for number in range(8)]
    assert len(put(cloud, *bodies)) == 2
    put_object(cloud, *bodies[:-1])
    with pytest.raises(WorkshopError, match="Firehose"):
        archived_until(cloud)
    put_object(cloud, bodies[-1])
    assert archived_until(cloud)


def test_an_older_record_is_looked_for_further_back(cloud, monkeypatch):
    put(cloud, b'{"beacon_id":"a"}\n')
    monkeypatch.setattr(archive_edge, "LOOK_BACK_SECONDS", (0, 0.001, 60))
    time.sleep(0.05)
    with pytest.raises(WorkshopError, match="Firehose"):
        archived_until(cloud)


def test_a_later_moment_is_waited_for(cloud):
    since = time.time() + 0.3
    assert archived_until(cloud, since) >= since
