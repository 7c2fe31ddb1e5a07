"""A stream and the job's folders, between which pumps move records; without Flink."""

import uuid

import pytest

from helpers.flink.properties import Folders

TRIM_HORIZON = {"ShardIteratorType": "TRIM_HORIZON"}


@pytest.fixture
def kinesis(emulator):
    return emulator.client("kinesis")


@pytest.fixture
def stream(kinesis):
    name = f"pump-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    yield name
    kinesis.delete_stream(StreamName=name)


@pytest.fixture
def folders(tmp_path):
    folders = Folders(tmp_path)
    folders.clicks.mkdir()
    folders.metrics.mkdir()
    return folders
