"""Child processes of a killed parent end, together with the processes that they started."""

import os
import signal
import subprocess
import sys

import pytest

from helpers.local import child_process
from tests.catcher import until

# Both ignore SIGTERM, like a JVM that hangs.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
grandchild = subprocess.Popen([sys.executable, "-c", code])
open(sys.argv[1], "w").write(str(grandchild.pid))
time.sleep(600)
"""
PARENT = """
import sys, time
from pathlib import Path
from helpers.local import child_process
child = child_process.start(sys.argv[1:3], log=Path(sys.argv[3]), group=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def is_there(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


@pytest.fixture
def stubborn(tmp_path):
    """A script's arguments, and a function that waits for its two processes' pids or their end."""
    script, noted = tmp_path / "stubborn.py", tmp_path / "grandchild"
    script.write_text(STUBBORN)
    pids = []

    def started(child: int) -> None:
        until(lambda: noted.exists() and noted.read_text())
        pids.extend([child, int(noted.read_text())])
        assert all(map(is_there, pids))

    def gone() -> None:
        until(lambda: not any(map(is_there, pids)))

    yield [str(script), str(noted)], started, gone
    for pid in filter(is_there, pids):
        os.kill(pid, signal.SIGKILL)


def test_a_group_that_ignores_sigterm_is_killed_with_its_parent(stubborn, tmp_path):
    arguments, started, gone = stubborn
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
    )
    started(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    gone()


def test_a_group_ends_with_all_processes_that_its_leader_started(stubborn, tmp_path):
    arguments, started, gone = stubborn
    child = child_process.start(arguments, log=tmp_path / "log", group=True)
    started(child.pid)
    child_process.end(child, seconds=0.1, group=True)
    gone()
