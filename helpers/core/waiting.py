"""Waits, and shows meanwhile what a cell is waiting for."""

import contextvars
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat
from typing import TypeVar

from IPython import get_ipython
from IPython.display import display

from .beacon_definition import BUCKET_SECONDS

STEP_SECONDS = 1.0  # between updates of the line; a shorter wait shows none
LOG_SECONDS = 5  # between lines in a file or a CI log, where none can be overwritten
BAR_CELLS = 20
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 30  # between two reads of `poll_until`
LONGEST_PROGRESS_SECONDS = 900
_T = TypeVar("_T")
_being_shown = contextvars.ContextVar("_being_shown", default=False)


@contextmanager
def waiting(what: str, seconds: float | None = None) -> Iterator[None]:
    """Show a line with the reason for a wait and its length so far, until the block ends.

    A thread updates the line each second, even during a long call. A wait within another one, or in
    a thread, which has no cell, shows no line.

    Args:
        what: a sentence without its full stop.
        seconds: the length of the wait, if known: then the line has a progress bar.

    Example:
        with waiting("Waiting until the last beacons are counted"):
            while not done():
                time.sleep(1)
    """
    if _being_shown.get() or threading.current_thread() is not threading.main_thread():
        yield
        return
    began, line, ended = time.monotonic(), _Line(), threading.Event()

    def tick() -> None:
        while not ended.wait(STEP_SECONDS):
            line.show(_words(what, time.monotonic() - began, seconds))

    shown = _being_shown.set(True)
    # In this cell's context: Jupyter displays the line under the cell that waits.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(tick,), name="waiting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _being_shown.reset(shown)
        line.clear()


def wait(seconds: float) -> None:
    """Let traffic and charts run for some seconds before the next cell.

    Args:
        seconds: the length of the wait.

    Example:
        `wait(20)`
    """
    with waiting("Letting it run", seconds):
        time.sleep(seconds)


def in_notebook() -> bool:
    """Return whether this is a Jupyter kernel (a terminal displays only text)."""
    return hasattr(get_ipython(), "kernel")


def wait_until(
    look: Callable[[], _T],
    seconds: float,
    is_over: Callable[[_T], object] = bool,
    delay: float | None = None,
) -> _T:
    """Call a function until its result ends the wait; return the last result.

    Args:
        look: the function, which is called at least once.
        seconds: the longest wait.
        is_over: is called with the result of `look`; true ends the wait.
        delay: seconds between two calls; None for those of `backoff_delays`.

    Example:
        `wait_until(Path("status.json").exists, seconds=20, delay=0.05)`
    """
    deadline = time.monotonic() + seconds
    for pause in backoff_delays() if delay is None else repeat(delay):
        result = look()
        if is_over(result) or time.monotonic() > deadline:
            break
        time.sleep(pause)
    return result


def backoff_delays() -> Iterator[float]:
    """Yield the seconds between two calls to AWS: from 0.1 up to 2, as AWS limits the rate."""
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 1.3, 2.0)


def poll_until(
    read: Callable[[], _T],
    done: Callable[[_T], bool],
    what: str,
    seconds: float = 60,
    progress: Callable[[_T], object] | None = None,
    longest: float = LONGEST_PROGRESS_SECONDS,
) -> _T:
    """Read a value repeatedly until it meets a condition, or the time is over.

    The pause is three times as long as a read, at least one second and at most thirty: on a busy
    machine, reads delay the work that is waited for.

    Args:
        read: returns the current value.
        done: returns whether a value meets the condition.
        what: the condition, for the line shown, e.g. `"the last beacons are counted"`.
        seconds: the time after which only one more read begins; so the value returned is never
            older than the wait.
        progress: returns a part of the value. Each time that it has changed, the wait is `seconds`
            longer: a slow machine needs more time. None for a fixed wait.
        longest: the longest wait while there is progress, seconds.

    Returns:
        The last value read, whether or not it meets the condition.

    Example:
        `poll_until(lambda: newest_records(cloud), len, "a record arrives")`
    """
    start = time.monotonic()
    deadline, last = start + seconds, start + max(seconds, longest)
    before = None
    with waiting(f"Waiting until {what}"):
        while True:
            began = time.monotonic()
            value = read()
            if done(value):
                return value
            reached = progress(value) if progress else before
            if reached != before and began < last:
                before, deadline = reached, time.monotonic() + seconds
            elif began >= deadline:
                if in_notebook():  # else a learner would take the value for the awaited one
                    print(f"Not yet after {began - start:.0f} s: {what}.")
                return value
            took = time.monotonic() - began
            time.sleep(min(max(PAUSE_SECONDS, 3 * took), LONGEST_PAUSE_SECONDS))


def bucket_edge(seconds: int = BUCKET_SECONDS) -> datetime:
    """Wait until the next bucket begins, and return its start, from which to count.

    Args:
        seconds: the length of a bucket, and the longest wait.

    Example:
        `start = bucket_edge()`
    """
    edge = (int(time.time()) // seconds + 1) * seconds
    with waiting("Waiting for the next bucket to begin"):
        time.sleep(max(0.0, edge - time.time()))
    return datetime.fromtimestamp(edge, UTC)


def _words(what: str, passed: float, seconds: float | None) -> str:
    if not seconds:
        return f"{what} ... {passed:.0f} s"
    full = min(BAR_CELLS, int(BAR_CELLS * passed / seconds))
    return f"{what} {'█' * full}{'░' * (BAR_CELLS - full)} {passed:.0f} of {seconds:.0f} s"


class _Line:
    """A line that is replaced in a notebook or a terminal, and printed again in a file."""

    def __init__(self) -> None:
        self._handle, self._on_terminal = None, sys.stdout.isatty()
        self._printed_at, self._overwritten = time.monotonic(), False

    def show(self, text: str) -> None:
        if not in_notebook():
            self._print(text)
        elif self._handle is None:
            self._handle = display(_Text(text), display_id=True)
        else:
            self._handle.update(_Text(text))

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.update(_Text(""))
        elif self._overwritten:
            print(" " * 78, end="\r", flush=True)

    def _print(self, text: str) -> None:
        if self._on_terminal:
            print(f"{text:<78}", end="\r", flush=True)
            self._overwritten = True
        elif time.monotonic() - self._printed_at >= LOG_SECONDS:
            print(text, flush=True)
            self._printed_at = time.monotonic()


class _Text:
    """Plain text without quotes around it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
