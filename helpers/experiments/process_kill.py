"""Kills a process of the pipeline by its name, and measures how long its replacement takes.

SIGKILL ends a process in the middle of its work, without any clean-up. Each process of the local
target holds a lock file that contains its pid, so no other process is ever killed.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.core import process_lock
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import home
from helpers.core.target_files import (
    AGENT_LOCK,
    FLINK_CONTROLLER_LOCK,
    FUNCTION_LOCK,
    JOB_LOCK,
    SERVER_LOCK,
    JobState,
    job_status,
)
from helpers.core.waiting import wait_until, waiting
from helpers.deployment.flink_application import application_status

from .fault_injection import require_emulator

BATCH_SECONDS = 15  # how long to wait for a function's next batch


@dataclass(frozen=True)
class ProcessKind:
    """A kind of process.

    Args:
        title: its name in a sentence.
        locks: the lock files of such processes, a pattern below `.workshop`.
        remedy: the code to run if there is no such process.
    """

    title: str
    locks: str
    remedy: str


PROCESS_KINDS = {
    "server": ProcessKind(
        "A beacon server", "pids/" + SERVER_LOCK.format("{fleet}-*"), 'deploy(cloud, "1-frontend")'
    ),
    "agent": ProcessKind(
        "An agent", "pids/" + AGENT_LOCK.format("{fleet}-*"), 'deploy(cloud, "1-frontend")'
    ),
    "flink": ProcessKind(
        "Flink", "pids/" + JOB_LOCK.format("{analytics}"), "start_analytics(cloud)"
    ),
    "pump": ProcessKind(
        "The pump between Kinesis and Flink (Flink ends with it)",
        "pids/" + FLINK_CONTROLLER_LOCK,
        'connect("local")',
    ),
    "function": ProcessKind(
        "A function in the middle of a batch",
        "pids/" + FUNCTION_LOCK.format("{prefix}-*-metrics"),
        "start_analytics(cloud), then Traffic(cloud).start(rate=50)",
    ),
    "supervisor": ProcessKind("The supervisor", "local.lock", 'connect("local")'),
}


@waiting("Looking for its process")
def kill(cloud: Cloud, name: str) -> int:
    """Kill a process of the pipeline with SIGKILL, and print its pid.

    Args:
        cloud: the workshop's local target.
        name: `"server"` (one beacon server), `"agent"` (of one server), `"flink"` (the job, JVM and
            all), `"pump"` (moves records between Kinesis and the job), `"function"` (a Lambda
            function in the middle of a batch) or `"supervisor"` (starts all the others).

    Returns:
        The pid, for `recovered`.

    Raises:
        WorkshopError: the name is unknown, or there is no such process on this machine.

    Example:
        `kill(cloud, "flink")`
    """
    kind = _kind(cloud, name)

    def killed() -> int | None:
        pids = [pid for path in _locks(cloud, kind) if (pid := process_lock.holder(path))]
        chosen = random.choice(pids) if pids else None
        return chosen if chosen and _killed(chosen, whole_group=name == "flink") else None

    # A function runs for only a few milliseconds at a time.
    pid = wait_until(killed, BATCH_SECONDS if name == "function" else 0.1, delay=0.002)
    if pid is None:
        raise WorkshopError(
            f"{kind.title} can't be killed: none is running now.",
            f"Run {kind.remedy}, then try again.",
        )
    print(f"{kind.title} was killed (process {pid}).")
    return pid


def recovered(cloud: Cloud, name: str, pid: int, seconds: float = 60) -> float:
    """Wait until another process has replaced a killed one.

    Flink, and the pump if Flink is to run, are replaced when the job has its first checkpoint; a
    function when it processes its next batch; the others when their process has started.

    Args:
        cloud: the workshop's local target.
        name: the name that was given to `kill`.
        pid: the pid that `kill` returned.
        seconds: how long to wait at most.

    Returns:
        How many seconds it took from now.

    Raises:
        WorkshopError: the process was not replaced within this time.

    Example:
        `recovered(cloud, "flink", kill(cloud, "flink"))` -> `18.2`
    """
    kind = _kind(cloud, name)
    begun = time.monotonic()

    def is_back() -> bool:
        is_replaced = _is_replaced(cloud, kind, pid)
        return is_replaced and (name not in ("flink", "pump") or _has_checkpoint(cloud))

    if wait_until(is_back, seconds, delay=0.05):
        return time.monotonic() - begun
    raise WorkshopError(
        f"{kind.title} was not replaced within {seconds:.0f} s.",
        f"Read the logs in {home() / 'logs'}.",
    )


def _kind(cloud: Cloud, name: str) -> ProcessKind:
    if name not in PROCESS_KINDS:
        raise WorkshopError(
            f"The pipeline has no process {name!r}.", f"Use one of: {', '.join(PROCESS_KINDS)}."
        )
    require_emulator(cloud, "Processes can be killed only if they run on this machine.")
    return PROCESS_KINDS[name]


def _locks(cloud: Cloud, kind: ProcessKind) -> list[Path]:
    names = {"fleet": cloud.name("fleet"), "analytics": cloud.name("analytics")}
    return list(home().glob(kind.locks.format(prefix=cloud.prefix, **names)))


def _killed(pid: int, whole_group: bool) -> bool:
    try:
        (os.killpg if whole_group else os.kill)(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_replaced(cloud: Cloud, kind: ProcessKind, pid: int) -> bool:
    # A lock's text stays until the next holder writes its own.
    paths = _locks(cloud, kind)
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return str(pid) not in texts and any(process_lock.holder(path) for path in paths)


def _has_checkpoint(cloud: Cloud) -> bool:
    name = cloud.name("analytics")
    if application_status(cloud) != "RUNNING":
        return True
    job = job_status(name)
    pid = process_lock.holder(process_lock.pid_file(JOB_LOCK.format(name)))
    return pid is not None and job.get("pid") == pid and job.get("state") == JobState.RUNNING
