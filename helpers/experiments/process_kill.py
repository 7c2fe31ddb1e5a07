"""Kill a part of the pipeline by its name, and see how long it takes until it stands again.

SIGKILL: the process is gone in the middle of whatever it was doing, and cleans nothing up. Each
process of the local target holds a lock that says its pid, so nothing else is ever hit.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.core import process_lock as locks
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

from .fault_injection import has_emulator

BATCH_SECONDS = 15  # for how long a function's next batch is waited for


@dataclass(frozen=True)
class Victim:
    """A kind of process.

    Args:
        title: what it is called in a sentence.
        locks: the locks that such processes hold, a pattern below `.workshop`.
        remedy: what to run if there is none.
    """

    title: str
    locks: str
    remedy: str


VICTIMS = {
    "server": Victim(
        "A beacon server", "pids/" + SERVER_LOCK.format("{fleet}-*"), 'deploy(cloud, "1-frontend")'
    ),
    "agent": Victim(
        "An agent", "pids/" + AGENT_LOCK.format("{fleet}-*"), 'deploy(cloud, "1-frontend")'
    ),
    "flink": Victim("Flink", "pids/" + JOB_LOCK.format("{analytics}"), "start_analytics(cloud)"),
    "pump": Victim(
        "The pump between Kinesis and Flink (Flink ends with it)",
        "pids/" + FLINK_CONTROLLER_LOCK,
        'connect("local")',
    ),
    "function": Victim(
        "A function in the middle of a batch",
        "pids/" + FUNCTION_LOCK.format("{prefix}-*-metrics"),
        "start_analytics(cloud), then Traffic(cloud).start(rate=50)",
    ),
    "supervisor": Victim("The supervisor", "local.lock", 'connect("local")'),
}


@waiting("Looking for its process")
def kill(cloud: Cloud, name: str) -> int:
    """Kill a process of the pipeline with SIGKILL, and say which.

    Args:
        cloud: whose pipeline.
        name: `"server"` (one beacon server), `"agent"` (of one server), `"flink"` (the job, JVM and
            all), `"pump"` (what moves records between Kinesis and the job), `"function"` (a Lambda
            function in the middle of a batch) or `"supervisor"` (what starts all the others).

    Returns:
        The pid, for `recovered`.

    Raises:
        WorkshopError: there is no such name, or no such process here.

    Example:
        `kill(cloud, "flink")`
    """
    victim = _victim(cloud, name)

    def killed() -> int | None:
        pids = [pid for path in _locks(cloud, victim) if (pid := locks.holder(path))]
        chosen = random.choice(pids) if pids else None
        return chosen if chosen and _killed(chosen, whole_group=name == "flink") else None

    # A function runs for some milliseconds at a time.
    pid = wait_until(killed, BATCH_SECONDS if name == "function" else 0.1, delay=0.002)
    if pid is None:
        raise WorkshopError(
            f"{victim.title} can't be killed: none is running now.",
            f"Run {victim.remedy}, then try again.",
        )
    print(f"{victim.title} was killed (process {pid}).")
    return pid


def recovered(cloud: Cloud, name: str, pid: int, seconds: float = 60) -> float:
    """Wait until another process stands in the place of a killed one.

    Flink, and the pump where Flink is to run, stand when the job has its first checkpoint; a
    function when it works on its next batch; the others when their process has started.

    Args:
        cloud: whose pipeline.
        name: as it was given to `kill`.
        pid: what `kill` returned.
        seconds: how long to wait.

    Returns:
        How many seconds it took from now.

    Raises:
        WorkshopError: nothing stands there after so many seconds.

    Example:
        `recovered(cloud, "flink", kill(cloud, "flink"))` -> `18.2`
    """
    victim = _victim(cloud, name)
    begun = time.monotonic()

    def is_back() -> bool:
        is_replaced = _is_replaced(cloud, victim, pid)
        return is_replaced and (name not in ("flink", "pump") or _has_checkpoint(cloud))

    if wait_until(is_back, seconds, delay=0.05):
        return time.monotonic() - begun
    raise WorkshopError(
        f"{victim.title} has not come back within {seconds:.0f} s.",
        f"See the logs in {home() / 'logs'}.",
    )


def _victim(cloud: Cloud, name: str) -> Victim:
    if name not in VICTIMS:
        raise WorkshopError(
            f"Nothing here is called {name!r}.", f"Name one of: {', '.join(VICTIMS)}."
        )
    if not has_emulator(cloud):
        raise WorkshopError(
            "Processes can be killed only where they run on this machine.",
            'Use connect("local"); in an AWS account, see AWS Fault Injection Service.',
        )
    return VICTIMS[name]


def _locks(cloud: Cloud, victim: Victim) -> list[Path]:
    names = {"fleet": cloud.name("fleet"), "analytics": cloud.name("analytics")}
    return list(home().glob(victim.locks.format(prefix=cloud.prefix, **names)))


def _killed(pid: int, whole_group: bool) -> bool:
    try:
        (os.killpg if whole_group else os.kill)(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_replaced(cloud: Cloud, victim: Victim, pid: int) -> bool:
    # A lock's text stays until the next holder writes its own.
    paths = _locks(cloud, victim)
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return str(pid) not in texts and any(locks.holder(path) for path in paths)


def _has_checkpoint(cloud: Cloud) -> bool:
    name = cloud.name("analytics")
    if application_status(cloud) != "RUNNING":
        return True
    job = job_status(name)
    pid = locks.holder(locks.pid_file(JOB_LOCK.format(name)))
    return pid is not None and job.get("pid") == pid and job.get("state") == JobState.RUNNING
