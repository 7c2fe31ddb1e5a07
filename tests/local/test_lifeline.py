"""What is left of a child, and of what it has started, when its parent is killed."""

import os
import signal
import subprocess
import sys
import time

# Neither of the two ends when it is asked to, as a JVM that hangs.
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
from helpers.local import lifeline
child = lifeline.start(sys.argv[1:3], log=Path(sys.argv[3]), group=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def is_there(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def test_a_group_that_does_not_end_by_itself_is_killed_with_its_parent(tmp_path):
    script, told = tmp_path / "stubborn.py", tmp_path / "grandchild"
    script.write_text(STUBBORN)
    arguments = [sys.executable, "-c", PARENT, str(script), str(told), str(tmp_path / "log")]
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    deadline = time.monotonic() + 60
    while not (told.exists() and told.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [child, int(told.read_text())]
    assert all(map(is_there, pids))
    try:
        parent.kill()
        parent.wait()
        while any(map(is_there, pids)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_there, pids))
    finally:
        for pid in filter(is_there, pids):
            os.kill(pid, signal.SIGKILL)
