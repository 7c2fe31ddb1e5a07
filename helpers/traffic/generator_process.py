"""Starts, finds and ends the generator's process, from a notebook."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from helpers.core import process_lock
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import home
from helpers.core.waiting import wait_until
from helpers.generator.run import lock_path, status_path

START_SECONDS = 60.0
END_SECONDS = 15.0

# The generator ends when its standard input closes, which Python does when it deletes the Popen
# object. This reference keeps the object, also when a cell is run again.
_children: dict[Path, tuple[subprocess.Popen, tuple]] = {}


def running_pid(role: str) -> int | None:
    """Return the pid of the running generator of a role, whichever kernel started it.

    Args:
        role: `live` or `replay`.
    """
    return process_lock.holder(lock_path(role))


def is_ours(role: str, cloud: Cloud) -> bool:
    """Return whether this kernel started the running generator, for this cloud."""
    child, its_target = _children.get(lock_path(role), (None, None))
    return child is not None and child.poll() is None and its_target == _address(cloud)


def _address(cloud: Cloud) -> tuple[str, str | None, str | None]:
    # A later local target may have the same endpoint, but has another key. Keys of AWS may rotate.
    key = cloud.session.get_credentials().access_key if cloud.endpoint else None
    return cloud.identity, cloud.endpoint, key


def start(role: str, cloud: Cloud, *arguments: str) -> None:
    """Start the generator, after ending one that is running, whichever kernel started it.

    So at most one runs, the latest; it ends with the kernel that started it.

    Args:
        role: `live` or `replay`.
        cloud: its stream receives the late beacons.
        arguments: further arguments of `python -m helpers.generator ROLE`.

    Raises:
        WorkshopError: the generator did not start.
    """
    end(role)
    status_path(role).unlink(missing_ok=True)
    log_path = home() / "logs" / f"traffic-{role}.log"
    log_path.parent.mkdir(exist_ok=True)
    named = ["--prefix", cloud.prefix, "--target", cloud.identity]
    with log_path.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "helpers.generator", role, *named, *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=cloud.child_environment(),
            start_new_session=True,  # interrupting a cell must not end the traffic
        )
    _children[lock_path(role)] = (child, _address(cloud))

    def started_or_ended() -> bool:
        return status_path(role).exists() or child.poll() is not None

    wait_until(started_or_ended, START_SECONDS, delay=0.02)
    if not status_path(role).exists():
        _reap(role)
        lines = log_path.read_text(errors="replace", encoding="utf-8").strip().splitlines()
        raise WorkshopError(
            f"The traffic generator did not start: {lines[-1] if lines else 'it wrote nothing.'}",
            f"Read {log_path}, then start it again. A busy machine may need more than "
            f"{START_SECONDS:.0f} s.",
        )


def end(role: str) -> bool:
    """End the generator of a role and wait until it has ended; return whether one was running.

    The generator waits up to five seconds for missing responses, and writes its journal.
    """
    pid = running_pid(role)
    if pid is not None:
        _signal(pid, signal.SIGTERM)
        if not wait_until(lambda: running_pid(role) is None, END_SECONDS, delay=0.02):
            _signal(pid, signal.SIGKILL)
            wait_until(lambda: running_pid(role) is None, END_SECONDS, delay=0.02)
    _reap(role)
    return pid is not None


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _reap(role: str) -> None:
    child, _ = _children.pop(lock_path(role), (None, None))
    if child is not None:
        child.stdin.close()
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
