"""Runs the application's own SQL over a file of records, as a job that ends with the file."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from helpers.core.errors import WorkshopError
from helpers.core.paths import home
from helpers.core.process_lock import take
from helpers.core.waiting import waiting
from helpers.deployment.flink_sql import application_code, check_code
from helpers.flink import plans
from helpers.flink.groups import Groups
from helpers.flink.properties import Folders

INPUT = "0-1-1.json.gz"


@contextlib.contextmanager
def rebuild_folders() -> Iterator[Folders]:
    """Yield empty folders for a rebuild; they are deleted at its end, or by the next one.

    Raises:
        WorkshopError: another notebook on this machine rebuilds, too.
    """
    root = home() / "flink" / "rebuild"
    lock = take(home() / "rebuild.lock")
    if lock is None:
        raise WorkshopError(
            "Another notebook on this machine is rebuilding.",
            "Wait until it is done, then run this cell again.",
        )
    with lock:
        shutil.rmtree(root, ignore_errors=True)  # of a rebuild that was killed
        folders = Folders(root)
        folders.create()
        try:
            yield folders
        finally:
            shutil.rmtree(root, ignore_errors=True)


def count(groups: Groups, folders: Folders, records: int) -> None:
    """Count all records of the input folder with the application's SQL and the learner's files.

    Args:
        groups: the application's property groups.
        folders: with the input, `INPUT`.
        records: the number of its records, for the words.

    Raises:
        WorkshopError: Flink refuses the SQL, or the job failed.
    """
    with application_code() as code:
        count_with(code, groups, folders, records)


def count_with(code: Path, groups: Groups, folders: Folders, records: int) -> None:
    """Count all records of the input folder; the rows are in the output folder then.

    Args:
        code: the folder of the job's main.py and sql/.
        groups: the application's property groups.
        folders: with the input, `INPUT`.
        records: the number of its records, for the words.

    Raises:
        WorkshopError: Flink refuses the SQL, or the job failed.
    """
    with waiting("Flink plans the job"):
        plan = check_code(code, groups, ends=True)
    command = plans.run_command(plan, code, folders, None, ends=True)
    process = plans.start_python(command, plans.run_environment(folders))
    try:
        with waiting(f"Flink counts {records:,} records"):
            output = process.communicate()[0]
    finally:  # also when the cell is interrupted
        _end(process)
    if process.returncode:
        lines = [line for line in output.splitlines() if line.strip()] or ["it gave no reason"]
        raise WorkshopError(f"Flink did not count all records: {lines[-1]}", "Run this cell again.")


def _end(process: subprocess.Popen) -> None:
    # Its Java ends when the pipe to its parent closes.
    if process.poll() is None:
        process.kill()
        process.communicate()
