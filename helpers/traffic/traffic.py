"""Traffic for the beacon servers: simulated visitors at any rate, or the requests of a real log.

A separate process (`python -m helpers.generator`) sends the beacons, so that their rate stays even
while a cell is busy. It ends with `stop`, or with the kernel that started it.
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
from helpers.generator.logs.files import find_logs
from helpers.generator.run import journal_folder
from helpers.generator.settings import DEFAULTS, checked

from . import generator_process, s3_logs
from .journal_reader import Totals, frame, latest_status, totals

if TYPE_CHECKING:
    import ipywidgets

DEFAULT_REPLAY_RATE = 100.0

_writing = threading.Lock()


class Traffic:
    """Starts, changes and stops the traffic of one workshop.

    At most one generator runs, whichever notebook started it: `start` in a second notebook ends the
    first notebook's generator and starts another; `set`, `stop` and `status` work in all notebooks.

    Args:
        cloud: its fleet receives the beacons.

    Example:
        traffic = Traffic(connect("local"))
        traffic.start(rate=50, late_percent=3)
        traffic.stop()
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def start(self, rate: float = 20, *, seconds: float | None = None, **settings: Any) -> None:  # noqa: ANN401
        """Send beacons of simulated visitors; if traffic is flowing, change only its settings.

        The beacons belong to visits: some pages on a plausible path, with other events between
        them. The first beacon of a visit has its source and its campaign; 43% of visits have one
        page. The mix still decides how many beacons have each event.

        Args:
            rate: beacons per second, 0 to 10,000, open loop: slow responses do not reduce it.
            seconds: how long to send; with it, a new run starts. None = until `stop`.
            settings: `visitors` (different client ids), `late_percent` (0-20) and `late_seconds`,
                `duplicates_percent` (0-20, on top of the rate), `malformed_percent` (0-20),
                `bots_percent` (0-50), `mix` (weight by event). Others have their defaults.

        Raises:
            WorkshopError: a setting is unknown or out of bounds, or there is no beacon server.

        Example:
            `traffic.start(rate=100, visitors=1000, duplicates_percent=2)`
        """
        wanted = DEFAULTS | checked({"rate": rate} | settings)
        url = self._url()
        with waiting("Starting the traffic"):
            if not generator_process.is_ours("live", self.cloud) or seconds is not None:
                generator_process.end("live")
            with _writing:
                write_json(settings_path(), wanted | {"beacon_url": url})
            if not generator_process.is_ours("live", self.cloud):
                generator_process.start(
                    "live", self.cloud, *([] if seconds is None else ["--seconds", str(seconds)])
                )

    def set(self, **settings: Any) -> None:  # noqa: ANN401
        """Change settings while traffic is flowing; they apply within a quarter of a second.

        Args:
            settings: `rate` and the settings of `start`; others do not change.

        Raises:
            WorkshopError: a setting is unknown or out of bounds, or no traffic is flowing.

        Example:
            `traffic.set(rate=200)`
        """
        changes = checked(settings)
        _require_traffic()
        self._change(**changes)

    def settings(self) -> dict[str, Any]:
        """Return the current settings, with the names that `start` and `set` take."""
        current = DEFAULTS | read_json(settings_path(), default={})
        return {name: current[name] for name in DEFAULTS}

    def burst(self, factor: float = 3, seconds: float = 30) -> None:
        """Send `factor` times the rate for `seconds`.

        Raises:
            WorkshopError: no traffic is flowing.
        """
        _require_traffic()
        self._change(factor=factor, factor_until=time.time() + seconds)

    def outage(self, seconds: float = 60) -> None:
        """Send nothing for `seconds`, then continue as before.

        Raises:
            WorkshopError: no traffic is flowing.
        """
        self.burst(factor=0, seconds=seconds)

    def stop(self) -> Totals:
        """End the traffic, wait for the last responses; return the totals.

        Example:
            `traffic.stop()` -> `Beacons: 1,200 sent in 60 s, 1,200 answered, 0 failed.`
        """
        with waiting("Waiting for the last responses"):
            generator_process.end("live")
        return totals(self.status())

    def stop_replay(self) -> Totals:
        """End a replay early; return its totals."""
        generator_process.end("replay")
        return totals(self.replay_status())

    def status(self) -> dict[str, Any]:
        """Return the latest run's status; the generator writes it twice a second.

        Its fields are those of `Totals`, and `rate` (the setting), `rate_now` (sent per second),
        `lag_ms` (how late beacons are sent), `problem` (a sentence, or None), `pid`, `started`
        (epoch s).
        """
        return latest_status("live")

    def replay_status(self) -> dict[str, Any]:
        """Return the latest replay's status, as `status` does, and `progress` (0 to 1)."""
        return latest_status("replay")

    def journal(self) -> pd.DataFrame:
        """Return a row for each beacon that this machine ever sent to this cloud.

        Columns: `run` (its file), `sent_at` (epoch ms), `kind` (beacon, late, duplicate,
        malformed), `event`, `clientid`, `page`, `agent`, `referrer`, `source`, `campaign` (as in
        the click record), `status` (of the response; missing = sent, but no response arrived;
        0 = not sent), `expect` (accepted, bot, duplicate, or a reason for rejection), `altered`,
        `beacon_id` and `requested_at` (of late beacons and duplicates).

        Example:
            `traffic.journal().groupby("kind").size()`
        """
        return frame(journal_folder(self.cloud.identity))

    def controls(self) -> "ipywidgets.Widget":
        """Return sliders and buttons that control the traffic, for the last line of a cell.

        Running the cell again replaces them, without a second thread or process.
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
        """Send each request of real access logs as one beacon, over HTTP.

        Event `pageview`; clientid from address (without its port) and agent; page = path without
        query; Referer and User-Agent as logged. Source and campaign are the URL's utm_source and
        utm_campaign, at most 253 bytes; without utm_source, the source is the Referer's host,
        unless that is the log's own site (named by the line, or the host that refers most often
        from a page of the log).

        Values that HTTP can't carry are changed, and journaled as `altered`: control characters are
        made visible, values are cut at 8,000 bytes. The last line of the progress names the format,
        and counts the lines that are no request of it, which are skipped.

        Args:
            path: a log of Apache, nginx (combined or JSON), nginx proxy manager, an AWS load
                balancer, CloudFront, Caddy or IIS; plain, gzip, bzip2 or zstandard; or a folder or
                a pattern (`logs/access.log*`) of such files, which are replayed in the order of
                their times; or an address in S3 of one or more.
            rate: beacons per second; 100 if neither `rate` nor `speed` is given.
            speed: keep the log's own timing, this many times as fast.
            progress: show a progress bar while waiting, with a button that stops the replay.
            wait: wait for the end; False = return at once (see `replay_status`).

        Returns:
            The totals.

        Raises:
            WorkshopError: no such file, no known format, an invalid rate, no server, or the replay
                ended early.

        Example:
            `traffic.replay("assets/sample/access.log.gz", rate=200)`
        """
        pace = _pace(rate, speed)
        place = s3_logs.download(self.cloud, str(path)) if s3_logs.is_s3(path) else _local(path)
        find_logs(place)  # an error here, not in the other process
        generator_process.start(
            "replay", self.cloud, "--log", str(place), "--url", self._url(), *pace
        )
        if wait:
            self._wait_for_replay(Path(path).name, progress)
        return totals(self.replay_status())

    def _wait_for_replay(self, name: str, progress: bool) -> None:
        from .replay_progress import follow

        def stop() -> None:
            generator_process.end("replay")

        try:
            was_stopped = follow(self.replay_status, name, show=progress, stop=stop)
        finally:
            stop()
        status = self.replay_status()
        if status["state"] != "finished" and not was_stopped:
            raise WorkshopError(
                f"The replay ended early, after {status['sent']:,} beacons. "
                f"{status['problem'] or ''}".strip(),
                "Correct that, then replay again.",
            )

    def _url(self) -> str:
        return beacon_url(self.cloud).rstrip("/").removesuffix("/beacon")

    def _change(self, **settings: Any) -> None:  # noqa: ANN401
        with _writing:
            current = DEFAULTS | read_json(settings_path(), default={})
            write_json(settings_path(), current | settings)


def _require_traffic() -> None:
    if generator_process.running_pid("live") is None:
        raise WorkshopError(
            "No traffic is flowing: it ends with the kernel that started it.",
            "Run traffic.start(rate=20), then this cell.",
        )


def check_replay(path: str | Path, rate: float) -> None:
    """Raise the errors that `Traffic.replay` would raise at once for this log and rate.

    Raises:
        WorkshopError: no such file, no known format, or an invalid rate.

    Example:
        `check_replay("access.log", rate=200)`
    """
    if not s3_logs.is_s3(path):
        find_logs(_local(path))
    _pace(rate, None)


def _local(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


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
