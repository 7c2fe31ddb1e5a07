"""What the workshop on one machine opens, tells and leaves open: as little as can be."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from docs.stored_notebooks import stored
from helpers.home import REPOSITORY
from helpers.local.ports import answers, free_port
from tests.catcher import until

SECONDS = 120
# As Linux writes them in /proc/net: 127.0.0.1, the same as IPv6 sees it, and ::1.
LOOPBACK = {
    "0100007F",
    "0000000000000000FFFF00000100007F",
    "00000000000000000000000001000000",
}
LISTENS, UNCONNECTED = "0A", "07"
SECRETS = re.compile(
    rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    rb"|(?i:secret_?access_?key|password|passwd|api_?key|token)[\"']?\s*[=:]\s*[\"']?"
    rb"[A-Za-z0-9/+]{20,}"
)
linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")


def family(variable: str, value: Path) -> list[Path]:
    """The processes that have an environment variable from their parents: /proc/PID of each."""
    mark, found = f"{variable}={value}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(process)
        except OSError:  # it has ended, or is another user's
            continue
    return [process for process in found if int(process.name) != os.getpid()]


def listening(processes: list[Path]) -> set[tuple[str, str]]:
    """Where these processes listen: (tcp, tcp6, udp or udp6; the address in hexadecimal)."""
    sockets = set()
    for process in processes:
        for link in process.glob("fd/*"):
            try:
                sockets.add(str(link.readlink()))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in (Path("/proc/net") / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] in (LISTENS, UNCONNECTED) and f"socket:[{fields[9]}]" in sockets:
                found.add((table, fields[1]))
    return found


@linux
def test_every_socket_of_the_running_chain_is_on_this_machine_only(chain, target_home):
    processes = family("WORKSHOP_HOME", target_home)
    commands = b"\n".join((process / "cmdline").read_bytes() for process in processes)
    for part in (
        b"helpers.local.beacon_server",
        b"agent.py",
        b"helpers.local.emulator",
        b"java-runtime",
    ):
        assert part in commands, f"{part} is not among the processes that were looked at"
    found = listening(processes)
    assert len(found) >= 3, "the emulator, a beacon server, Flink"
    assert {address.split(":")[0] for _, address in found} <= LOOPBACK, found


def test_what_the_workshop_writes_can_be_changed_by_nobody_else(chain, target_home):
    for path in [target_home, *target_home.rglob("*")]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:  # a job's file, deleted since
            continue
        assert stat.S_ISLNK(mode) or not mode & stat.S_IWOTH, path


def test_no_log_holds_a_secret(chain, target_home):
    logs = [path for path in target_home.rglob("*") if path.suffix in (".log", ".out", ".json")]
    assert len(logs) >= 5
    for path in logs:
        found = SECRETS.search(path.read_bytes())
        assert not found, (path, found[0][:40])


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True)
    if listed.returncode:  # a downloaded zip
        return [path for path in REPOSITORY.rglob("*.*") if ".venv" not in path.parts]
    return [REPOSITORY / name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_of_the_repository_holds_a_secret():
    files = [path for path in tracked() if path.is_file() and path.name != "requirements.lock"]
    assert {".ipynb", ".yaml", ".py", ".md"} <= {path.suffix for path in files}
    for path in files:
        # What a learner's run has left in a notebook is not the repository's.
        data = stored(path).encode() if path.suffix == ".ipynb" else path.read_bytes()
        found = SECRETS.search(data)
        assert not found, (path, found[0][:40])


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        'aws_secret_access_key = "' + "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE" + '"',
        "token=" + "0123456789abcdef0123456789abcdef",
    ],
)
def test_a_secret_would_be_found(text):
    assert SECRETS.search(text.encode())


@pytest.fixture
def lab(tmp_path):
    """JupyterLab as `make lab` starts it, but for its window and its port: port and token."""
    recipe = subprocess.run(
        ["make", "-n", "-o", ".venv/.ready", "lab"], cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    (command,) = [line for line in recipe.splitlines() if "jupyter lab" in line]
    folders = ("CONFIG", "DATA", "RUNTIME")
    mine = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in folders}
    inherited = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"}
    port = free_port()
    with (tmp_path / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [*shlex.split(command.lstrip("@ ")), "--no-browser", f"--port={port}"],
            cwd=REPOSITORY,
            env=inherited | mine,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(lambda: list((tmp_path / "runtime").glob("jpserver-*.json")), SECONDS)
        (written,) = (tmp_path / "runtime").glob("jpserver-*.json")
        until(lambda: answers(f"http://127.0.0.1:{port}/api"), SECONDS)
        yield tmp_path, json.loads(written.read_text()), written
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait(SECONDS)


def status(url: str, token: str = "") -> int:
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@linux
def test_jupyterlab_asks_for_its_token_and_listens_on_this_machine_only(lab):
    folder, server, written = lab
    assert len(server["token"]) >= 32 and not server["password"]
    url = f"http://127.0.0.1:{server['port']}/api/contents"
    assert (status(url), status(url, "wrong"), status(url, server["token"])) == (403, 403, 200)
    found = listening(family("JUPYTER_RUNTIME_DIR", folder / "runtime"))
    assert found and {address.split(":")[0] for _, address in found} <= LOOPBACK, found
    assert not written.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH), "others can read the token"
