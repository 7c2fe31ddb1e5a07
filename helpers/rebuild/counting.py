"""Runs the application's own SQL over a file of records, as a job that ends with the file."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.core.errors import WorkshopError
from helpers.core.paths import home
from helpers.core.waiting import waiting
from helpers.deployment.flink_sql import application_code, check_code
from helpers.flink import plans
from helpers.flink.groups import Groups
from helpers.flink.properties import Folders

INPUT = "0-1-1.json.gz"


@contextlib.contextmanager
def rebuild_folders() -> Iterator[Folders]:
    """Yield empty folders for one rebuild; they are deleted at the end."""
    root = Path(tempfile.mkdtemp(prefix="rebuild-", dir=_parent()))
    folders = Folders(root)
    folders.create()
    try:
        yield folders
    finally:
        shutil.rmtree(root, ignore_errors=True)


def count(groups: Groups, folders: Folders, records: int) -> None:
    """Count all records of the input folder; the rows are in the output folder then.

    Args:
        groups: the application's property groups.
        folders: with the input, `INPUT`.
        records: the number of its records, for the words.

    Raises:
        WorkshopError: Flink refuses the SQL, or the job failed.
    """
    with application_code() as code:
        plan = check_code(code, groups, ends=True)
        command = plans.run_command(plan, code, folders, None, ends=True)
        process = plans.start_python(command, plans.run_environment(folders))
        try:
            with waiting(f"Flink counts {records:,} records again"):
                output = process.communicate()[0]
        finally:  # also when the cell is interrupted
            _end(process)
    if process.returncode:
        lines = [line for line in output.splitlines() if line.strip()] or ["it gave no reason"]
        raise WorkshopError(f"Flink did not count the archive: {lines[-1]}", "Run this cell again.")


def _parent() -> Path:
    folder = home() / "flink"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _end(process: subprocess.Popen) -> None:
    # Its Java ends when the pipe to its parent closes.
    if process.poll() is None:
        process.kill()
        process.communicate()
