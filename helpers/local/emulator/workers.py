"""Functions: the process that works on an event can be found by its function's name.

The lock `function-<name>` is held during an invocation and says the worker's pid: whoever wants to
kill a function in the middle of a batch looks there. Of two invocations at once, one is noted.
"""

from typing import IO

from ministack.core.lambda_runtime import Worker

from helpers.core import process_lock as locks
from helpers.core.target_files import FUNCTION_LOCK

_invoke, _spawn = Worker.invoke, Worker._spawn
_notes: dict[Worker, IO] = {}


def apply() -> None:
    """Note each invocation."""
    Worker.invoke, Worker._spawn = invoke, spawn


def invoke(worker: Worker, *arguments: object, **named: object) -> dict:
    """Invoke a function as the emulator does, under a note of its process."""
    if worker._proc and worker._proc.poll() is None:
        _note(worker)
    try:
        return _invoke(worker, *arguments, **named)
    finally:
        _forget(worker)


def spawn(worker: Worker) -> None:
    """Start a worker's process, which happens at the start of an invocation."""
    _spawn(worker)
    _note(worker)


def _note(worker: Worker) -> None:
    _forget(worker)  # of a process that has died since
    lock = locks.take(locks.pid_file(FUNCTION_LOCK.format(worker.func_name)), pid=worker._proc.pid)
    if lock:
        _notes[worker] = lock


def _forget(worker: Worker) -> None:
    if worker in _notes:
        _notes.pop(worker).close()
