"""The live run: beacons of simulated visitors at the rate of the settings, open loop."""

import asyncio
import random
from pathlib import Path

from helpers.core.paths import read_json

from .connections import Connections
from .delayed_delivery import DelayedDelivery
from .malformed import malformed_variant
from .pacer import Pacer
from .run import ANSWERS_SECONDS, Run
from .settings import DEFAULTS, folder, rate_now
from .shop import Shop

POLL_SECONDS = 0.2
TICK_SECONDS = 0.01
PATIENCE_SECONDS = 2.0  # a visitor does not wait: a beacon that can't be sent by then is lost


def settings_path() -> Path:
    """Return the path of the live run's settings."""
    return folder() / "settings.json"


class Live:
    """A live run.

    Args:
        run: its journal, status and end.
        delayed: puts late beacons and duplicates.
        seconds: how long it runs; None = until SIGTERM.
    """

    def __init__(self, run: Run, delayed: DelayedDelivery, seconds: float | None) -> None:
        self._run, self._delayed, self._seconds = run, delayed, seconds
        self._chance = random.Random()
        self._shop = Shop(self._chance)
        self._settings: dict = DEFAULTS
        self._read_version: tuple[int, int] | None = None
        self._url: str | None = None
        self._former: asyncio.Task | None = None

    async def work(self, run: Run) -> str:
        """Send beacons until the end; return `stopped`."""
        loop = asyncio.get_running_loop()
        begun = polled = loop.time()
        self._poll()
        pacer = Pacer(begun)
        while not run.ending.is_set():
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            if self._seconds is not None and now - begun >= self._seconds:
                now = begun + self._seconds
                run.ending.set()
            if now - polled >= POLL_SECONDS:
                polled = now
                self._poll()
            for due in pacer.due(now, rate_now(self._settings)):
                self._send(due)
        await asyncio.to_thread(self._delayed.close, 5)
        return "stopped"

    def _poll(self) -> None:
        try:
            file = settings_path().stat()
        except FileNotFoundError:
            return
        if (file.st_mtime_ns, file.st_ino) == self._read_version:
            return
        self._read_version = (file.st_mtime_ns, file.st_ino)
        self._settings = DEFAULTS | read_json(settings_path(), default={})
        settings, run = self._settings, self._run
        self._shop.set_mix(settings["mix"])
        self._shop.set_rate(settings["rate"])
        self._delayed.late.seconds = settings["late_seconds"]
        run.facts["rate"] = settings["rate"]
        self._delayed.duplicates.enabled = settings["duplicates_percent"] > 0
        if settings["beacon_url"] != self._url:
            self._url = settings["beacon_url"]
            if run.connections is not None:
                self._former = asyncio.create_task(run.connections.close(ANSWERS_SECONDS))
            run.connections = Connections(self._url, run.record, patience=PATIENCE_SECONDS)

    def _send(self, due: float) -> None:
        settings, chance = self._settings, self._chance.random
        beacon = self._shop.beacon(settings["visitors"], settings["bots_percent"] / 100)
        beacon.due = due
        # Duplicates are sent in addition to the rate.
        self._delayed.duplicates.request(settings["duplicates_percent"] / 100)
        if chance() < settings["late_percent"] / 100:
            beacon.kind = "late"
            self._delayed.late.add(beacon)
        elif chance() < settings["malformed_percent"] / 100:
            self._run.connections.send(malformed_variant(beacon, self._chance))
        else:
            self._run.connections.send(beacon)
