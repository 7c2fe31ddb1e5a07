"""The agent of a beacon server: ships its access log to a Kinesis stream, line by line.

    python agent.py --log /var/log/beacon/access.log --stream rwa-clicks --server i-0abc

Region, credentials and endpoint are boto3's own (environment, instance role). How far it has come
is saved only once the stream has it: killed at any moment, it ships the last batch again at worst,
and each line's `beacon_id` is the same as before. SIGTERM: it ships what the log holds, then ends.
"""

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from access_log import beacon_id, click_record
from botocore.config import Config
from notices import Notices
from shipping import MAX_RECORDS, GaveUpError, Shipper
from tail import Line, Tail, positions

POLL_SECONDS = 0.1
# The shipper retries for ever by itself; a second loop inside boto3 would only hide it. What is put
# is made here, in a form that fits: to check it took a seventh of the agent's time.
CLIENT = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=20,
    parameter_validation=False,
)


class Agent:
    """Reads, ships and remembers, in turns.

    Args:
        tail: the log.
        shipper: the stream.
        server: the server's name, which begins every beacon_id.
        state: the file that says how far the stream has come.
        notices: where it says how it goes.
    """

    def __init__(
        self, tail: Tail, shipper: Shipper, server: str, state: Path, notices: Notices
    ) -> None:
        self._tail, self._shipper, self._server = tail, shipper, server
        self._state, self._notices = state, notices
        self._saved: dict[str, Any] = {}
        self._lines = 0
        self._rejected: Counter[str] = Counter()

    def run(self, stopping: threading.Event) -> None:
        """Ship until `stopping` is set, and then what is left.

        Raises:
            GaveUpError: the shipper's deadline passed before the log's end was reached.
        """
        while True:
            last = stopping.is_set()  # asked first: what was written before it is still read
            lines = self._read()
            if begun := self._tail.state_before():
                self._save(begun)
            self._shipper.ship([self._record(line) for line in lines])
            self._save(self._tail.state())
            if self._notices.status_is_due():
                self._notices.say("status", **self.counts())
            if lines:
                deadline = self._shipper.deadline
                if deadline is not None and time.monotonic() > deadline:
                    raise GaveUpError
            elif last:
                return
            else:
                stopping.wait(POLL_SECONDS)

    def counts(self) -> dict[str, Any]:
        """Return the numbers of a status line."""
        return {
            "lines": self._lines,
            "shipped": self._shipper.shipped,
            "rejected": dict(self._rejected),
            "retries": self._shipper.retries,
        }

    def _read(self) -> list[Line]:
        try:
            return self._tail.read(MAX_RECORDS)
        except OSError as error:
            self._notices.warn(f"The log can't be read, trying again: {error}", "log")
            return []

    def _record(self, line: Line) -> dict[str, Any]:
        name = beacon_id(self._server, line.inode, line.offset, line.text)
        record = click_record(line.text, name, time.time_ns() // 1_000_000)
        self._lines += 1
        if reason := record.get("rejected"):
            self._rejected[reason] += 1
            self._notices.warn(f"A line is rejected as {reason}: {record['line'][:200]}", reason)
        return record

    def _save(self, state: dict[str, Any]) -> None:
        if state == self._saved:
            return
        draft = self._state.with_name(f"{self._state.name}.new")
        try:
            draft.write_text(json.dumps(state), encoding="utf-8")
            draft.replace(self._state)
        except OSError as error:  # a full disk: worth a warning, no reason to stop shipping
            self._notices.warn(f"How far the log is shipped can't be saved: {error}", "state")
            return
        self._saved = state


def load(state: Path) -> dict[str, Any]:
    """Return the saved state; one that knows no file if there is none or it is damaged.

    Everything is shipped again then, each line under the same `beacon_id`.
    """
    try:
        saved = json.loads(state.read_text(encoding="utf-8"))
        positions(saved)
    except (FileNotFoundError, ValueError, TypeError, AttributeError, KeyError):
        return {"files": {}}
    return saved


def arguments(argv: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description="Ship a beacon server's access log to Kinesis.")
    parser.add_argument("--log", type=Path, required=True, help="the log's path")
    parser.add_argument("--stream", required=True, help="the stream's name")
    parser.add_argument("--server", required=True, help="the server's name, in each beacon_id")
    parser.add_argument("--state", type=Path, help="where to remember (LOG.agent.json)")
    parser.add_argument("--drain-seconds", type=float, default=15, help="time left after SIGTERM")
    options = parser.parse_args(argv)
    # It is part of the partition key, which holds 256 characters (Kinesis API reference).
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", options.server):
        parser.error("--server must be 1 to 128 letters, digits, dots, dashes or underscores.")
    options.log = options.log.absolute()
    options.state = options.state or options.log.with_name(f"{options.log.name}.agent.json")
    return options


def main(argv: list[str] | None = None) -> int:
    """Run the agent; return its exit code: 0 when the log was shipped to its end."""
    options = arguments(sys.argv[1:] if argv is None else argv)
    notices = Notices()
    try:
        client = boto3.client("kinesis", config=CLIENT)
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        notices.say("stopped", message=f"{error} Set AWS_DEFAULT_REGION, or run `aws configure`.")
        return 2
    shipper = Shipper(client, options.stream, notices)
    stopping = threading.Event()

    def stop(*_: object) -> None:
        shipper.deadline = time.monotonic() + options.drain_seconds
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    tail = Tail(options.log, load(options.state), lambda cut: notices.warn(cut, "cut"))
    agent = Agent(tail, shipper, options.server, options.state, notices)
    notices.say("started", log=str(options.log), stream=options.stream, pid=os.getpid())
    try:
        agent.run(stopping)
        code = 0
    except GaveUpError:
        notices.warn("Time is up; the rest is shipped at the next start.", "drain")
        code = 1
    notices.say("stopped", **agent.counts())
    return code


if __name__ == "__main__":
    sys.exit(main())
