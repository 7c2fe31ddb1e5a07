"""The agent as a process, shipping to a real (local) Kinesis stream."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from agent import arguments, load

from helpers.core.paths import REPOSITORY
from tests.agent_log import append, line
from tests.catcher import until
from tests.shipped import SECONDS, new_stream, shipped, wait_for

SCRIPT = REPOSITORY / "assets" / "agent" / "agent.py"


@pytest.fixture
def stream(emulator):
    """A stream of two shards, for one test."""
    with new_stream(emulator) as name:
        yield name


@pytest.fixture
def start(emulator, stream, tmp_path):
    """Starts agents on one log and one state; ends those that are still running."""
    agents = []

    def _start(*options: str, output: Path = tmp_path / "agent.out") -> subprocess.Popen:
        command = [sys.executable, str(SCRIPT), "--log", str(tmp_path / "access.log")]
        command += ["--stream", stream, "--server", "server-1", *options]
        with output.open("a") as log_file:
            agents.append(
                subprocess.Popen(command, stderr=log_file, env=emulator.child_environment())
            )
        return agents[-1]

    yield _start
    for agent in agents:
        agent.kill()
        agent.wait()


def events(records: list[dict]) -> list[str]:
    return [record["event"] for record in records]


def stop(agent: subprocess.Popen) -> int:
    agent.terminate()
    return agent.wait(SECONDS)


def test_each_line_becomes_one_record_in_order(emulator, stream, start, log):
    append(log, *range(1200))
    before = time.time() * 1000
    agent = start()
    records = wait_for(emulator, stream, 1200)
    assert events(records) == [str(number) for number in range(1200)]
    assert all(before <= record["shipped_at"] <= time.time() * 1000 for record in records)
    append(log, "one more")
    assert events(wait_for(emulator, stream, 1201))[-1] == "one more"
    assert stop(agent) == 0


def test_rejected_lines_are_shipped_and_counted(emulator, stream, start, log, tmp_path):
    log.write_bytes(b"garbage \xff\n" + b"x" * 9000 + b"\n\n" + line("ok").encode())
    with log.open("a") as file:
        file.write(line("future").replace("/2025:", "/2999:"))
    agent = start()
    records = wait_for(emulator, stream, 5)
    assert [record.get("rejected") for record in records] == [
        "unparsable",
        "too_long",
        "unparsable",
        None,
        "from_the_future",
    ]
    assert records[0]["line"] == r"garbage \xff"
    assert records[1]["line"] == "x" * 8192
    assert stop(agent) == 0
    stopped = json.loads((tmp_path / "agent.out").read_text().splitlines()[-1])
    assert stopped["rejected"] == {"unparsable": 2, "too_long": 1, "from_the_future": 1}
    assert (stopped["lines"], stopped["shipped"]) == (5, 5)


@pytest.mark.parametrize(
    ("options", "host"),
    [((), "203.0.113.0"), (("--addresses", "whole"), "203.0.113.9")],
    ids=["by default", "whole"],
)
def test_an_address_leaves_the_server_as_the_option_allows(
    options, host, emulator, stream, start, log
):
    append(log, "one")
    with log.open("a") as file:
        file.write(line("rejected").replace(" 200 ", " two "))
    start(*options)
    accepted, rejected = wait_for(emulator, stream, 2)
    assert accepted["host"] == host and rejected["line"].startswith(f"{host} - - [")
    assert ("203.0.113.9" in json.dumps([accepted, rejected])) is bool(options)


def test_a_record_has_what_its_user_agent_shows(emulator, stream, start, log):
    for agent, automation in (("Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "-"), ("-", "x")):
        with log.open("a") as file:
            text = line("click").replace('2 "-" "-"', f'2 "-" "{agent}"')
            file.write(text.replace('"/cart" "-" "-" "-"', f'"/cart" "-" "-" "{automation}"'))
    start()
    fields = ("browser", "system", "device", "bot")
    shown = [[record[name] for name in fields] for record in wait_for(emulator, stream, 2)]
    assert shown == [["Firefox", "Linux", "desktop", None], ["Other", "Other", "other", "x"]]


def test_all_lines_are_shipped_across_rotation_and_truncation(emulator, stream, start, log):
    append(log, *range(100))
    agent = start()
    wait_for(emulator, stream, 100)
    log.rename(log.with_name("access.log.1"))
    append(log.with_name("access.log.1"), *range(100, 150))
    append(log, *range(150, 250))
    wait_for(emulator, stream, 250)
    log.write_text("")
    append(log, *range(250, 300))
    wait_for(emulator, stream, 300)
    assert stop(agent) == 0
    for name in ("access.log-20261124", "access.log-20261125"):  # while no agent is running
        log.rename(log.with_name(name))
        append(log, name)
    agent = start()
    records = wait_for(emulator, stream, 302)
    assert stop(agent) == 0
    assert events(records) == [
        *(str(number) for number in range(300)),
        "access.log-20261124",
        "access.log-20261125",
    ]


def test_after_sigterm_the_agent_ships_all_complete_lines(emulator, stream, start, log):
    agent = start()
    append(log, "first")
    wait_for(emulator, stream, 1)
    append(log, *range(5000))
    with log.open("a") as file:
        file.write(line("unfinished")[:-20])
    assert stop(agent) == 0
    assert len(shipped(emulator, stream)) == 5001
    with log.open("a") as file:
        file.write(line("unfinished")[-20:])
    agent = start()
    assert events(wait_for(emulator, stream, 5002))[-1] == "unfinished"
    assert stop(agent) == 0


def test_no_line_is_lost_if_agents_are_killed(emulator, stream, start, log, tmp_path):
    state = tmp_path / "access.log.agent.json"
    written = 0
    for _ in range(4):
        append(log, *range(written, written + 3000))
        written += 3000
        saved = state.read_text() if state.exists() else ""
        agent = start()
        deadline = time.monotonic() + SECONDS
        while not state.exists() or state.read_text() == saved:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        agent.send_signal(signal.SIGKILL)  # the first batches are in the stream, others are not
        assert agent.wait() == -signal.SIGKILL
    agent = start()
    records = wait_for(emulator, stream, written)
    assert stop(agent) == 0
    by_id = {record["beacon_id"]: record["event"] for record in records}
    # No line is lost, and copies have the same beacon_id.
    assert sorted(by_id.values(), key=int) == [str(number) for number in range(written)]


def test_the_agent_waits_for_a_missing_stream(emulator, stream, start, log, tmp_path):
    kinesis = emulator.client("kinesis")
    kinesis.delete_stream(StreamName=stream)
    append(log, *range(10))
    agent = start("--drain-seconds", "0.5")
    until(lambda: "are put again" in (tmp_path / "agent.out").read_text())
    assert stop(agent) == 1  # not all lines are shipped; the position is still 0
    saved = load(tmp_path / "access.log.agent.json")["files"].values()
    assert [position["offset"] for position in saved] == [0]
    agent = start()
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    assert events(wait_for(emulator, stream, 10)) == [str(number) for number in range(10)]
    assert stop(agent) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_the_agent_ships_although_its_output_is_full(emulator, stream, start, log):
    log.write_bytes(b"rubbish\n" + line("ok").encode())
    agent = start(output=Path("/dev/full"))
    assert len(wait_for(emulator, stream, 2)) == 2
    assert stop(agent) == 0


def test_a_very_long_line_is_not_kept_in_memory(emulator, stream, start, log):
    with log.open("w") as file:
        for _ in range(200):
            file.write("x" * 1_000_000)
        file.write("\n" + line("after"))
    agent = start()
    records = wait_for(emulator, stream, 2)
    status = Path(f"/proc/{agent.pid}/status")
    if status.exists():  # Linux
        peak_kb = int(status.read_text().partition("VmHWM:")[2].split()[0])
        assert peak_kb < 150_000  # boto3 alone takes 60 MB; the line is 200 MB
    assert [record.get("rejected") for record in records] == ["too_long", None]
    assert stop(agent) == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', '{"files": {"x": {}}}'])
def test_a_damaged_state_is_ignored(tmp_path, text):
    (tmp_path / "state").write_text(text)
    assert load(tmp_path / "state") == {"files": {}}
    assert load(tmp_path / "none") == {"files": {}}


@pytest.mark.parametrize("server", ["", "a:b", "a b", "x" * 129])
def test_an_invalid_server_name_is_refused(server, capsys):
    with pytest.raises(SystemExit):
        arguments(["--log", "l", "--stream", "s", "--server", server])
    assert "--server must be" in capsys.readouterr().err
