"""When the job's next checkpoint is due: soon after records, seldom when there are none.

With a checkpoint the job counts what it has read (Flink ends its mini-batches at each), and the
rows leave. So a record waits for the next checkpoint and for nothing else, and the time between two
decides how late a metric is, and how much work there is for all that comes after. It is 0.35 s
while there is room (measured at 100 records/s: p50 from click to CloudWatch 0.66 s, Flink takes
0.27 cores; with 0.2 s 0.61 s and 0.39 cores); a job under load, whose checkpoints take longer, gets
fewer. A job that catches up makes one every two seconds only: its rows are late anyway, and each
checkpoint stops the job for a moment and leaves small files that RocksDB must merge. On AWS rows
leave without waiting for a checkpoint.
"""

import time
from collections.abc import Callable
from pathlib import Path

from .backlog import has_more_bytes

SHORTEST_SECONDS, IDLE_SECONDS = 0.35, 2.0
SHARE = 3  # of the time, one part in so many may be a checkpoint's
# So many bytes in files: the job catches up. 5,000 beacons/s are 4 MB a second, of which a few are
# there at any time; the pump waits at 64 MB (FOLDER_BYTES in helpers/local/flink/pump_in.py).
BACKLOG_BYTES = 16_000_000
SOON_SECONDS = 0.6  # for so long after a file appears the job may have to find and read it


class Schedule:
    """Decides when a checkpoint is due.

    Args:
        clicks: the folder of files that the job reads.
        metrics: the folder that it writes: a folder for each metric; the name of a file that waits
            for a checkpoint begins with a dot.
        clock: returns seconds that only grow.
    """

    def __init__(
        self, clicks: Path, metrics: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clicks, self._metrics, self._clock = clicks, metrics, clock
        self._seen: set[str] = set()
        self._newest = self._began = clock()
        self._pause, self._is_owed = SHORTEST_SECONDS, True

    def is_due(self) -> bool:
        """Return whether to begin a checkpoint now. Called many times a second."""
        now = self._clock()
        names = {file.name for file in self._clicks.iterdir()}
        if not names <= self._seen:
            self._newest = now
        self._seen = names
        waited = now - self._began
        if waited < self._pause:
            return False
        if waited >= IDLE_SECONDS or self._is_owed:
            return True
        is_soon = now - self._newest < SOON_SECONDS or self._is_waiting()
        return is_soon and not has_more_bytes(self._clicks, BACKLOG_BYTES)

    def note_begin(self) -> None:
        """Note that a checkpoint begins."""
        self._began = self._clock()

    def note_end(self, is_complete: bool) -> None:
        """Note that it has ended; one that is not complete is soon due again.

        Args:
            is_complete: it may fail, where the job does not run yet.
        """
        took, self._is_owed = self._clock() - self._began, not is_complete
        self._pause = max(SHORTEST_SECONDS, SHARE * took)

    def _is_waiting(self) -> bool:
        return any(True for _ in self._metrics.glob("*/.*"))
