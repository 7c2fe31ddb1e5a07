"""Functions: an invocation's process can be found by the function's name, and its price is counted.

The lock `function-<name>` is held during an invocation and contains the worker's pid: tests and
notebooks that kill a function during a batch read it. Of two invocations at once, one is recorded.
"""

import time
from typing import IO

from ministack.core.lambda_runtime import Worker

from helpers.core import process_lock
from helpers.core.billed_units import MILLION
from helpers.core.target_files import FUNCTION_LOCK

from .meter import METER

_invoke, _spawn = Worker.invoke, Worker._spawn
_locks: dict[Worker, IO] = {}


def apply() -> None:
    """Record each invocation."""
    Worker.invoke, Worker._spawn = invoke, spawn


def invoke(worker: Worker, *arguments: object, **named: object) -> dict:
    """Invoke a function as the emulator does, while a lock names its process."""
    if worker._proc and worker._proc.poll() is None:
        _record(worker)
    began = time.monotonic()
    try:
        return _invoke(worker, *arguments, **named)
    finally:
        _release(worker)
        gigabytes = int(worker.config.get("MemorySize", 128)) / 1024
        used = gigabytes * (time.monotonic() - began)
        units = {"million calls of functions": 1 / MILLION, "million GB-seconds": used / MILLION}
        METER.add(worker.func_name, "lambda", "Invoke", units)


def spawn(worker: Worker) -> None:
    """Start a worker's process, at the start of an invocation."""
    _spawn(worker)
    _record(worker)


def _record(worker: Worker) -> None:
    _release(worker)  # of a former process
    path = process_lock.pid_file(FUNCTION_LOCK.format(worker.func_name))
    lock = process_lock.take(path, pid=worker._proc.pid)
    if lock:
        _locks[worker] = lock


def _release(worker: Worker) -> None:
    if worker in _locks:
        _locks.pop(worker).close()
