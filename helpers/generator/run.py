"""What a live run and a replay have in common: one at a time, a journal, a status, an end."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

from helpers.core import process_lock as locks
from helpers.core.errors import WorkshopError

from .connections import Connections
from .journal import Journal, Status
from .settings import folder

ANSWERS_SECONDS = 5.0  # how long the end of a run waits for the answers that are still out
REPORT_SECONDS = 0.4
BEHIND_SECONDS = 1.0  # a lag that is worth a word


def lock_path(role: str) -> Path:
    """Return the path of the lock that the running generator of a role holds.

    Args:
        role: `live` or `replay`.
    """
    return folder() / f"{role}.lock"


def status_path(role: str) -> Path:
    """Return the path of the status file of a role, `live` or `replay`."""
    return folder() / ("status.json" if role == "live" else f"{role}-status.json")


def journal_folder(target: str) -> Path:
    """Return the folder of a target's journals, one file a run.

    Args:
        target: account, region and prefix, so that no account's beacons mix with another's.
    """
    return folder() / "journals" / target


def take_lock(role: str) -> IO | None:
    """Become the one generator of a role; return the lock, None if another process has it."""
    return locks.take(lock_path(role))


class Run:
    """One run of the generator, from its first beacon to its last answer.

    Args:
        role: `live` or `replay`.
        target: as in `journal_folder`.
    """

    def __init__(self, role: str, target: str) -> None:
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{role}-{os.getpid()}.jsonl"
        self.journal = Journal(journal_folder(target) / name)
        self.status = Status(status_path(role), self.journal)
        self.ending = asyncio.Event()
        self.connections: Connections | None = None
        self.facts: dict[str, Any] = {}
        self.problems: list[Callable[[], str | None]] = []

    async def go(self, work: Callable[["Run"], Awaitable[str]]) -> None:
        """Do the work while the status is written; end on SIGTERM or when our parent is gone.

        Args:
            work: sends beacons until it is done or `ending` is set; returns the final state,
                `stopped` or `finished`.
        """
        self._watch_the_end()
        reporter = asyncio.create_task(self._report())
        state, problem = "failed", None
        try:
            state = await work(self)
        except Exception as error:
            problem = f"The generator failed: {error!r}"
            raise
        finally:
            reporter.cancel()
            if self.connections is not None:
                await self.connections.close(ANSWERS_SECONDS)
            self.journal.close()
            self.status.write(state, problem=problem or self._problem(), **self.facts)

    def _watch_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ending.set)
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            # Our parent holds the other end and never writes. However it ends, the pipe closes.
            loop.add_reader(0, self._parent_is_gone)

    def _parent_is_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(0)
        self.facts["ended_by"] = "the notebook's kernel is gone"
        self.ending.set()

    async def _report(self) -> None:
        unwritten: str | None = None
        while True:
            lag = 0.0
            if self.connections is not None:
                self.connections.sweep()
                lag = self.connections.take_lag()
            problem = unwritten or self._problem()
            if problem is None and lag > BEHIND_SECONDS:
                problem = f"It can't keep up: beacons leave {lag:.1f} s after their time."
            try:
                self.journal.flush()
                self.status.write("running", lag=lag, problem=problem, **self.facts)
                unwritten = None
            except (OSError, WorkshopError) as error:
                unwritten = f"The generator could not write for a while: {error}"
            await asyncio.sleep(REPORT_SECONDS)

    def _problem(self) -> str | None:
        own = self.connections.problem if self.connections is not None else None
        return own or next(filter(None, (ask() for ask in self.problems)), None)
