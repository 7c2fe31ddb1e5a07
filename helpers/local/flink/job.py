"""The process that runs an application's planned job, and the JVM inside it."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from helpers.core import process_lock
from helpers.core.paths import home
from helpers.core.target_files import JOB_LOCK
from helpers.flink import plans
from helpers.flink.properties import Folders
from helpers.local import child_process

from . import checkpoints
from .application import Application
from .planning import last_line

GRACE_SECONDS = 3


class Job:
    """One run of an application's code.

    Args:
        application: as the emulator has it.
        plan: its planned job.
        code: the folder with its code.
        folders: its files.
        restored: the checkpoint from which it starts, if any.
    """

    def __init__(
        self,
        application: Application,
        plan: Path,
        code: Path,
        folders: Folders,
        restored: Path | None = None,
    ) -> None:
        self.log = home() / "logs" / f"flink-{application.name}.log"
        self._folders = folders
        lock = JOB_LOCK.format(application.name)
        folders.create()
        self.restored = restored
        self._former_jobs = set(folders.checkpoints.glob("*"))
        self.process: subprocess.Popen = child_process.start(
            plans.run_command(plan, code, folders, self.restored),
            log=self.log,
            environment=plans.run_environment(folders)
            | {"WORKSHOP_FLINK_LOG": str(self.log.with_suffix(".jvm.log"))},
            name=lock,
            group=True,
        )

    @property
    def exit_code(self) -> int | None:
        """The process's exit code, or None while it runs."""
        return self.process.poll()

    def checkpoint_folder(self) -> Path | None:
        """Return the folder of this run's own checkpoints, once the first one is complete."""
        jobs = (path.parent for path in checkpoints.complete(self._folders.checkpoints))
        return next((job for job in jobs if job not in self._former_jobs), None)

    def last_line(self) -> str:
        return last_line(self.log)

    def end(self) -> None:
        """End the process and its JVM; a later run continues from the last checkpoint."""
        # The JVM ends with Python; a worker that hangs is in the same process group.
        child_process.end(self.process, seconds=GRACE_SECONDS, group=True)


def end_former(application: str) -> None:
    """End a job whose process or controller was killed: it may run for a moment longer.

    It would write the same files, and complete one more checkpoint.

    Args:
        application: the name of its application.
    """
    lock = process_lock.pid_file(JOB_LOCK.format(application))
    if pid := process_lock.holder(lock):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        process_lock.wait_until_free(lock)
