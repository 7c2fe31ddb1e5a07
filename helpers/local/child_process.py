"""Child processes that end with their parent, even if the parent is killed.

    python -m helpers.local.child_process [OPTION]... SCRIPT ARGUMENT...     # a file
    python -m helpers.local.child_process [OPTION]... -m MODULE ARGUMENT...  # a module

    --name=NAME  hold the lock of this name (process_lock.pid_file); wait for its former holder
    --outlive    do not end with the parent
    --group      when the parent ends, kill the whole process group at once with SIGKILL

The parent keeps the write end of the child's standard input and never writes. A parent that is
killed with SIGKILL runs no clean-up, but the kernel closes its pipes: the child reads the end of
the file and ends itself. This works on Linux and macOS, and leaves no orphan. The successor of a
killed parent starts its children at once; with a name they wait until the former ones have ended,
so that nothing runs twice.
"""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from helpers.core import process_lock
from helpers.core.environment import child_environment

GRACE_SECONDS = 10
# Only its parent receives a process's exit code.
UNKNOWN_EXIT_CODE = 1


def start(
    arguments: list[str],
    *,
    log: Path,
    environment: dict[str, str] | None = None,
    name: str | None = None,
    outlive: bool = False,
    group: bool = False,
) -> subprocess.Popen:
    """Start `python -m helpers.local.child_process ARGUMENTS` as a child that ends with us.

    Args:
        arguments: a script's path, or `-m` and a module's name, then its arguments.
        log: the file to which its output is appended.
        environment: the child's environment variables; by default ours without AWS's.
        name: only one process of this name runs: the child waits until a former one has ended.
        outlive: the child does not end with us.
        group: when we end, the child is killed with all that it has started: a JVM may not react to
            SIGTERM, and would be left over.

    Returns:
        The process. Keep the object, and do not close its `stdin`, which ties the child to us.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    options = [f"--name={name}"] * bool(name) + ["--outlive"] * outlive + ["--group"] * group
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "helpers.local.child_process", *options, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment() if environment is None else environment,
            start_new_session=True,  # Ctrl-C in the parent's terminal is the parent's to handle
        )


class Adopted:
    """A running process that another process has started; like a `subprocess.Popen`."""

    stdin = None

    def __init__(self, name: str, pid: int) -> None:
        self._lock, self.pid = process_lock.pid_file(name), pid

    def poll(self) -> int | None:
        """Return None while it runs, else UNKNOWN_EXIT_CODE."""
        return None if process_lock.holder(self._lock) == self.pid else UNKNOWN_EXIT_CODE

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Args:
            timeout: seconds; None = no limit.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self._lock.name, timeout or 0)
            time.sleep(0.05)
        return UNKNOWN_EXIT_CODE

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def adopt(name: str) -> Adopted | None:
    """Return the running process of a name, or None if none runs."""
    pid = process_lock.holder(process_lock.pid_file(name))
    return Adopted(name, pid) if pid else None


def end(
    process: subprocess.Popen | Adopted, seconds: float = GRACE_SECONDS, group: bool = False
) -> int:
    """End a process with SIGTERM, after `seconds` with SIGKILL; return its exit code.

    Args:
        process: the process.
        seconds: how long it has to end by itself.
        group: kill all other processes of its group, too.
    """
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    close(process)
    code = process.wait()
    if group:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return code


def close(process: subprocess.Popen | Adopted) -> None:
    """Close our end of the pipe to a process that has ended."""
    if process.stdin:
        process.stdin.close()


def _when_parent_ends(end: Callable[[], None]) -> None:
    while os.read(0, 1024):
        pass
    end()


def _kill_group() -> None:
    # `start` gave us a session of our own, so we are the leader of the group.
    os.killpg(os.getpid(), signal.SIGKILL)


def end_ourselves() -> None:
    """End this process as `end` ends another: SIGTERM, after the grace time SIGKILL."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the script or module that the command line names."""
    arguments = sys.argv[1:]
    options = {}
    while arguments[0].startswith("--"):
        option, _, value = arguments.pop(0).partition("=")
        options[option] = value
    if "--outlive" not in options:
        end = _kill_group if "--group" in options else end_ourselves
        threading.Thread(target=_when_parent_ends, args=(end,), name="parent", daemon=True).start()
    # Held until this process has ended.
    name = options.get("--name")
    lock = process_lock.take(process_lock.pid_file(name), wait=True) if name else None
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        # As `python SCRIPT` does: the script finds the modules in its folder.
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        runpy.run_path(arguments[0], run_name="__main__")
    del lock


if __name__ == "__main__":
    main()
