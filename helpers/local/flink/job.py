"""The process that runs an application's planned job, and the JVM inside it."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from helpers.core import process_lock as locks
from helpers.core.paths import home
from helpers.core.target_files import JOB_LOCK
from helpers.flink import plans
from helpers.flink.properties import Folders
from helpers.local import child_process as lifeline

from . import checkpoints
from .application import Application
from .planning import last_line

GRACE_SECONDS = 3


class Job:
    """One run of an application's code.

    Args:
        application: whose job it is.
        plan: the file of its plan.
        code: the folder with its main.py and the modules of its Python stage.
        folders: where it reads and writes.
    """

    def __init__(self, application: Application, plan: Path, code: Path, folders: Folders) -> None:
        self.log = home() / "logs" / f"flink-{application.name}.log"
        self._known = set(folders.checkpoints.glob("*")) if folders.checkpoints.exists() else set()
        self._folders = folders
        lock = JOB_LOCK.format(application.name)
        _end_former(locks.pid_file(lock))
        folders.create()
        kept = checkpoints.complete(folders.checkpoints)
        self.restored = bool(kept)
        self.process: subprocess.Popen = lifeline.start(
            plans.run_command(plan, code, folders, kept[-1] if kept else None),
            log=self.log,
            environment=plans.run_environment(folders)
            | {"WORKSHOP_FLINK_LOG": str(self.log.with_suffix(".jvm.log"))},
            name=lock,
            group=True,
        )

    @property
    def exit_code(self) -> int | None:
        """How the process ended, or None while it runs."""
        return self.process.poll()

    def checkpoint_folder(self) -> Path | None:
        """Return the folder of this run's own checkpoints, once the first one is complete."""
        for metadata in self._folders.checkpoints.glob("*/chk-*/_metadata"):
            if metadata.parent.parent not in self._known:
                return metadata.parent.parent
        return None

    def last_words(self) -> str:
        """Return the last line that the process wrote."""
        return last_line(self.log)

    def end(self) -> None:
        """End the process and its JVM. What it goes on from later is its last checkpoint."""
        # The JVM ends when Python is gone; a worker that hangs is in the same process group.
        lifeline.end(self.process, seconds=GRACE_SECONDS, group=True)


def _end_former(lock: Path) -> None:
    # Of a controller that was killed: it goes on until it notices, and would write what we write.
    if pid := locks.holder(lock):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        locks.wait_until_free(lock)
