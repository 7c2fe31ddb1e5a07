"""Functions: the process of an invocation can be found by its function's name.

The lock `function-<name>` is held during an invocation and contains the worker's pid: tests and
notebooks that kill a function during a batch read it. Of two invocations at once, one is recorded.
"""

from typing import IO

from ministack.core.lambda_runtime import Worker

from helpers.core import process_lock
from helpers.core.target_files import FUNCTION_LOCK

_invoke, _spawn = Worker.invoke, Worker._spawn
_locks: dict[Worker, IO] = {}


def apply() -> None:
    """Record each invocation."""
    Worker.invoke, Worker._spawn = invoke, spawn


def invoke(worker: Worker, *arguments: object, **named: object) -> dict:
    """Invoke a function as the emulator does, while a lock names its process."""
    if worker._proc and worker._proc.poll() is None:
        _record(worker)
    try:
        return _invoke(worker, *arguments, **named)
    finally:
        _release(worker)


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
