"""The processes of a target or a server, and where they listen."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from socket import SOCK_DGRAM

import psutil

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def family(variable: str, value: Path) -> list[psutil.Process]:
    """Return the other processes that have an environment variable from their parents."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it has ended, or is another user's
            if process.environ().get(variable) == str(value) and process.pid != os.getpid():
                found.append(process)
    return found


def listening(processes: Iterable[psutil.Process]) -> list[tuple[psutil.Process, str, int]]:
    """Return where processes take connections or datagrams: process, address, port."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN or (not one.raddr and one.type == SOCK_DGRAM):
                    found.append((process, one.laddr.ip, one.laddr.port))
    return found


def end(process: subprocess.Popen, log: Path, seconds: float = 300) -> None:
    """Ask a server to end (SIGTERM), and wait until it has.

    A server that does not end is made to write where it hangs (SIGABRT to its session, with
    PYTHONFAULTHANDLER in its environment), and its log becomes the error.
    """
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)
        process.wait(seconds)
        raise AssertionError(f"did not end:\n{log.read_text(encoding='utf-8')}") from None
