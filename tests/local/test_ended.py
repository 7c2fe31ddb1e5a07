"""A kernel whose local target has ended: it is said at once, and what to run."""

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
def test_a_call_says_which_cell_to_run(ended, call):
    with pytest.raises(TargetStopped, match="has ended") as said:
        call(ended)
    assert 'connect("local")' in said.value.remedy


def test_a_target_that_is_being_replaced_is_called_again(ended, monkeypatch):
    calls: list[int] = []
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between boto3's attempts
    monkeypatch.setattr(state, "is_there", lambda: not calls.append(1))
    with pytest.raises(Exception, match="Could not connect"):
        ended.client("sts").get_caller_identity()
    assert len(calls) > 1


def test_a_kernel_that_outlives_its_target_is_told_so_by_the_next_one(ended, monkeypatch):
    monkeypatch.setattr(state, "is_there", lambda: True)
    access_key.make()  # as a new target does
    with pytest.raises(TargetStopped, match="has ended") as said:
        ended.client("sts").get_caller_identity()
    assert 'connect("local")' in said.value.remedy


def test_without_a_target_there_is_no_session(own_home):
    with pytest.raises(TargetStopped, match="has ended"):
        session()
