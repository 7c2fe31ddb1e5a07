"""What the functions wrote for the data helpers to read."""

import time
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from helpers.core.cloud import Cloud
from tests.unit.functions.lambdas import changes, container, kinesis_event, put_catalog

# The time of a file's first test: other files may run for half an hour before it.
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


def send(cloud, *rows):
    container("process_metrics").run(kinesis_event(list(rows)), None)
    container("publish_metrics").run({"Records": changes(cloud)}, None)
