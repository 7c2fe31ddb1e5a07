"""Logs the agent's status and warnings: lines of JSON on standard error, at a limited rate."""

import contextlib
import json
import sys
import time
from collections import Counter
from typing import Any, TextIO

WARNING_SECONDS = 5
STATUS_SECONDS = 60


class Notices:
    """Logs a status once a minute, and warnings on each topic at most every five seconds.

    Args:
        output: where the lines go.
    """

    def __init__(self, output: TextIO = sys.stderr) -> None:
        self._output = output
        self._suppressed: Counter[str] = Counter()
        self._next_warning: dict[str, float] = {}
        self._next_status = time.monotonic() + STATUS_SECONDS

    def warn(self, message: str, topic: str) -> None:
        """Log a warning; within five seconds after another on the same topic, only count it.

        Args:
            message: a sentence.
            topic: what it is about, e.g. `"stream"`.
        """
        now = time.monotonic()
        if now < self._next_warning.get(topic, 0):
            self._suppressed[topic] += 1
            return
        self._next_warning[topic] = now + WARNING_SECONDS
        self.log("warning", message=message, suppressed_before=self._suppressed.pop(topic, 0))

    def status_is_due(self) -> bool:
        """Return True once a minute."""
        if time.monotonic() < self._next_status:
            return False
        self._next_status = time.monotonic() + STATUS_SECONDS
        return True

    def log(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write one line and flush it.

        Args:
            kind: `status`, `warning`, `started` or `stopped`.
            fields: the line's other fields.
        """
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        # On a full disk this fails too; shipping continues.
        with contextlib.suppress(OSError):
            print(json.dumps({"time": when, "kind": kind, **fields}), file=self._output, flush=True)
