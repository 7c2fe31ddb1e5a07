"""What the generator reports: a journal line for each beacon, and its status."""

import json
import os
import time
from collections import Counter
from pathlib import Path

from assets.agent.user_agent import client_of
from helpers.core.paths import write_json

from .beacon import Beacon

NOT_SENT = 0


def text(value: bytes | None) -> str | None:
    r"""Return a header's value as the click record will show it: UTF-8, an invalid byte as `\xhh`.

    A `-` becomes None: in the server's log it means an absent header.
    """
    return None if value is None or value == b"-" else value.decode("utf-8", "backslashreplace")


def outcome(beacon: Beacon) -> str:
    """Return a beacon's expected outcome: `bot` if the agent will know its sender as a bot.

    The agent's own rules decide that here, too, as a replayed log may have any User-Agent. A bot's
    beacon that is rejected or a duplicate is counted as such.
    """
    if beacon.expect != "accepted":
        return beacon.expect
    automation = next((value for name, value in beacon.extra if name == b"automation"), None)
    return "bot" if client_of(text(beacon.agent), text(automation)).bot else "accepted"


def entry(beacon: Beacon, sent_at: float, status: int | None, **more: object) -> dict:
    """Return a beacon's journal entry.

    Args:
        beacon: the beacon.
        sent_at: when it was sent, epoch seconds.
        status: of the response; None if it was sent but no response arrived; 0 if it was not sent.
        more: further fields, e.g. the `beacon_id` of a beacon that was put directly to the stream.
    """
    names = ("event", "clientid", "page", "agent", "referrer")
    line: dict[str, object] = {
        "sent_at": int(sent_at * 1000),
        "kind": beacon.kind,
        **{name: text(getattr(beacon, name)) for name in names},
        "status": status,
        "expect": outcome(beacon),
    }
    # Only a visit's first beacon may have them: the lines of all others are shorter without.
    if beacon.source is not None:
        line["source"] = text(beacon.source)
    if beacon.campaign is not None:
        line["campaign"] = text(beacon.campaign)
    if beacon.altered:
        line["altered"] = beacon.altered
    return line | more


class Journal:
    """One run's file of JSON lines, and its totals.

    Lines are kept until `flush`, so that 1,000 beacons a second are not 1,000 writes. A SIGKILL
    loses the lines since the last flush (half a second).

    Args:
        path: the file to write; its folder is created.
    """

    def __init__(self, path: Path) -> None:
        # Its rules take a third of a second to load, seconds on a busy machine: while beacons are
        # sent, those that are due meanwhile would never be sent.
        client_of("")
        self.path = path
        self.totals: Counter[str] = Counter()
        self.expected: Counter[str] = Counter()
        self._lines: list[str] = []
        self._unwritten = b""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: after a write that fails, it is known how many bytes were written.
        self._file = path.open("ab", buffering=0)

    def add(self, line: dict) -> None:
        """Add the outcome of one beacon (see `entry`)."""
        self._lines.append(json.dumps(line))
        status, totals = line["status"], self.totals
        if status == NOT_SENT:
            totals["not_sent"] += 1
            totals["failed"] += 1
            return
        totals["sent"] += 1
        totals[line["kind"]] += 1
        if status == 200:
            totals["answered"] += 1
            self.expected[line["expect"]] += 1
        else:
            totals["failed"] += 1
            totals["unknown"] += status is None
        totals["altered"] += "altered" in line

    def flush(self) -> None:
        """Write the waiting lines.

        Raises:
            OSError: e.g. the disk is full; the lines go on waiting.
        """
        self._unwritten += "".join(f"{line}\n" for line in self._lines).encode()
        self._lines.clear()
        while self._unwritten:
            self._unwritten = self._unwritten[self._file.write(self._unwritten) :]

    def close(self) -> None:
        """Write the waiting lines and close the file."""
        self.flush()
        self._file.close()


class Status:
    """Writes `status.json`: the totals of a run, its current rate, its lag.

    Args:
        path: the file.
        journal: its totals are written.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path, self._journal = path, journal
        self.started = time.time()
        self._recent: list[tuple[float, int]] = []

    def write(self, state: str, *, lag: float = 0.0, problem: str | None = None, **more) -> None:
        """Write the status.

        Args:
            state: `running`, `stopped`, `failed`, or `finished` (a complete replay).
            lag: how many seconds behind the schedule the latest beacons were sent.
            problem: one sentence, or None.
            more: further fields.
        """
        totals = self._journal.totals
        names = ("sent", "answered", "failed", "unknown", "not_sent", "altered")
        write_json(
            self._path,
            {
                "state": state,
                "pid": os.getpid(),
                "started": self.started,
                "seconds": round(time.time() - self.started, 3),
                **{name: totals[name] for name in names},
                "late": totals["late"],
                "duplicates": totals["duplicate"],
                "malformed": totals["malformed"],
                "expect": dict(self._journal.expected),
                "rate_now": self._rate_now(totals["sent"]),
                "lag_ms": round(lag * 1000),
                "problem": problem,
                "journal": str(self._journal.path),
                **more,
            },
        )

    def _rate_now(self, sent: int) -> float:
        now = time.monotonic()
        self._recent = [(at, count) for at, count in self._recent if now - at < 2.2]
        self._recent.append((now, sent))
        first_at, first_sent = self._recent[0]
        return round((sent - first_sent) / (now - first_at), 1) if now > first_at else 0.0
