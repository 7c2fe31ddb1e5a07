"""The CPU seconds and the memory of our processes, by role."""

import contextlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil

# The role of a process of the local target, by a part of its command line; the first match counts.
ROLES = {
    "helpers.local.beacon_server": "beacon servers",
    "agent.py": "agents",
    "helpers.generator": "generator",
    "helpers.local.emulator": "emulator",
    "helpers.local.fleet": "controllers",
    "helpers.local.alarms": "controllers",
    "helpers.local.flink": "pumps",
    "helpers.flink.": "Flink",
    "java": "Flink",
    "jupyter": "JupyterLab",
    "ipykernel": "JupyterLab",
    "helpers.local": "controllers",
}


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """Return these processes and their children, recursively."""
    processes: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            processes |= {each.pid: each for each in [parent, *parent.children(recursive=True)]}
    return list(processes.values())


def of_home(home: str) -> list[psutil.Process]:
    """Return all processes whose WORKSHOP_HOME is this folder, except this one."""
    processes = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("WORKSHOP_HOME") == home:
                processes.append(process)
    return processes


def role(process: psutil.Process) -> str:
    """Return the role of a process of the local target; only functions match no name."""
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return "gone"
    return next((name for word, name in ROLES.items() if word in command), "functions")


def cpu_seconds(processes: Iterable[psutil.Process]) -> Counter[str]:
    """Return the CPU seconds that processes have used, by role."""
    used: Counter[str] = Counter()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used[role(process)] += times.user + times.system
    return used


def memory_mb(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Return the resident memory in MB, by role; shared memory is counted once (PSS)."""
    used: defaultdict[str, float] = defaultdict(float)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            used[role(process)] += resident_bytes(process) / 1e6
    return used


def resident_bytes(process: psutil.Process) -> int:
    """Return a process's memory, including its part of shared memory (PSS); 0 if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        full = process.memory_full_info()
        return getattr(full, "pss", 0) or full.rss
    return 0


@contextmanager
def on_core(number: int | None) -> Iterator[None]:
    """Start processes on one core only, where the system supports it (Linux).

    Args:
        number: the core; None for all of them.
    """
    if number is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    cores = sorted(before)
    os.sched_setaffinity(0, {cores[number % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
