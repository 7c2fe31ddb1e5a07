"""Writes data to the stores as the pipeline does, for the tests of the helpers that read them."""

import gzip
import json
import time
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from helpers.core.cloud import Cloud
from tests.unit.functions.lambdas import changes, container, kinesis_event, put_catalog

# The time of a file's first test, as other files may run for half an hour before it.
moment = SimpleNamespace(now=0, earlier=0)


@pytest.fixture(scope="module")
def now():
    moment.now = int(time.time()) // 60 * 60
    moment.earlier = moment.now - 300


def at(epoch):
    return datetime.fromtimestamp(epoch, UTC)


@pytest.fixture
def listed(cloud):
    put_catalog(cloud)
    return cloud


@pytest.fixture
def empty(emulator):
    """A prefix under which nothing is deployed."""
    prefix = f"e{uuid.uuid4().hex[:10]}"
    return Cloud(emulator.session, emulator.account, prefix, emulator.endpoint)


def put_rows(cloud, *rows):
    """Put metric rows to the metrics stream, as Flink does; bytes are put as they are."""
    bodies = [
        row
        if isinstance(row, bytes)
        else json.dumps({"before": None, "after": row, "op": "c"}).encode()
        for row in rows
    ]
    cloud.client("kinesis").put_records(
        StreamName=cloud.name("metrics"),
        Records=[{"Data": body, "PartitionKey": "1"} for body in bodies],
    )


def put_object(cloud, *lines, hour=None, name=None, compress=gzip.compress):
    """Put an object of records, or of raw bytes, to the archive, as Firehose does; return its key.

    Args:
        hour: any epoch second of the object's hour; None for now.
    """
    body = b"".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines
    )
    folder = at(hour or time.time()).strftime("beacons/year=%Y/month=%m/day=%d/hour=%H/")
    key = f"{folder}{name or f'rwa-archive-1-{uuid.uuid4()}'}.gz"
    cloud.client("s3").put_object(Bucket=cloud.bucket("archive"), Key=key, Body=compress(body))
    return key


def send(cloud, *rows):
    """Pass rows to both functions."""
    container("process_metrics").run(kinesis_event(list(rows)), None)
    container("publish_metrics").run({"Records": changes(cloud)}, None)
