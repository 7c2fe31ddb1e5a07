"""The moment until which all records are counted: a replay computes its start from it.

A record that was read is not counted yet: it waits in a file until the job has read it, and its
values wait in a file until a checkpoint is complete and the metrics stream has accepted them.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from helpers.core.paths import read_json, write_json


class Progress:
    """Follows the files between the two streams.

    Args:
        file: stores `until`.
        clicks: the folder of click records; a file's time is the arrival of its first record.
        metrics: the folder of metric rows.
    """

    def __init__(self, file: Path, clicks: Path, metrics: Path) -> None:
        self._file, self._clicks, self._metrics = file, clicks, metrics
        self.until: float = read_json(file, {}).get("until", 0)
        self._next: tuple[float, int] | None = None

    def note(self, read_until: float, uncovered: set[str]) -> None:
        """Update `until`. Called repeatedly while the job runs.

        Args:
            read_until: all that arrived before this moment (epoch seconds) is in files, or counted.
            uncovered: the files, listed after `read_until`, that not every checkpoint has read.
        """
        if self._next and all(written > self._next[1] for written in self._unsent()):
            # All that was counted at the last call is sent: it was in no later file.
            moment, self._next = self._next[0], None
            if moment > self.until:
                self.until = moment
                write_json(self._file, {"until": moment})
        if self._next is None:
            arrivals = [(self._clicks / name).stat().st_mtime for name in uncovered]
            self._next = min([read_until, *arrivals]), time.time_ns()

    def _unsent(self) -> Iterator[int]:
        """Yield when each finished file of rows was written, nanoseconds."""
        for file in self._metrics.glob("*/part-*"):
            with contextlib.suppress(FileNotFoundError):  # sent, and deleted since it was listed
                yield file.stat().st_mtime_ns
