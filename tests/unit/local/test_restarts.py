"""A child that ends soon after its start is restarted after growing pauses."""

import socket

import pytest

from helpers.local import beacon_server_process as server
from helpers.local import child, restarts
from helpers.local.restarts import Restarts, backoff_delay


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(restarts.time, "monotonic", lambda: now[0])
    return now


def test_pauses_grow_to_half_a_minute(clock):
    child, pauses = Restarts(), []
    assert child.is_due()
    for _ in range(8):
        child.note_start()
        child.note_end()
        assert not child.is_due()
        pauses.append(child.due - clock[0])
        clock[0] = child.due
        assert child.is_due()
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30] == [backoff_delay(n) for n in range(1, 9)]


def test_a_child_that_lived_for_ten_seconds_is_restarted_at_once(clock):
    child = Restarts()
    for lived in (1, 1, 11):
        child.note_start()
        clock[0] += lived
        assert "again in" in child.note_end()
    assert child.is_due()


def test_a_server_whose_port_is_taken_is_not_started_without_a_pause(own_home, monkeypatch, clock):
    starts = []
    real = child.child_process.start

    def start(command, **options):
        starts.extend(command)
        return real(command, **options)

    monkeypatch.setattr(child.child_process, "start", start)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # without SO_REUSEPORT
        taken.listen()
        single = server.Server("one", own_home / "one", taken.getsockname()[1], "stream")

        def keep_alive(seconds: float) -> None:
            for _ in range(20):
                clock[0] += seconds
                single.keep_alive()
                if process := single.server.process:
                    assert process.wait(60) != 0

        try:
            keep_alive(0)  # twenty calls at one moment
            assert starts.count("helpers.local.beacon_server") == 1
            keep_alive(0.5)
            # At 1, 3 and 7 s after the first start.
            assert starts.count("helpers.local.beacon_server") == 4
        finally:
            monkeypatch.undo()
            single.end()
