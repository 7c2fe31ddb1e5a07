"""Calls of a kernel whose local target has ended fail at once, with the cell to run."""

import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import TargetStopped
from helpers.deployment.fleet import beacon_url
from helpers.local import access_key, ports, state
from helpers.local.client import session
from helpers.local.emulator.settings import ACCOUNT


@pytest.fixture
def ended(own_home) -> Cloud:
    access_key.make()
    return Cloud(session(), ACCOUNT, endpoint=f"http://127.0.0.1:{ports.free_port()}")


@pytest.mark.parametrize(
    "call",
    [
        lambda cloud: cloud.client("sts").get_caller_identity(),
        lambda cloud: cloud.client("s3").list_objects_v2(Bucket=cloud.bucket("archive")),
        beacon_url,
    ],
)
def test_a_call_fails_with_the_cell_to_run(ended, call):
    with pytest.raises(TargetStopped, match="has ended") as error:
        call(ended)
    assert 'connect("local")' in error.value.remedy


def test_a_call_is_retried_while_a_killed_process_is_replaced(ended, monkeypatch):
    calls: list[int] = []
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between boto3's attempts
    monkeypatch.setattr(state, "is_there", lambda: not calls.append(1))
    with pytest.raises(Exception, match="Could not connect"):
        ended.client("sts").get_caller_identity()
    assert len(calls) > 1


def test_a_call_fails_if_another_target_runs_by_now(ended, monkeypatch):
    monkeypatch.setattr(state, "is_there", lambda: True)
    access_key.make()  # as a new target does
    with pytest.raises(TargetStopped, match="has ended") as error:
        ended.client("sts").get_caller_identity()
    assert 'connect("local")' in error.value.remedy


def test_without_a_target_there_is_no_session(own_home):
    with pytest.raises(TargetStopped, match="has ended"):
        session()
