"""The servers' log rotation: only shipped lines are deleted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from tail import Tail

from assets.fleet.forget_shipped import QUIET_SECONDS, forget
from helpers.core.paths import REPOSITORY
from tests.catcher import until
from tests.parity import servers
from tests.shipped import new_stream, shipped, wait_for

FLEET = REPOSITORY / "assets" / "fleet"
LATER = QUIET_SECONDS + 1


@pytest.fixture
def log(tmp_path) -> Path:
    (tmp_path / "access.log").write_text("now\n")
    return tmp_path / "access.log"


def rotated(log: Path, suffix: str = "-20261125-1", text: str = "a line\n") -> Path:
    path = log.with_name(log.name + suffix)
    path.write_text(text)
    return path


def position(path: Path, offset: int | None = None) -> dict:
    head = path.read_bytes()[:256]
    offset = path.stat().st_size if offset is None else offset
    return {"name": 1, "offset": offset, "head_bytes": len(head), "head_crc": zlib.crc32(head)}


def save(log: Path, positions: dict[Path, dict]) -> Path:
    state = log.with_name("agent.json")
    files = {str(path.stat().st_ino): position for path, position in positions.items()}
    state.write_text(json.dumps({"inode": log.stat().st_ino, "files": files}))
    return state


def test_only_a_completely_shipped_log_is_deleted(log):
    whole, half, unknown = (rotated(log, f"-20261125-{n}") for n in range(3))
    others = [rotated(log, ".gz"), rotated(log, ".bak"), log.with_name("error.log-20261125")]
    others[-1].write_text("an error\n")
    positions = {whole: position(whole), half: position(half, 3), log: position(log)}
    positions |= {other: position(other) for other in others}
    state = save(log, positions)
    assert forget(log, state, time.time() + LATER) == [whole]
    assert not whole.exists()
    assert all(path.exists() for path in [log, half, unknown, *others])


def test_a_log_that_an_old_process_may_still_write_to_stays(log):
    path = rotated(log)
    state = save(log, {path: position(path)})
    assert forget(log, state, time.time()) == []
    assert forget(log, state, time.time() + LATER) == [path]


def test_a_new_file_with_a_reused_inode_is_not_deleted(log):
    path = rotated(log, text="shipped\n")
    state = save(log, {path: position(path)})
    path.write_text("another")  # the same inode, and no longer
    assert forget(log, state, time.time() + LATER) == []


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"files": 3}', '{"no": "files"}'])
def test_without_a_readable_state_nothing_is_deleted(log, capsys, text):
    path, state = rotated(log), log.with_name("agent.json")
    if text is not None:
        state.write_text(text)
    assert forget(log, state, time.time() + LATER) == []
    assert path.exists() and "No rotated log is deleted" in capsys.readouterr().out


@pytest.fixture
def apache(tmp_path_factory):
    running = servers.start_apache(tmp_path_factory.mktemp("rotating") / "apache")
    yield running
    running.end()


@pytest.fixture
def rotate(apache):
    """Runs the real logrotate with our configuration, its paths replaced by this test's."""
    if not (logrotate := shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")):
        pytest.skip("logrotate is not installed (Debian's package of that name)")
    folder = apache.log.parent
    text = (FLEET / "logrotate.conf").read_text()
    for ours, here in (
        ("/var/log/beacon", str(folder)),
        ("/var/lib/beacon/", f"{folder}/"),
        ("/opt/beacon/venv/bin/python", sys.executable),
        ("/opt/beacon/fleet", str(FLEET)),
        ("root beacon", "root root"),
        ("size 64M", "size 1"),
        # systemd's reload of httpd.
        ("systemctl reload httpd.service",
         f"{servers.APACHE} -f {folder}/main.conf -k graceful"),
    ):  # fmt: skip
        assert ours in text, ours
        text = text.replace(ours, here)
    configuration = folder / "logrotate.conf"
    configuration.write_text(text)
    configuration.chmod(0o644)

    def run() -> list[Path]:
        before = apache.log.stat().st_ino
        command = [logrotate, "--state", str(folder / "rotations"), str(configuration)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert apache.log.stat().st_ino != before
        return sorted(folder.glob("access.log-*"))

    return run


def send(apache, *events: object) -> None:
    url = f"http://127.0.0.1:{apache.address[1]}/beacon"
    for event in events:
        command = ["curl", "--silent", "--fail", "-H", f"event: {event}", url]
        subprocess.run(command, check=True, capture_output=True)


def age(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (time.time() - LATER, time.time() - LATER))


def test_apache_writes_on_into_a_deleted_log_and_the_agent_reads_it(apache):
    """Our server opens the path again, Apache does not: see httpd.conf."""
    notices, found = [], []
    tail = Tail(apache.log, {"files": {}}, notices.append)

    def read(*events: str) -> None:
        def all_read() -> bool:
            found.extend(line.text.decode().split('" "')[2] for line in tail.read(500))
            return set(events) <= set(found)

        until(all_read, 30)

    send(apache, "before")
    read("before")
    apache.log.unlink()
    send(apache, "deleted-1", "deleted-2")
    read("deleted-1", "deleted-2")
    assert not apache.log.exists() and len(notices) == 1
    assert "reload the server, so that it opens a new log" in notices[0]
    apache.process.send_signal(signal.SIGUSR1)  # graceful, as logrotate's `systemctl reload`
    until(apache.log.exists)
    send(apache, "after")
    read("after")
    events = [event for event in found if event != "-"]
    assert events == ["before", "deleted-1", "deleted-2", "after"]
    tail.close()


@pytest.mark.skipif(os.getuid() != 0, reason="logrotate gives the new log to root")
def test_apache_logrotate_and_the_agent_lose_no_line_even_while_the_agent_is_stopped(
    emulator, apache, rotate
):
    sent: list[str] = []

    def beacons(word: str) -> None:
        names = [f"{word}-{n}" for n in range(3)]
        send(apache, *names)
        sent.extend(names)

    with new_stream(emulator) as stream:
        beacons("before")
        first = rotate()
        beacons("away")
        age(*first)
        time.sleep(1.1)  # names hold seconds
        both = rotate()
        assert len(first) == 1 and len(both) == 2, "nothing is shipped: both stay, however old"
        beacons("now")
        command = [sys.executable, str(REPOSITORY / "assets/agent/agent.py"), "--server", "i-0abc"]
        command += ["--log", str(apache.log), "--stream", stream]
        command += ["--state", str(apache.log.parent / "agent.json")]
        environment = emulator.child_environment()
        agent = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait_for(emulator, stream, len(apache.lines()) + 6)
            age(*both)
            time.sleep(1.1)
            left = rotate()
            assert len(left) == 1 and left[0] not in both, "what is shipped and quiet is gone"
            beacons("after")
        finally:
            agent.terminate()
            assert agent.wait(30) == 0
        events = [record["event"] for record in shipped(emulator, stream) if record["event"]]
    assert events == sent
