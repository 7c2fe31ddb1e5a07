"""A stream and the job's folders, between which pumps move records; without Flink."""

import pytest

from helpers.flink.properties import Folders
from tests.shipped import new_stream

TRIM_HORIZON = {"ShardIteratorType": "TRIM_HORIZON"}


@pytest.fixture
def kinesis(emulator):
    return emulator.client("kinesis")


@pytest.fixture
def stream(emulator):
    with new_stream(emulator) as name:
        yield name


@pytest.fixture
def folders(tmp_path):
    folders = Folders(tmp_path)
    folders.clicks.mkdir()
    folders.metrics.mkdir()
    return folders
