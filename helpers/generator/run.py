"""The common part of a live run and a replay: the lock, the journal, the status, the end."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

from helpers.core import process_lock
from helpers.core.errors import WorkshopError

from .beacon import Beacon
from .connections import Connections
from .journal import Journal, Status, entry
from .settings import folder

ANSWERS_SECONDS = 5.0  # how long the end of a run waits for missing responses
REPORT_SECONDS = 0.4
BEHIND_SECONDS = 1.0  # a longer lag is reported


def lock_path(role: str) -> Path:
    """Return the path of the lock file of a role's running generator.

    Args:
        role: `live` or `replay`.
    """
    return folder() / f"{role}.lock"


def status_path(role: str) -> Path:
    """Return the path of the status file of a role, `live` or `replay`."""
    return folder() / ("status.json" if role == "live" else f"{role}-status.json")


def journal_folder(target: str) -> Path:
    """Return the folder of a target's journals, one file for each run.

    Args:
        target: account, region and prefix, so that beacons of two accounts are kept apart.
    """
    return folder() / "journals" / target


def take_lock(role: str) -> IO | None:
    """Take the lock of a role's only generator; return it, None if another process has it."""
    return process_lock.take(lock_path(role))


class Run:
    """One run of the generator, from its first beacon to its last response.

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

    def record(self, beacon: Beacon, sent_at: float, status: int | None) -> None:
        """Add a beacon's outcome to the journal (see `journal.entry`)."""
        self.journal.add(entry(beacon, sent_at, status))

    async def go(self, work: Callable[["Run"], Awaitable[str]]) -> None:
        """Do the work and write the status; end on SIGTERM or when the parent process ends.

        Args:
            work: sends beacons until it is complete or `ending` is set; returns the final state,
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
            # The parent has the other end and never writes. However it ends, the pipe closes.
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
                problem = f"The generator can't keep up: beacons are sent {lag:.1f} s late."
            try:
                self.journal.flush()
                self.status.write("running", lag=lag, problem=problem, **self.facts)
                unwritten = None
            except (OSError, WorkshopError) as error:
                unwritten = f"The generator can't write its journal or its status: {error}"
            await asyncio.sleep(REPORT_SECONDS)

    def _problem(self) -> str | None:
        own = self.connections.problem if self.connections is not None else None
        return own or next(filter(None, (problem() for problem in self.problems)), None)
