"""The replay run: every request of real access logs becomes one beacon, open loop."""

import asyncio
from collections.abc import Sequence

from .connections import Connections
from .logs.files import Log
from .run import Run

TICK_SECONDS = 0.005
# A slow server loses no line; a server that is unreachable for this long ends the run.
DOWN_SECONDS = 30.0
MOST_WAITING = 5_000  # beacons kept in memory when the servers can't keep up


class Replay:
    """A replay of one or more logs, one after the other.

    Args:
        logs: in the order of their times.
        url: where beacons are sent, without `/beacon`.
        rate: beacons per second, or None.
        speed: how many times as fast as the logs' own timing, or None.
    """

    def __init__(
        self, logs: Sequence[Log], url: str, rate: float | None, speed: float | None
    ) -> None:
        self._logs, self._url, self._rate, self._speed = logs, url, rate, speed
        self._first: float | None = None
        self._latest = 0.0
        self._number = self._done = self._requests = self._skipped = 0  # of the logs before
        self._current: Log | None = None

    async def work(self, run: Run) -> str:
        """Send a beacon for each request; return `finished`, or `stopped` if it ended early."""
        run.problems.append(self._problem)
        run.facts["rate"] = self._rate
        connections = run.connections = Connections(self._url, run.record, patience=None)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        run.facts["format"] = " and ".join(dict.fromkeys(log.name for log in self._logs))
        for log in self._logs:
            self._current = log
            for read in log.beacons():
                # A replay that is behind its schedule must still handle responses and SIGTERM.
                await asyncio.sleep(0)
                self._report(run)
                if read is None:
                    if self._must_end(run):
                        return self._end(run)
                    continue
                beacon, logged = read
                beacon.due = begun + self._offset(logged)
                while beacon.due > loop.time() or connections.waiting >= MOST_WAITING:
                    await asyncio.sleep(TICK_SECONDS)
                    if self._must_end(run):
                        break
                if self._must_end(run):
                    return self._end(run)
                connections.send(beacon)
            self._requests, self._skipped = (
                self._requests + log.requests,
                self._skipped + log.skipped,
            )
            self._done, self._current = self._done + 1, None
        while connections.unfinished and not self._must_end(run):
            await asyncio.sleep(TICK_SECONDS)
        return self._end(run)

    def _offset(self, logged: float | None) -> float:
        """Return when the next beacon is due, in seconds after the beginning."""
        self._number += 1
        if self._rate is not None:
            return self._number / self._rate
        assert self._speed is not None, "a replay has a rate or a speed"
        if logged is not None:
            self._first = logged if self._first is None else self._first
            # A log is written when a request ends, so its times may go back.
            self._latest = max(self._latest, (logged - self._first) / self._speed)
        return self._latest

    def _must_end(self, run: Run) -> bool:
        down = run.connections.down_since
        gone = down is not None and run.connections.loop.time() - down > DOWN_SECONDS
        return gone or run.ending.is_set()

    def _problem(self) -> str | None:
        problems = (log.file.problem for log in self._logs if log.file)
        return next(filter(None, problems), None)

    def _report(self, run: Run) -> None:
        log = self._current
        part = log.file.progress if log and log.file else 0.0
        run.facts["progress"] = (self._done + part) / len(self._logs)
        run.facts["requests"] = self._requests + (log.requests if log else 0)
        run.facts["skipped"] = self._skipped + (log.skipped if log else 0)

    def _end(self, run: Run) -> str:
        self._report(run)
        complete = self._problem() is None and not self._must_end(run)
        if complete:
            run.facts["progress"] = 1.0
        return "finished" if complete else "stopped"
