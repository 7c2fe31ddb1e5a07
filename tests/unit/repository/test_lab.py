"""`make lab`: the sentence for each kind of terminal, the port, and that nothing else listens."""

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import lab
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.lab import Place, choose_port, command, how_to_open, place_of

SSH = {"SSH_CONNECTION": "10.0.0.9 50022 10.0.0.5 22", "USER": "ada"}
ADDRESS = "http://127.0.0.1:8890/lab/tree/notebooks/0-start-here.ipynb?token=abc"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that writes files of a Linux machine which has a browser."""
    monkeypatch.setattr(lab, "_has_browser", lambda: True)

    def files(**texts: str) -> Path:
        for name, text in {"proc/version": "Linux version 6.1 (gcc)", **texts}.items():
            path = tmp_path / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return files


WSL_VERSION = {"proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2"}


@pytest.mark.parametrize(
    ("environment", "files", "place"),
    [
        ({"DISPLAY": ":0"}, {}, Place.BROWSER),
        ({"WAYLAND_DISPLAY": "wayland-0"}, {}, Place.BROWSER),
        ({}, {}, Place.NO_BROWSER),
        ({"DISPLAY": ""}, {}, Place.NO_BROWSER),
        (SSH, {}, Place.SSH),
        (SSH | {"DISPLAY": ":10"}, {}, Place.SSH),
        (SSH, {"__dockerenv": ""}, Place.SSH),  # the tunnel leads into it
        ({}, {"__dockerenv": ""}, Place.CONTAINER),
        ({}, {"run/__containerenv": ""}, Place.CONTAINER),
        ({}, {"proc/1/cgroup": "12:pids:/kubepods/besteffort/pod1"}, Place.CONTAINER),
        ({"container": "podman"}, {}, Place.CONTAINER),
        ({"DISPLAY": ":0"}, {"__dockerenv": "", **WSL_VERSION}, Place.CONTAINER),
        ({}, WSL_VERSION, Place.WSL),
        ({"DISPLAY": ":0"}, WSL_VERSION, Place.WSL),
        ({}, {"proc/1/cgroup": "0::/init.scope"}, Place.NO_BROWSER),
    ],
)
def test_a_terminal_is_known_by_its_variables_and_files(machine, environment, files, place):
    assert place_of(environment, machine(**files), "linux") is place


def test_a_mac_has_a_display_and_a_machine_without_a_browser_has_none(machine, monkeypatch):
    assert place_of({}, machine(), "darwin") is Place.BROWSER
    monkeypatch.setattr(lab, "_has_browser", lambda: False)
    assert place_of({"DISPLAY": ":0"}, machine(), "linux") is Place.NO_BROWSER
    assert place_of({}, machine() / "missing", "linux") is Place.NO_BROWSER


@pytest.mark.parametrize("place", Place)
def test_each_place_has_the_address_and_the_end(place):
    shown = how_to_open(place, ADDRESS, 8890, SSH)
    host = "localhost" if place is Place.WSL else "127.0.0.1"
    assert f"\n    {ADDRESS.replace('127.0.0.1', host)}\n" in shown
    assert "Ctrl + C" in shown and "8890" in shown and max(map(len, shown.splitlines())) < 100


def test_over_ssh_the_command_of_the_tunnel_has_the_real_port_and_names():
    shown = how_to_open(Place.SSH, ADDRESS, 8890, SSH)
    assert "    ssh -L 8890:127.0.0.1:8890 ada@10.0.0.5\n" in shown
    other = {"SSH_CONNECTION": "::1 1 fe80::1 2222", "LOGNAME": "ann"}
    assert "ssh -p 2222 -L 8890:127.0.0.1:8890 ann@fe80::1" in how_to_open(
        Place.SSH, ADDRESS, 8890, other
    )


@pytest.mark.parametrize(
    ("environment", "tunnel"),
    [
        ({"SSH_CONNECTION": "x"}, "USER@HOST"),
        ({"SSH_CONNECTION": "a b $(reboot) 22", "USER": "ada"}, "ada@HOST"),
        ({"SSH_CONNECTION": "1 2 10.0.0.5 -oProxyCommand=x", "USER": "ada"}, "ada@10.0.0.5"),
        ({"SSH_CONNECTION": "1 2 10.0.0.5 22", "USER": "a;reboot"}, "'a;reboot@10.0.0.5'"),
        ({}, "USER@HOST"),
    ],
)
def test_odd_variables_are_quoted_or_left_out(environment, tunnel):
    shown = how_to_open(Place.SSH, ADDRESS, 8890, environment)
    assert f"    ssh -L 8890:127.0.0.1:8890 {tunnel}\n" in shown


def test_a_container_is_opened_to_its_own_machine_only_when_asked():
    shown = how_to_open(Place.CONTAINER, ADDRESS, 8890, {})
    assert "-p 127.0.0.1:8890:8890" in shown and "make lab IP=0.0.0.0 PORT=8890" in shown
    opened = how_to_open(Place.CONTAINER, ADDRESS, 8890, {}, "0.0.0.0")
    assert "make lab IP" not in opened and "asks for its token" in opened
    outside = how_to_open(Place.BROWSER, ADDRESS, 8890, {}, "0.0.0.0")
    assert "other machines reach it" in outside


@pytest.mark.parametrize("place", [Place.SSH, Place.CONTAINER])
def test_vs_code_forwards_the_port_by_itself(place):
    shown = how_to_open(place, ADDRESS, 8890, {"TERM_PROGRAM": "vscode"})
    assert "VS Code forwards the port" in shown and "docker" not in shown and "ssh" not in shown


def test_only_this_machine_is_listened_on_and_a_browser_opens_only_here(monkeypatch):
    for place in Place:
        options = command("127.0.0.1", 8890, place)
        assert "--ServerApp.ip=127.0.0.1" in options and "--ServerApp.port=8890" in options
        assert "--ServerApp.port_retries=0" in options  # or the printed address would be wrong
        assert ("--no-browser" in options) == (place is not Place.BROWSER)
        assert not [each for each in options if "token" in each or "password" in each]
    for user, allowed in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "getuid", lambda user=user: user)
        assert ("--allow-root" in command("127.0.0.1", 1, Place.SSH)) == allowed


def test_a_port_that_is_taken_is_left_out(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(lab, "FIRST_PORT", port)
        assert port < choose_port() < port + lab.PORTS
        with pytest.raises(WorkshopError, match=f"Port {port} of 127.0.0.1 is taken") as error:
            choose_port(wanted=port)
        assert "PORT=" in error.value.remedy
        monkeypatch.setattr(lab, "PORTS", 1)
        with pytest.raises(WorkshopError, match="are taken"):
            choose_port()
    assert choose_port(wanted=port) == port


def test_a_port_that_is_none_is_refused():
    for wanted in (-1, 70_000):
        with pytest.raises(WorkshopError, match="can't be used"):
            choose_port(wanted=wanted)


def run_lab(tmp_path, *arguments: str, **environment: str) -> tuple[subprocess.Popen, str]:
    """Run `make lab`'s command with a Python that prints the rest instead of running it."""
    code = (
        "import os, runpy, sys\n"
        "def shown(path, command, environment):\n"
        "    print('COMMAND', *command); print('FILE', environment.get('JUPYTER_TOKEN_FILE'))\n"
        "os.execve = shown\n"
        "sys.argv[1:] = " + repr(list(arguments)) + "\n"
        "runpy.run_module('helpers.lab', run_name='__main__')\n"
    )
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONUTF8") if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"WORKSHOP_HOME": str(tmp_path), "HOME": str(tmp_path / "home"), **environment},
        cwd=REPOSITORY, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended, ended.stdout


def test_the_printed_address_is_that_of_the_server_and_its_token_is_in_no_command(tmp_path):
    ended, shown = run_lab(tmp_path, **SSH)
    assert ended.returncode == 0, ended.stderr
    port, token = re.search(r"127\.0\.0\.1:(\d+)/lab/tree/\S+\?token=(\w{48})\n", shown).groups()
    started = shown.split("COMMAND")[1]
    assert f"--ServerApp.port={port}" in started and token not in started
    path = tmp_path / f"lab-{port}.token"
    assert f"FILE {path}" in shown and path.read_text() == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (tmp_path / "home").exists()  # nothing is written there


def test_a_learners_own_token_is_used(tmp_path):
    _, shown = run_lab(tmp_path, JUPYTER_TOKEN="own")
    assert "?token=own\n" in shown and "FILE None" in shown
    file = tmp_path / "file"
    file.write_text("filed")
    _, shown = run_lab(tmp_path, JUPYTER_TOKEN_FILE=str(file))
    assert "?token=filed\n" in shown and f"FILE {file}" in shown


@pytest.mark.parametrize("given", [("--ip", "::1"), ("--ip", "host"), ("--port", "99999")])
def test_a_wrong_address_or_port_gets_a_cause_and_a_remedy(tmp_path, given):
    ended, shown = run_lab(tmp_path, *given)
    assert ended.returncode == 1 and "COMMAND" not in shown
    assert re.search(r"^\S.*\n→ \S", ended.stderr, re.M), ended.stderr


def test_only_a_variable_in_the_command_of_make_is_an_option():
    """A container may have a PORT in its environment, which is another program's."""
    environment = {"PATH": os.environ["PATH"], "PORT": "3000", "IP": "10.0.0.1"}
    for words, options in ((["PORT=9999"], '--port "9999"'), (["IP=0.0.0.0"], '--ip "0.0.0.0"')):
        shown = subprocess.run(
            ["make", "-n", "lab", "READY=", *words], cwd=REPOSITORY, capture_output=True,
            env=environment, encoding="utf-8",
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.split("-m helpers.lab")[1].split() == options.split()
