"""Waiting with a word: a line that moves while a cell has nothing to show yet."""

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

STEP_SECONDS = 1.0  # nothing is said of what is over sooner
LOG_SECONDS = 5  # before and between lines where none can be overwritten: a file, a CI's log
BAR_CELLS = 20
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 10  # between two readings of `poll_until`
_Value = TypeVar("_Value")

_T = TypeVar("_T")
_being_shown = contextvars.ContextVar("_being_shown", default=False)


@contextmanager
def waiting(what: str, seconds: float | None = None) -> Iterator[None]:
    """Show what is waited for, and for how long already, until the block ends.

    The line moves by itself each second, also while a call in the block takes long. A wait within
    another adds no second line, and neither does one in a thread, which has no cell to show it in.

    Args:
        what: a sentence without its full stop.
        seconds: how long it takes, where that is known: then there is a bar.

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
    # In this cell's context: Jupyter puts what it shows under the cell that waits.
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
    """Let traffic and charts run for a while before the next cell.

    Args:
        seconds: how long.

    Example:
        `wait(20)`
    """
    with waiting("Letting it run", seconds):
        time.sleep(seconds)


def in_notebook() -> bool:
    """Say whether a Jupyter kernel shows what is displayed (a terminal shows only text)."""
    return hasattr(get_ipython(), "kernel")


def wait_until(
    look: Callable[[], _T],
    seconds: float,
    is_over: Callable[[_T], object] = bool,
    delay: float | None = None,
) -> _T:
    """Call a function until what it returns ends the wait; return what it returned last.

    Args:
        look: what is called, once at least.
        seconds: after how long the wait ends even so.
        is_over: is given what `look` returned; true ends the wait.
        delay: seconds between two calls; None for those of `backoff_delays`.

    Example:
        `wait_until(Path("status.json").exists, seconds=20, delay=0.05)`
    """
    deadline = time.monotonic() + seconds
    for pause in backoff_delays() if delay is None else repeat(delay):
        found = look()
        if is_over(found) or time.monotonic() > deadline:
            break
        time.sleep(pause)
    return found


def backoff_delays() -> Iterator[float]:
    """Yield the seconds between two calls of AWS: few at first, then 2, for AWS limits the rate."""
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 1.3, 2.0)


def poll_until(
    read: Callable[[], _Value], done: Callable[[_Value], bool], what: str, seconds: float = 60
) -> _Value:
    """Read a value again and again until it is as wanted, or the time is over.

    The pause between two readings is three times as long as a reading takes, but one second at
    least and ten at most: a long reading takes its time from what is waited for.

    Args:
        read: returns the current value.
        done: returns whether a value is as wanted.
        what: what is waited for, e.g. `"the last beacons are counted"`.
        seconds: after which only one more reading is begun, however long readings take: the value
            returned is never older than the wait.

    Returns:
        The last value read, as wanted or not.

    Example:
        `poll_until(lambda: ledger(cloud), lambda account: account.balances, "it balances")`
    """
    deadline = time.monotonic() + seconds
    with waiting(f"Waiting until {what}"):
        while True:
            began = time.monotonic()
            value = read()
            if began >= deadline or done(value):
                return value
            took = time.monotonic() - began
            time.sleep(min(max(PAUSE_SECONDS, 3 * took), LONGEST_PAUSE_SECONDS))


def bucket_edge(seconds: int = BUCKET_SECONDS) -> datetime:
    """Wait for the next edge of a bucket and return it: a clean place to begin counting.

    Args:
        seconds: how long a bucket is, and so the longest wait.

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
    """One line that is replaced, in a notebook or a terminal; in a file, a line now and then."""

    def __init__(self) -> None:
        self._handle, self._on_terminal = None, sys.stdout.isatty()
        self._said_at, self._overwritten = time.monotonic(), False

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
        elif time.monotonic() - self._said_at >= LOG_SECONDS:
            print(text, flush=True)
            self._said_at = time.monotonic()


class _Text:
    """Plain text without quotes around it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
