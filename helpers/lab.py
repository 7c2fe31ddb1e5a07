"""`make lab`: starts JupyterLab, and prints the address and what to do with it in this terminal.

A browser on this machine, a terminal over ssh, in a container, in WSL, or without any browser: the
server is the same, on 127.0.0.1, and the way to it differs.
"""

import argparse
import ipaddress
import os
import re
import secrets
import shlex
import socket
import sys
import webbrowser
from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import Path

from helpers.core.command import exit_code
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY, home

LOOPBACK = "127.0.0.1"
FIRST_PORT, PORTS = 8888, 100
NOTEBOOK = "notebooks/0-start-here.ipynb"
_CONTAINERS = re.compile(r"docker|containerd|kubepods|libpod|lxc")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


class Place(Enum):
    """Where the terminal is, and so which way leads from a browser to JupyterLab."""

    BROWSER = "a browser on this machine"
    SSH = "a terminal over ssh"
    CONTAINER = "a container"
    WSL = "Windows' subsystem for Linux"
    NO_BROWSER = "a machine without a browser"


def place_of(environment: Mapping[str, str], root: Path = Path("/"), system: str = "") -> Place:
    """Return where a terminal is.

    Args:
        environment: the terminal's variables.
        root: the folder with the machine's files; another one is for tests.
        system: as `sys.platform` has it; by default, this machine's.

    Example:
        `place_of({"SSH_CONNECTION": "10.0.0.9 50022 10.0.0.5 22"})` -> `Place.SSH`
    """
    if environment.get("SSH_CONNECTION"):
        return Place.SSH
    marks = (root / ".dockerenv", root / "run" / ".containerenv")
    first_process = _text(root / "proc" / "1" / "cgroup")
    if (
        environment.get("container")
        or any(mark.exists() for mark in marks)
        or _CONTAINERS.search(first_process)
    ):
        return Place.CONTAINER
    if "microsoft" in _text(root / "proc" / "version").lower():
        return Place.WSL
    # Without a display, Python's webbrowser would open a text browser in this terminal.
    has_display = (system or sys.platform) == "darwin" or any(map(environment.get, _DISPLAYS))
    return Place.BROWSER if has_display and _has_browser() else Place.NO_BROWSER


def how_to_open(
    place: Place, address: str, port: int, environment: Mapping[str, str], ip: str = LOOPBACK
) -> str:
    """Return the lines that `make lab` prints: the address, and what to do with it.

    Args:
        place: where the terminal is.
        address: JupyterLab's on this machine, with its token.
        port: JupyterLab's.
        environment: the terminal's variables; those of ssh name the machine.
        ip: the address on which JupyterLab listens.

    Example:
        `how_to_open(Place.BROWSER, "http://127.0.0.1:8888/lab", 8888, {})`
    """
    lines = {
        Place.BROWSER: ["JupyterLab opens in your browser. If it does not, open this address:"],
        Place.SSH: [
            "This terminal is on another machine (ssh). In a second terminal, on your own machine,",
            "run this command, and leave it open:",
            "",
            f"    {_tunnel(environment, port)}",
            "",
            "Then open this address in your own browser, a few seconds from now:",
        ],
        Place.CONTAINER: _in_a_container(port, ip),
        Place.WSL: ["Open this address in a browser of Windows, a few seconds from now:"],
        Place.NO_BROWSER: [
            "No browser was found on this machine. Open this address in one, a few seconds from",
            "now; from another machine, this command makes it reachable there:",
            "",
            f"    {_tunnel(environment, port)}",
            "",
        ],
    }[place]
    if environment.get("TERM_PROGRAM") == "vscode" and place in (Place.SSH, Place.CONTAINER):
        lines = ["VS Code forwards the port: open this address, a few seconds from now:"]
    if place is Place.WSL:  # Windows forwards this name
        address = address.replace(LOOPBACK, "localhost", 1)
    ending = ["", f"    {address}", "", "Ctrl + C in this terminal ends JupyterLab."]
    if ip != LOOPBACK and place is not Place.CONTAINER:
        ending.append(f"It listens on {ip}: other machines reach it, too. It asks for its token.")
    return "\n".join(["", *lines, *ending, ""])


def choose_port(ip: str = LOOPBACK, wanted: int | None = None) -> int:
    """Return a free port: the wanted one, or the first from 8888 on.

    Args:
        ip: the address on which JupyterLab listens.
        wanted: the only port that is good enough, e.g. one that a container publishes.

    Raises:
        WorkshopError: the wanted port, or each of them, is taken; or the address is not this
            machine's.

    Example:
        `choose_port()` -> `8888`
    """
    ports = range(FIRST_PORT, FIRST_PORT + PORTS) if wanted is None else [wanted]
    for port in ports:
        if _is_free(ip, port):
            return port
    raise WorkshopError(
        f"Port {ports[0]} of {ip} is taken, or can't be used."
        if wanted is not None
        else f"The ports {ports[0]} to {ports[-1]} of {ip} are taken, or can't be used.",
        "Choose another one: make lab PORT=9999.",
    )


def command(ip: str, port: int, place: Place) -> list[str]:
    """Return the command that starts JupyterLab.

    Args:
        ip: the address on which it listens.
        port: the only port that it may take.
        place: where the terminal is; a browser is opened only on the same machine.

    Example:
        `command("127.0.0.1", 8888, Place.SSH)[-1]` -> `".../notebooks/0-start-here.ipynb"`
    """
    options = [f"--ServerApp.ip={ip}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    # Notebooks show pictures, and link to pages, of the folders next to theirs.
    options += [f"--ServerApp.root_dir={REPOSITORY}"]
    options += ["--Application.log_level=WARN"]  # its usual lines would hide the address
    if place is not Place.BROWSER:
        options.append("--no-browser")
    if os.getuid() == 0:
        options.append("--allow-root")
    # Of traitlets, which reads our server settings twice and then takes them for an override.
    quiet = ["-W", "ignore:Overriding existing post_save_hook:UserWarning"]
    return [sys.executable, *quiet, "-m", "jupyterlab", *options, str(REPOSITORY / NOTEBOOK)]


def main() -> int:
    """Print what to do, and become JupyterLab; return an exit code if that can't be."""
    parser = argparse.ArgumentParser(prog="make lab", description=main.__doc__)
    parser.add_argument("--ip", default=LOOPBACK, help="the address on which it listens")
    parser.add_argument("--port", type=int, help="the only port that it may take")
    return exit_code(partial(_start, parser.parse_args()))


def _start(given: argparse.Namespace) -> int:
    ip = _checked_address(given.ip)
    port = choose_port(ip, given.port)
    place = place_of(os.environ)
    environment, token = _with_token(os.environ, port)
    host = LOOPBACK if ip == "0.0.0.0" else ip
    query = f"?token={token}" if token else ""
    address = f"http://{host}:{port}/lab/tree/{NOTEBOOK}{query}"
    print(how_to_open(place, address, port, os.environ, ip), flush=True)
    os.execve(sys.executable, command(ip, port, place), environment)


def _in_a_container(port: int, ip: str) -> list[str]:
    if ip == LOOPBACK:
        return [
            "This terminal is in a container, whose 127.0.0.1 is not the one of your browser.",
            "Codespaces and VS Code's Dev Containers forward the port. Otherwise publish it to",
            "your own machine, and to no other one, when you start the container:",
            "",
            f"    docker run -p 127.0.0.1:{port}:{port} ...",
            "",
            f"and run `make lab IP=0.0.0.0 PORT={port}` in it. Then open this address:",
        ]
    return [
        f"JupyterLab listens on {ip} of this container, and asks for its token. If the container",
        f"was started with `-p 127.0.0.1:{port}:{port}`, open this address on the machine that",
        "runs it, a few seconds from now:",
    ]


def _tunnel(environment: Mapping[str, str], port: int) -> str:
    """Return the command that makes a port of this machine reachable on the learner's own."""
    user = environment.get("USER") or environment.get("LOGNAME") or "USER"
    parts = environment.get("SSH_CONNECTION", "").split()
    host, ssh_port = (parts[2], parts[3]) if len(parts) == 4 else ("HOST", "22")
    if not re.fullmatch(r"[0-9A-Fa-f:.]+", host):
        host = "HOST"
    option = f"-p {ssh_port} " if ssh_port.isdecimal() and ssh_port != "22" else ""
    return f"ssh {option}-L {port}:{LOOPBACK}:{port} {shlex.quote(f'{user}@{host}')}"


def _checked_address(ip: str) -> str:
    try:
        return str(ipaddress.IPv4Address(ip))
    except ValueError:
        raise WorkshopError(
            f"{ip!r:.40} is not an IPv4 address.",
            "Run `make lab` without IP; only a container needs IP=0.0.0.0.",
        ) from None


def _is_free(ip: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as JupyterLab's own
        try:
            probe.bind((ip, port))
        except (OSError, OverflowError):
            return False
    return True


def _with_token(environment: Mapping[str, str], port: int) -> tuple[dict[str, str], str]:
    """Return JupyterLab's environment, and the token for its address.

    The token is in a file that only its owner can read: a kernel's environment is JupyterLab's, and
    a notebook may print it.
    """
    if environment.get("JUPYTER_TOKEN"):
        return dict(environment), environment["JUPYTER_TOKEN"]
    if environment.get("JUPYTER_TOKEN_FILE"):
        return dict(environment), _text(Path(environment["JUPYTER_TOKEN_FILE"])).strip()
    token, path = secrets.token_hex(24), home() / f"lab-{port}.token"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(token, encoding="utf-8")
    return dict(environment) | {"JUPYTER_TOKEN_FILE": str(path)}, token


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
