"""The workshop on one machine opens, reveals and permits as little as possible."""

import json
import os
import re
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from docs.stored_notebooks import stored
from helpers.core.paths import REPOSITORY
from helpers.local.ports import answers, free_port
from tests.browser.lab import jupyter_environment
from tests.catcher import until
from tests.paths_below import paths_below
from tests.processes import LOOPBACK, end, family, listening

SECONDS = 900
SECRETS = re.compile(
    rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    rb"|(?i:secret_?access_?key|password|passwd|api_?key|token)[\"']?\s*[=:]\s*[\"']?"
    rb"[A-Za-z0-9/+]{20,}"
)


def test_every_socket_of_the_running_chain_is_on_this_machine_only(chain, target_home):
    processes = family("WORKSHOP_HOME", target_home)
    commands = "\n".join(" ".join(process.cmdline()) for process in processes)
    for part in (
        "helpers.local.beacon_server",
        "agent.py",
        "helpers.local.emulator",
        "java-runtime",
    ):
        assert part in commands, f"{part} is not among the processes that were looked at"
    found = listening(processes)
    assert len(found) >= 3, "the emulator, a beacon server, Flink"
    assert {address for _, address, _ in found} <= LOOPBACK, found


def test_what_the_workshop_writes_can_be_changed_by_nobody_else(chain, target_home):
    for path in [target_home, *paths_below(target_home)]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:  # a job's file, deleted since
            continue
        assert stat.S_ISLNK(mode) or not mode & stat.S_IWOTH, path


def test_no_log_holds_a_secret(chain, target_home):
    logs = [path for path in paths_below(target_home) if path.suffix in (".log", ".out", ".json")]
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
        # A learner's outputs in a notebook are not part of the repository.
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
    """JupyterLab as `make lab` starts it in a terminal over ssh: its files, what it wrote."""
    port = free_port()
    environment = os.environ | jupyter_environment(tmp_path, token="")
    environment |= {
        "WORKSHOP_HOME": str(tmp_path / "workshop"),
        "SSH_CONNECTION": "10.0.0.9 50022 10.0.0.5 22",
    }
    for name in ("JUPYTER_TOKEN", "MAKEFLAGS", "MAKELEVEL"):  # the last two, of `make test`
        environment.pop(name, None)
    with (tmp_path / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            ["make", "lab", "READY=", f"PORT={port}"],
            cwd=REPOSITORY,
            env=environment,
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
        end(server, tmp_path / "lab.log")


def status(url: str, token: str = "") -> int:
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_jupyterlab_asks_for_its_token_and_listens_on_this_machine_only(lab):
    folder, server, written = lab
    assert len(server["token"]) >= 32 and not server["password"]
    url = f"http://127.0.0.1:{server['port']}/api/contents"
    assert (status(url), status(url, "wrong"), status(url, server["token"])) == (403, 403, 200)
    found = listening(family("JUPYTER_RUNTIME_DIR", folder / "runtime"))
    assert found and {address for _, address, _ in found} <= LOOPBACK, found
    assert not written.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH), "others can read the token"
