"""When the supervisor is killed, the emulator starts another one, which takes the emulator over.

All that was deployed and sent is in the emulator's memory. So it goes on without a supervisor, but
never for long: it starts another one, and ends if none takes over. The controllers end with the
supervisor that started them, and the new one starts its own: they keep nothing that is not in the
emulator or in a file. When the emulator itself is killed, its memory is gone.
"""

import subprocess
import sys
import threading
import time

from helpers.core import process_lock as locks
from helpers.core.environment import child_environment
from helpers.core.paths import REPOSITORY, home
from helpers.core.target_files import supervisor_lock

from . import child_process as lifeline
from . import state
from .restarts import backoff_delay

ATTEMPTS = 4  # with 1, 2 and 4 s between them


def start_supervisor(*arguments: str) -> subprocess.Popen:
    """Start the local target's supervisor in the background.

    Args:
        arguments: of its command line, see `supervisor.main`.
    """
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
            # It outlives who starts it, and a Ctrl-C in our terminal is not meant for it.
            start_new_session=True,
        )


def keep_supervised() -> None:
    """Start another supervisor whenever there is none; end this process where none is wanted."""
    threading.Thread(target=_watch, name="succession", daemon=True).start()


def _watch() -> None:
    supervisor, failures = None, 0
    while failures < ATTEMPTS:
        time.sleep(backoff_delay(failures))
        locks.wait_until_free(supervisor_lock())
        if supervisor:
            supervisor.wait()
        if state.is_ending():
            break
        supervisor = start_supervisor("takeover")
        failures = 0 if _takes_over(supervisor) else failures + 1
    lifeline.end_ourselves()


def _takes_over(supervisor: subprocess.Popen) -> bool:
    while state.holder() is None:
        if supervisor.poll() is not None:
            return False
        time.sleep(0.05)
    return True
