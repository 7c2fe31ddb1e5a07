"""Paths and formats of the local target's files that more than one room reads.

helpers/local writes them; fault injection and the kills, which run in the notebook, use them too.
"""

from enum import StrEnum
from pathlib import Path
from typing import Any

from .paths import home, read_json

# Names of the locks that processes hold while they live (locks.pid_file). `{}` is the name of a
# server (`<group>-<number>`), an application or a function (only during an invocation).
SERVER_LOCK, AGENT_LOCK, JOB_LOCK, FUNCTION_LOCK = "server-{}", "agent-{}", "job-{}", "function-{}"
EMULATOR_LOCK, FLINK_CONTROLLER_LOCK = "emulator", "flink"


class JobState(StrEnum):
    """A Flink job's state: the field `state` of its status file."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    FAILED = "failed"


def supervisor_lock() -> Path:
    """Return the lock whose holder is the local target's supervisor."""
    return home() / "local.lock"


def description_file() -> Path:
    """Return the JSON file of the running target's pid, endpoint, beacon_url and ports."""
    return home() / "local.json"


def faults_file() -> Path:
    """Return the JSON file of the faults to inject, a list.

    Each has `service`, `operations`, `delay`, `until` (epoch s) and the shares of
    `helpers.experiments.fault_injection`.
    """
    return home() / "faults.json"


def job_status_file(application: str) -> Path:
    """Return the JSON file of a Flink job: state, reason, version, restarts, records_in, pid, ...

    Args:
        application: the application's name.
    """
    return home() / "flink" / application / "status.json"


def job_status(application: str) -> dict[str, Any]:
    """Return the content of a Flink job's status file; {} if there is none.

    Args:
        application: the application's name.
    """
    return read_json(job_status_file(application), default={})
