"""Plans of jobs: each made once for the same code and properties, and kept in the environment."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from helpers.core.code_zip import zip_folder
from helpers.core.paths import write_json

from . import class_data, java
from .groups import Groups
from .properties import Folders, cluster_options, local_groups

EXIT_SQL = 3  # main.py's exit code when Flink refuses a statement
KEPT = 30  # the newest; a learner's experiments leave one each, of 1.6 MB


def plan_file(code: Path, groups: Groups, ends: bool = False) -> Path:
    """Return the file of a job's plan, whether it is there or not.

    Args:
        code: the folder with the application's main.py.
        groups: the application's property groups.
        ends: the job's input has an end (`local_groups`).

    Raises:
        WorkshopError: there is no code in the folder.
    """
    digest = hashlib.sha256(zip_folder(code) + Path(__file__).with_name("plan.py").read_bytes())
    digest.update(json.dumps(local_groups(groups, ends), sort_keys=True).encode())
    digest.update(java.PLANNING_OPTIONS.encode())
    return class_data.folder() / "plans" / digest.hexdigest()[:24]


def command(plan: Path, code: Path) -> list[str]:
    """Return the arguments of the Python process that makes a plan."""
    return ["-m", "helpers.flink.plan", str(plan), str(code / "main.py")]


def run_command(
    plan: Path, code: Path, folders: Folders, restore_from: Path | None, ends: bool = False
) -> list[str]:
    """Return the arguments of the Python process that runs a plan; write the settings it reads.

    Args:
        plan: the file.
        code: the folder with the application's code.
        folders: where the job reads and writes.
        restore_from: the folder of the checkpoint to restore, or None to start without state.
        ends: the job's input has an end: it makes no checkpoints.
    """
    settings = folders.root / "settings.json"
    restore = f"file://{restore_from}" if restore_from else None
    write_json(
        settings, {"cluster": cluster_options(folders), "restore": restore, "checkpoints": not ends}
    )
    return ["-m", "helpers.flink.run", *map(str, (plan, code, settings))]


def environment(groups: Groups, temporary: Path, plan: Path, ends: bool = False) -> dict[str, str]:
    """Return that process's environment variables; write the file of properties that it reads.

    Args:
        groups: the application's property groups.
        temporary: a folder for what the process needs only while it runs.
        plan: the file that it will write; older plans than the newest 30 are deleted.
        ends: the job's input has an end (`local_groups`).
    """
    plan.parent.mkdir(parents=True, exist_ok=True)
    _delete_old(plan.parent)
    properties = temporary / "application_properties.json"
    write_json(properties, local_groups(groups, ends))
    options = java.PLANNING_OPTIONS + class_data.option("planning")
    file = {"APPLICATION_PROPERTIES_FILE": str(properties)}
    return java.environment(options, temporary) | file


def run_environment(folders: Folders) -> dict[str, str]:
    """Return the environment variables of the process that runs a plan.

    Args:
        folders: where the job reads and writes.
    """
    options = java.RUNNING_OPTIONS + class_data.option("running")
    return java.environment(options, folders.temporary)


def start_python(arguments: list[str], variables: dict[str, str]) -> subprocess.Popen:
    """Start a Python process; what it and its Java write is its `stdout`.

    Args:
        arguments: its command line.
        variables: its environment variables.
    """
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def is_kept(plan: Path) -> bool:
    """Return whether a plan is there, and note that it is used."""
    try:
        os.utime(plan)
    except FileNotFoundError:
        return False
    return True


def _delete_old(folder: Path) -> None:
    dated = []
    for file in folder.glob("[!.]*"):
        with contextlib.suppress(FileNotFoundError):  # another process deletes old ones, too
            dated.append((file.stat().st_mtime_ns, file))
    for _, file in sorted(dated, reverse=True)[KEPT:]:
        file.unlink(missing_ok=True)
