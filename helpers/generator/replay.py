"""The replay run: every request of a real access log becomes one beacon, open loop."""

import asyncio
from pathlib import Path

from .access_log import LogFile, beacon_of
from .connections import Connections
from .run import Run

TICK_SECONDS = 0.005
# A slow server loses no line; a server that is unreachable for this long ends the run.
DOWN_SECONDS = 30.0
MOST_WAITING = 5_000  # beacons kept in memory when the servers can't keep up


class Replay:
    """A replay of one log.

    Args:
        path: the log file.
        url: where beacons are sent, without `/beacon`.
        rate: beacons per second, or None.
        speed: how many times as fast as the log's own timing, or None.
    """

    def __init__(self, path: Path, url: str, rate: float | None, speed: float | None) -> None:
        self._path, self._url, self._rate, self._speed = path, url, rate, speed
        self._first: float | None = None
        self._latest = 0.0
        self._number = 0

    async def work(self, run: Run) -> str:
        """Send a beacon for each line; return `finished`, or `stopped` if it ended early."""
        log = LogFile(self._path)
        run.problems.append(lambda: log.problem)
        run.facts["rate"] = self._rate
        connections = run.connections = Connections(self._url, run.record, patience=None)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for line in log.lines():
            # A replay that is behind its schedule must still handle responses and SIGTERM.
            await asyncio.sleep(0)
            run.facts["progress"] = log.progress
            if line is None:
                if self._must_end(run):
                    return self._end(run, log)
                continue
            beacon, logged = beacon_of(line)
            beacon.due = begun + self._offset(logged)
            while beacon.due > loop.time() or connections.waiting >= MOST_WAITING:
                await asyncio.sleep(TICK_SECONDS)
                if self._must_end(run):
                    break
            if self._must_end(run):
                return self._end(run, log)
            connections.send(beacon)
        while connections.unfinished and not self._must_end(run):
            await asyncio.sleep(TICK_SECONDS)
        return self._end(run, log)

    def _offset(self, logged: float | None) -> float:
        """Return when the next line is due, in seconds after the beginning."""
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

    def _end(self, run: Run, log: LogFile) -> str:
        complete = log.problem is None and not self._must_end(run)
        run.facts["progress"] = 1.0 if complete else log.progress
        return "finished" if complete else "stopped"
