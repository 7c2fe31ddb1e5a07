"""A supervisor that is killed has an heir: the emulator starts one, which adopts the emulator.

All that was deployed and sent is in the emulator's memory. So it lives on without a supervisor, but
never for long: it starts another one, and ends where none comes to stay. The controllers end with
the supervisor that started them, and the new one starts them anew: they remember nothing that is
not in the emulator or in a file. When the emulator itself is killed, its memory is gone.
"""

import subprocess
import sys
import threading
import time

from helpers import locks
from helpers.environment import child_environment
from helpers.home import REPOSITORY, home

from . import lifeline, state

ATTEMPTS = 4  # with pauses of 1, 2 and 4 s


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
    """Start another supervisor whenever there is none; where none is wanted, end this process."""
    threading.Thread(target=_watch, name="succession", daemon=True).start()


def _watch() -> None:
    heir, failures = None, 0
    while failures < ATTEMPTS:
        locks.wait_until_free(state.lock_path())
        if heir:
            heir.wait()
        if state.is_ending():
            break
        heir = start_supervisor("heir")
        failures = 0 if _takes_over(heir) else failures + 1
        if 0 < failures < ATTEMPTS:
            time.sleep(2 ** (failures - 1))
    lifeline.end_ourselves()


def _takes_over(heir: subprocess.Popen) -> bool:
    while state.holder() is None:
        if heir.poll() is not None:
            return False
        time.sleep(0.05)
    return True
