"""If the supervisor is killed, the emulator starts another one, which takes the emulator over.

All that was deployed and sent is in the emulator's memory, so the emulator outlives its supervisor
until another one takes over; if none does, it ends. The controllers end with the supervisor that
started them, and the new one starts its own: their state is in the emulator or in files. If the
emulator itself is killed, its memory is lost.
"""

import subprocess
import sys
import threading
import time

from helpers.core import process_lock
from helpers.core.environment import child_environment
from helpers.core.paths import REPOSITORY, home
from helpers.core.target_files import supervisor_lock

from . import child_process, state
from .restarts import backoff_delay

ATTEMPTS = 4  # with 1, 2 and 4 s between them


def start_supervisor(*arguments: str) -> subprocess.Popen:
    """Start the local target's supervisor in the background."""
    path = home() / "logs" / "local.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "helpers.local", *arguments],
            cwd=REPOSITORY,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # It outlives the process that starts it, and ignores Ctrl-C in our terminal.
            start_new_session=True,
        )


def keep_supervised() -> None:
    """Start another supervisor if it was killed; end this process if the target is to end."""
    threading.Thread(target=_watch, name="takeover", daemon=True).start()


def _watch() -> None:
    supervisor, failures = None, 0
    while failures < ATTEMPTS:
        time.sleep(backoff_delay(failures))
        process_lock.wait_until_free(supervisor_lock())
        if supervisor:
            supervisor.wait()
        if state.is_ending():
            break
        supervisor = start_supervisor("takeover")
        failures = 0 if _takes_over(supervisor) else failures + 1
    child_process.end_ourselves()


def _takes_over(supervisor: subprocess.Popen) -> bool:
    while state.holder() is None:
        if supervisor.poll() is not None:
            return False
        time.sleep(0.05)
    return True
