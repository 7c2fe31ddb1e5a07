"""Describes the machine of the measurement."""

import hashlib
import os
import platform
import uuid
from pathlib import Path

import psutil


def measure() -> dict:
    """Return `machine`: id, cpu, cores, memory_gb, system, python, load (of the minute before)."""
    return {
        "machine": {
            "id": identity(),
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 2),
        }
    }


def identity() -> str:
    """Return a unique ID of this machine that does not reveal its name."""
    names = f"{platform.node()} {uuid.getnode()}"
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
