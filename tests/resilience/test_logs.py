"""Rotation, truncation and kills while thousands of beacons a second are written and shipped."""

import os
import signal
from pathlib import Path

import pytest

from helpers.local import beacon_server_process as local_server
from helpers.local import restarts
from helpers.local.ports import free_port
from tests.agent_log import copy_and_cut
from tests.catcher import until
from tests.running_server import Flood
from tests.shipped import SECONDS, new_stream, shipped


@pytest.fixture
def stream(emulator):
    with new_stream(emulator) as name:
        yield name


@pytest.fixture
def server(emulator, stream, own_home, tmp_path, monkeypatch):
    """A server of the local fleet, with its agent."""
    for name, value in emulator.child_environment().items():
        monkeypatch.setenv(name, value)
    # Who was killed is started at once, and not after pauses that grow to half a minute, in which
    # thousands of beacons wait: see test_restarts.
    monkeypatch.setattr(restarts, "HEALTHY_SECONDS", 0)
    server = local_server.Server("server-1", tmp_path / "server-1", free_port(), stream)
    server.keep_alive()
    yield server
    server.end()


def port(server) -> int:
    command = server.server.command
    return int(command[command.index("--port") + 1])


def kill(server, role: str) -> None:
    if process := getattr(server, role).process:  # None until it is started again
        process.send_signal(signal.SIGKILL)


def wait_for(cloud, stream: str, server, events: set[str]) -> list[dict]:
    """The records of the stream, when it has all these events."""
    found = []

    def arrived() -> bool:
        server.keep_alive()
        found[:] = shipped(cloud, stream)
        return events <= {record.get("event") for record in found}

    until(arrived, SECONDS)
    return found


def names_of_events(records: list[dict]) -> dict[str, str]:
    """The beacon_id of each event; fails if an event has two, or an id two events."""
    event_of, name_of = {}, {}
    for record in records:
        event, name = record["event"], record["beacon_id"]
        assert event_of.setdefault(name, event) == event, "an old id for a new line"
        assert name_of.setdefault(event, name) == name, "two ids for one line"
    return name_of


def test_rotation_loses_nothing_while_agents_and_servers_are_killed(
    emulator, stream, server, monkeypatch
):
    monkeypatch.setattr(local_server, "ROTATE_BYTES", 100_000)
    flood, rotations, inode = Flood(port(server)), 0, None

    def step() -> bool:
        nonlocal rotations, inode
        server.keep_alive()
        if server.log.exists() and server.log.stat().st_ino != inode:
            inode, rotations = server.log.stat().st_ino, rotations + 1
            if rotations > 1:
                kill(server, "agent" if rotations % 4 else "server")
        return rotations > 9 and len(flood.confirmed) > 10_000

    try:
        until(step, SECONDS)
    finally:
        flood.stop()
    assert not flood.refused
    records = wait_for(emulator, stream, server, flood.confirmed)
    # A server that is killed in a write leaves half a line, which is no beacon.
    name_of = names_of_events([record for record in records if "rejected" not in record])
    assert set(name_of) <= flood.confirmed | flood.unknown


def test_copytruncate_under_load_loses_nothing_that_the_copy_holds(emulator, stream, server):
    flood = Flood(port(server))
    try:
        for turn in range(1, 7):
            until(lambda turn=turn: len(flood.confirmed) > 1000 * turn, SECONDS)
            process = server.server.process
            # What is written between the copy and the cut is gone by nature: here, nothing is.
            process.send_signal(signal.SIGSTOP)
            os.waitpid(process.pid, os.WUNTRACED)  # it is stopped
            copy_and_cut(server.log)
            if turn % 2:
                kill(server, "agent")
            process.send_signal(signal.SIGCONT)
            server.keep_alive()
    finally:
        flood.stop()
    name_of = names_of_events(wait_for(emulator, stream, server, flood.confirmed))
    assert set(name_of) == flood.confirmed and not flood.unknown


def test_after_a_cut_the_agent_says_so_and_goes_on_from_the_beginning(emulator, stream, server):
    flood = Flood(port(server))
    try:
        for turn in range(1, 7):
            until(lambda turn=turn: len(flood.confirmed) > 1000 * turn, SECONDS)
            until(lambda: server.agent_state.exists(), SECONDS)
            os.truncate(server.log, 0)
            if turn % 3 == 0:
                kill(server, "agent")
                server.keep_alive()
        after = len(flood.confirmed)
        until(lambda: len(flood.confirmed) > after + 2000, SECONDS)
    finally:
        flood.stop()
    kept = set(read_events(server.log))
    name_of = names_of_events(wait_for(emulator, stream, server, kept))
    assert set(name_of) <= flood.confirmed | flood.unknown
    said = (server.log.parent / "agent.out").read_text()
    assert "A log file was cut or replaced after it was read to byte" in said


def read_events(log: Path) -> list[str]:
    lines = log.read_text().split("\n")[:-1]
    return [line.split('" "')[2] for line in lines]
