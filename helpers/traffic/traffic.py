"""Traffic for the beacon servers: made-up visitors at any rate, or the requests of a real log.

The beacons come from a process of their own (`python -m helpers.generator`), so that they flow
evenly while a cell is busy. It ends with `stop`, or with the kernel that started it.
"""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import read_json, write_json
from helpers.core.waiting import waiting
from helpers.deployment.fleet import beacon_url
from helpers.generator.live import settings_path
from helpers.generator.run import journal_folder
from helpers.generator.settings import DEFAULTS, checked

from . import generator_process as process
from .journal_reader import Totals, frame, latest_status, totals

if TYPE_CHECKING:
    import ipywidgets

DEFAULT_REPLAY_RATE = 100.0

_writing = threading.Lock()


class Traffic:
    """Starts and steers the traffic of one workshop.

    There is one generator at most, whichever notebook started it: `start` in a second notebook
    ends the first one's and begins its own; `set`, `stop` and `status` work from every notebook.

    Args:
        cloud: where the beacons go.

    Example:
        traffic = Traffic(connect("local"))
        traffic.start(rate=50, late_percent=3)
        traffic.stop()
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def start(self, rate: float = 20, *, seconds: float | None = None, **settings: Any) -> None:  # noqa: ANN401
        """Send beacons of made-up visitors; if traffic flows already, only the settings change.

        Args:
            rate: beacons per second, 0 to 10,000, open loop: slow answers slow nothing down.
            seconds: end by itself after so many seconds; such a run always begins anew.
            settings: `visitors` (different client ids), `late_percent` (0-20) and `late_seconds`,
                `duplicates_percent` (0-20, on top of the rate), `malformed_percent` (0-20),
                `bots_percent` (0-50), `mix` (weight by event). What is not given is at its default.

        Raises:
            WorkshopError: a setting is unknown or out of bounds, or there is no beacon server.

        Example:
            `traffic.start(rate=100, visitors=1000, duplicates_percent=2)`
        """
        wanted = DEFAULTS | checked({"rate": rate} | settings)
        url = self._url()
        with waiting("Starting the traffic"):
            if not process.is_ours("live", self.cloud) or seconds is not None:
                process.end("live")
            with _writing:
                write_json(settings_path(), wanted | {"beacon_url": url})
            if not process.is_ours("live", self.cloud):
                process.start(
                    "live", self.cloud, *([] if seconds is None else ["--seconds", str(seconds)])
                )

    def set(self, **settings: Any) -> None:  # noqa: ANN401
        """Change settings while traffic flows; it follows within a quarter of a second.

        Args:
            settings: `rate` and the settings of `start`; what is not given stays.

        Raises:
            WorkshopError: a setting is unknown or out of bounds, or no traffic flows.

        Example:
            `traffic.set(rate=200)`
        """
        changes = checked(settings)
        _must_flow()
        self._change(**changes)

    def settings(self) -> dict[str, Any]:
        """Return the settings as they are, as `start` and `set` take them."""
        current = DEFAULTS | read_json(settings_path(), default={})
        return {name: current[name] for name in DEFAULTS}

    def burst(self, factor: float = 3, seconds: float = 30) -> None:
        """Send `factor` times the rate for `seconds`.

        Raises:
            WorkshopError: no traffic flows.
        """
        _must_flow()
        self._change(factor=factor, factor_until=time.time() + seconds)

    def outage(self, seconds: float = 60) -> None:
        """Send nothing for `seconds`, then go on as before.

        Raises:
            WorkshopError: no traffic flows.
        """
        self.burst(factor=0, seconds=seconds)

    def stop(self) -> Totals:
        """End the traffic, wait for the last answers; return the totals.

        Example:
            `traffic.stop()` -> `Beacons: 1,200 sent in 60 s, 1,200 answered, 0 failed.`
        """
        with waiting("Waiting for the last answers"):
            process.end("live")
        return totals(self.status())

    def stop_replay(self) -> Totals:
        """End a replay before its end; return its totals."""
        process.end("replay")
        return totals(self.replay_status())

    def status(self) -> dict[str, Any]:
        """Return the latest run's status; the generator writes it twice a second.

        Its fields are those of `Totals`, and `rate` (asked for), `rate_now` (sent per second),
        `lag_ms` (how late beacons leave), `problem` (a sentence, or None), `pid`, `started`
        (epoch s).
        """
        return latest_status("live")

    def replay_status(self) -> dict[str, Any]:
        """Return the latest replay's status: as `status`, and `progress` (0 to 1 of the file)."""
        return latest_status("replay")

    def journal(self) -> pd.DataFrame:
        """Return all beacons ever sent to this cloud from this machine, a row each.

        Columns: `run` (its file), `sent_at` (epoch ms), `kind` (beacon, late, duplicate,
        malformed), `event`, `clientid`, `page`, `agent`, `referrer` (as their click record shows them),
        `status` (of the answer; missing = sent, no answer came; 0 = not sent), `expect` (accepted,
        duplicate, or a reason of rejection), `altered`, `beacon_id` and `datetime` (of late ones
        and duplicates).

        Example:
            `traffic.journal().groupby("kind").size()`
        """
        return frame(journal_folder(process.target_name(self.cloud)))

    def controls(self) -> "ipywidgets.Widget":
        """Return sliders and buttons that steer the traffic, as the last line of a cell shows them.

        Running the cell again replaces them: there is never a second thread or process.
        """
        from .controls import controls

        return controls(self)

    def replay(
        self,
        path: str | Path,
        *,
        rate: float | None = None,
        speed: float | None = None,
        progress: bool = True,
        wait: bool = True,
    ) -> Totals:
        """Send each request of a real Apache access log as one beacon, over HTTP.

        Event `pageview`; clientid from address and agent; page = path without query; Referer and
        User-Agent as logged. What HTTP can't carry is changed and journaled as `altered`: control
        characters are made visible, values cut at 8,000 bytes. Blank lines are skipped.

        Args:
            path: a log in Apache's combined format, plain or gzip.
            rate: beacons per second; 100 if neither it nor `speed` is given.
            speed: keep the log's own timing, so many times as fast.
            progress: show a bar while waiting, with a button that stops the replay.
            wait: wait for the end; else return at once (see `replay_status`).

        Returns:
            The totals.

        Raises:
            WorkshopError: no such file, a bad rate, no server, or the replay ended early.

        Example:
            `traffic.replay("assets/sample/access.log.gz", rate=200)`
        """
        from .replay_progress import follow

        log, pace = _readable(path), _pace(rate, speed)
        process.start("replay", self.cloud, "--log", str(log), "--url", self._url(), *pace)
        if not wait:
            return totals(self.replay_status())
        try:
            by_hand = follow(
                self.replay_status, log.name, show=progress, stop=lambda: process.end("replay")
            )
        except KeyboardInterrupt:
            process.end("replay")
            raise
        process.end("replay")
        status = self.replay_status()
        if status["state"] != "finished" and not by_hand:
            raise WorkshopError(
                f"The replay ended early, after {status['sent']:,} beacons. "
                f"{status['problem'] or ''}".strip(),
                "Put that right, then replay again.",
            )
        return totals(status)

    def _url(self) -> str:
        return beacon_url(self.cloud).rstrip("/").removesuffix("/beacon")

    def _change(self, **settings: Any) -> None:  # noqa: ANN401
        with _writing:
            current = DEFAULTS | read_json(settings_path(), default={})
            write_json(settings_path(), current | settings)


def _must_flow() -> None:
    if process.running_pid("live") is None:
        raise WorkshopError(
            "No traffic flows now: it ends with the kernel that started it.",
            "Run traffic.start(rate=20), then this cell.",
        )


def check_replay(path: str | Path, rate: float) -> None:
    """Raise what `Traffic.replay` would raise at once for such a log and rate.

    Raises:
        WorkshopError: no such file, or a bad rate.

    Example:
        `check_replay("access.log", rate=200)`
    """
    _readable(path)
    _pace(rate, None)


def _readable(path: str | Path) -> Path:
    log = Path(path).expanduser().absolute()
    try:
        log.open("rb").close()
    except OSError as error:
        raise WorkshopError(
            f"{log} can't be read: {error.strerror}.", "Give the path of an access log."
        ) from None
    return log


def _pace(rate: float | None, speed: float | None) -> list[str]:
    if rate is not None and speed is not None:
        raise WorkshopError("A replay takes a rate or a speed, not both.", "Leave one of them out.")
    if speed is None:
        rate = DEFAULT_REPLAY_RATE if rate is None else checked({"rate": rate})["rate"]
    name, value = ("--rate", rate) if speed is None else ("--speed", speed)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise WorkshopError(
            f"A replay's {name[2:]} can't be {value!r}.", "Give a number greater than 0."
        )
    return [name, str(value)]
