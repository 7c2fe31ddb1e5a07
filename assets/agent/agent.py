"""The agent of a beacon server: ships its access log to a Kinesis stream.

    python agent.py --log /var/log/beacon/access.log --stream rwa-clicks --server i-0abc

boto3 finds region, credentials and endpoint (environment, instance role). The agent saves its
position after the stream has confirmed the records. So an agent that was killed ships at most the
last batch again, with the same `beacon_id`s. After SIGTERM it ships the rest of the log and exits.
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
from user_agent import described

POLL_SECONDS = 0.1
# The shipper retries without end, so boto3 must not retry too. The parameters are always valid:
# boto3's validation took a seventh of the agent's time.
CLIENT = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=20,
    parameter_validation=False,
)


class Agent:
    """Reads lines, ships them and saves the position, in turn.

    Args:
        tail: the log.
        shipper: the stream.
        server: the server's name, the beginning of each beacon_id.
        state: the file with the saved position.
        notices: logs status and warnings.
        whole_addresses: whether to ship visitors' addresses as they are.
    """

    def __init__(
        self,
        tail: Tail,
        shipper: Shipper,
        server: str,
        state: Path,
        notices: Notices,
        whole_addresses: bool = False,
    ) -> None:
        self._tail, self._shipper, self._server = tail, shipper, server
        self._state, self._notices = state, notices
        self._whole_addresses = whole_addresses
        self._saved: dict[str, Any] = {}
        self._lines = 0
        self._rejected: Counter[str] = Counter()

    def run(self, stopping: threading.Event) -> None:
        """Ship until `stopping` is set, then ship the rest of the log.

        Raises:
            GaveUpError: the shipper's deadline passed before the end of the log.
        """
        while True:
            last = stopping.is_set()  # before the read, which includes all lines written until then
            lines = self._read()
            if state := self._tail.state_before():
                self._save(state)
            self._shipper.ship([self._record(line) for line in lines])
            self._save(self._tail.state())
            if self._notices.status_is_due():
                self._notices.log("status", **self.counts())
            if lines:
                deadline = self._shipper.deadline
                if deadline is not None and time.monotonic() > deadline:
                    raise GaveUpError
            elif last:
                return
            else:
                stopping.wait(POLL_SECONDS)

    def counts(self) -> dict[str, Any]:
        """Return the counts for a status line."""
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
            self._notices.warn(f"The log can't be read; the agent tries again: {error}", "log")
            return []

    def _record(self, line: Line) -> dict[str, Any]:
        line_id = beacon_id(self._server, line.inode, line.offset, line.text)
        now_ms = time.time_ns() // 1_000_000
        record = described(click_record(line.text, line_id, now_ms, self._whole_addresses))
        self._lines += 1
        if reason := record.get("rejected"):
            self._rejected[reason] += 1
            self._notices.warn(f"A line was rejected ({reason}): {record['line'][:200]}", reason)
        return record

    def _save(self, state: dict[str, Any]) -> None:
        if state == self._saved:
            return
        draft = self._state.with_name(f"{self._state.name}.new")
        try:
            draft.write_text(json.dumps(state), encoding="utf-8")
            draft.replace(self._state)
        except OSError as error:  # e.g. a full disk: shipping continues
            self._notices.warn(f"The position in the log can't be saved: {error}", "state")
            return
        self._saved = state


def load(state: Path) -> dict[str, Any]:
    """Return the saved state; an empty one if the file is absent or damaged.

    Then the agent ships all lines again, with the same `beacon_id`s.
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
    parser.add_argument("--state", type=Path, help="file of the position (LOG.agent.json)")
    parser.add_argument(
        "--addresses",
        choices=("short", "whole"),
        default="short",
        help="ship the /24 or /48 of visitors' addresses, or all of them (short)",
    )
    parser.add_argument("--drain-seconds", type=float, default=15, help="time limit after SIGTERM")
    options = parser.parse_args(argv)
    # It is part of the partition key, of at most 256 characters (Kinesis API reference).
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", options.server):
        parser.error("--server must be 1 to 128 letters, digits, dots, dashes or underscores.")
    options.log = options.log.absolute()
    options.state = options.state or options.log.with_name(f"{options.log.name}.agent.json")
    return options


def main(argv: list[str] | None = None) -> int:
    """Run the agent; return its exit code: 0 if the whole log was shipped."""
    options = arguments(sys.argv[1:] if argv is None else argv)
    notices = Notices()
    try:
        client = boto3.client("kinesis", config=CLIENT)
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        notices.log("stopped", message=f"{error} Set AWS_DEFAULT_REGION, or run `aws configure`.")
        return 2
    shipper = Shipper(client, options.stream, notices)
    stopping = threading.Event()

    def stop(*_: object) -> None:
        shipper.deadline = time.monotonic() + options.drain_seconds
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    tail = Tail(options.log, load(options.state), lambda cut: notices.warn(cut, "cut"))
    whole = options.addresses == "whole"
    agent = Agent(tail, shipper, options.server, options.state, notices, whole)
    notices.log("started", log=str(options.log), stream=options.stream, pid=os.getpid())
    try:
        agent.run(stopping)
        code = 0
    except GaveUpError:
        notices.warn("Time limit reached; the next start ships the rest of the log.", "drain")
        code = 1
    notices.log("stopped", **agent.counts())
    return code


if __name__ == "__main__":
    sys.exit(main())
