"""Traffic to a server that only counts."""

import boto3
import pytest

from helpers.core.cloud import Cloud
from helpers.traffic import generator_process
from helpers.traffic import traffic as traffic_module
from helpers.traffic.traffic import Traffic
from tests.catcher import catching


@pytest.fixture
def flowing(own_home, monkeypatch):
    """Traffic, live or replayed, and the server that catches it; no AWS service responds."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    cloud = Cloud(session, "000000000000", endpoint="http://127.0.0.1:9")
    with catching() as catcher:
        monkeypatch.setattr(traffic_module, "beacon_url", lambda cloud: f"{catcher.url}/beacon")
        yield Traffic(cloud), catcher
        for role in ("live", "replay"):
            generator_process.end(role)
