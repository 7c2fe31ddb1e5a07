"""Ties a program's life to its parent's: when the parent is gone, however it went, the child ends.

    python -m helpers.local.child_process [OPTION]... SCRIPT ARGUMENT...     # a file
    python -m helpers.local.child_process [OPTION]... -m MODULE ARGUMENT...  # a module

    --name=NAME  be the only one of this name: wait until a former one is gone (see locks.pid_file)
    --outlive    not tied: it lives on without its parent
    --group      killed at once, with all that it has started, and not asked to end

The parent keeps the write end of the child's standard input and never writes. A parent that is
killed with SIGKILL runs no clean-up, but the kernel closes its pipes: the child reads the end of
the file and ends itself. This works on Linux and macOS alike, and leaves no orphan. The parent that
comes after the killed one starts its children at once; a name makes them wait for the former ones'
end, so that nothing runs twice.
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
from typing import TYPE_CHECKING

from helpers.core import process_lock as locks
from helpers.core.environment import child_environment

if TYPE_CHECKING:
    from .adopted_process import Adopted

GRACE_SECONDS = 10


def start(
    arguments: list[str],
    *,
    log: Path,
    environment: dict[str, str] | None = None,
    name: str | None = None,
    outlive: bool = False,
    group: bool = False,
) -> subprocess.Popen:
    """Start `python -m helpers.local.child_process ARGUMENTS` as a child that ends when we do.

    Args:
        arguments: a script's path, or `-m` and a module's name, then its arguments.
        log: the file to which its output is appended.
        environment: the child's environment variables; by default ours without AWS's.
        name: of this name there is to be only one process: the child waits for a former one's end.
        outlive: the child is not to end with us.
        group: without us the child is killed with all that it has started: a JVM may hang when it
            is to end, and would stay behind when the child is gone.

    Returns:
        The process. Its `stdin` is the lifeline: keep the object, do not close the pipe.

    Example:
        `start(["-m", "helpers.local.fleet"], log=home() / "logs" / "fleet.log")`
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


def end(
    process: "subprocess.Popen | Adopted", seconds: float = GRACE_SECONDS, group: bool = False
) -> int:
    """End a child with SIGTERM, after `seconds` with SIGKILL; return its exit code.

    Args:
        process: the child.
        seconds: how long it has to end by itself.
        group: kill what it has started and left behind, too.

    Example:
        `end(server, seconds=5)`
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


def close(process: "subprocess.Popen | Adopted") -> None:
    """Close our end of the lifeline of a process that has ended."""
    if process.stdin:
        process.stdin.close()


def _watch_parent(end: Callable[[], None]) -> None:
    while os.read(0, 1024):
        pass
    end()


def _end_group() -> None:
    # We are its leader, since `start` gave us a session of our own.
    os.killpg(os.getpid(), signal.SIGKILL)


def end_ourselves() -> None:
    """End this process as `end` ends another: SIGTERM, after the grace time SIGKILL."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the script or module that the command line names, tied to our parent."""
    arguments = sys.argv[1:]
    options = {}
    while arguments[0].startswith("--"):
        option, _, value = arguments.pop(0).partition("=")
        options[option] = value
    if "--outlive" not in options:
        ends = _end_group if "--group" in options else end_ourselves
        threading.Thread(target=_watch_parent, args=(ends,), name="lifeline", daemon=True).start()
    # Held until this process is gone, whatever else it forgets.
    name = options.get("--name")
    lock = locks.take(locks.pid_file(name), wait=True) if name else None
    _run(arguments)
    del lock


def _run(arguments: list[str]) -> None:
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        # As `python SCRIPT` would: the script finds the modules beside it.
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
