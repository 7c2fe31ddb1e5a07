"""What the agent says: lines of JSON on standard error, never a flood."""

import contextlib
import json
import sys
import time
from collections import Counter
from typing import Any, TextIO

WARNING_SECONDS = 5
STATUS_SECONDS = 60


class Notices:
    """Writes a status once a minute, and a warning about one thing at most every five seconds.

    Args:
        output: where the lines go.
    """

    def __init__(self, output: TextIO = sys.stderr) -> None:
        self._output = output
        self._unsaid: Counter[str] = Counter()
        self._next_warning: dict[str, float] = {}
        self._next_status = time.monotonic() + STATUS_SECONDS

    def warn(self, message: str, about: str) -> None:
        """Say what goes wrong; one that comes too soon after another is only counted.

        Args:
            message: a sentence.
            about: what it is about, e.g. `"stream"`; other things are said all the same.
        """
        now = time.monotonic()
        if now < self._next_warning.get(about, 0):
            self._unsaid[about] += 1
            return
        self._next_warning[about] = now + WARNING_SECONDS
        self.say("warning", message=message, not_said_before=self._unsaid.pop(about, 0))

    def status_is_due(self) -> bool:
        """Return True once a minute."""
        if time.monotonic() < self._next_status:
            return False
        self._next_status = time.monotonic() + STATUS_SECONDS
        return True

    def say(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write one line at once.

        Args:
            kind: `status`, `warning`, `started` or `stopped`.
            fields: what is said.
        """
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        # On a full disk this can't be written either: no reason to stop shipping.
        with contextlib.suppress(OSError):
            print(json.dumps({"time": when, "kind": kind, **fields}), file=self._output, flush=True)
