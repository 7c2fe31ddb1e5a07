"""One run of an application: its job, and the pumps that move its records."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

from helpers.core.paths import read_json
from helpers.flink.properties import Folders

from . import checkpoints, held_output
from .application import Application
from .job import Job, end_former
from .progress import Progress
from .pump_in import PumpIn, remembered, start_position
from .pump_out import PumpOut

log = logging.getLogger("workshop.flink")

# A record waits half as long on average. Shorter pauses make more files, and Flink stores their
# names in each checkpoint: four a second are 1.6 MB after an hour (measured: 95 bytes a file).
SECONDS_BETWEEN_READS, SECONDS_BETWEEN_SENDS = 0.25, 0.05
SECONDS_BETWEEN_CLEANUPS = 2


class Pumping(threading.Thread):
    """Calls a pump's step repeatedly in a thread, until `end`."""

    def __init__(self, name: str, pump: PumpIn | PumpOut, pause: float) -> None:
        super().__init__(name=name, daemon=True)
        self._pump, self._pause, self._ended = pump, pause, threading.Event()
        self.start()

    def run(self) -> None:
        """Call the step until ended; a failure is logged, and the step is tried again."""
        while not self._ended.wait(self._pause):
            try:
                self._pump.step()
            except Exception as error:  # the emulator restarts, a stream is being deleted, ...
                log.warning("pump %s: %s", self.name, error)
                self._ended.wait(1)

    def end(self) -> None:
        """End the thread after its current step."""
        self._ended.set()
        self.join(timeout=10)


class Run:
    """Starts the job; metrics are sent at once, clicks are read once the job runs.

    Until then records stay in the stream, which keeps them in order.

    Raises:
        KeyError: a property group of the application has no stream.
    """

    def __init__(
        self,
        kinesis: Any,  # noqa: ANN401 - a boto3 client
        application: Application,
        plan: Path,
        code: Path,
        folders: Folders,
    ) -> None:
        clicks, metrics = application.stream("clicks"), application.stream("metrics")
        start = start_position(application.groups["clicks"], time.time())
        self._folders = folders
        memory = read_json(folders.memory, {})
        self.pump_in = PumpIn(kinesis, clicks, folders.clicks, folders.positions, start)
        self.pump_out = PumpOut(
            kinesis,
            metrics,
            folders.metrics,
            begin=memory.get("begin", 0),
            finals=folders.finals,
            begin_finals=memory.get("begin_finals", 0),
        )
        end_former(application.name)
        restored = checkpoints.restore_point(folders.checkpoints)
        self.pump_out.before = held_output.begin(folders, restored)
        self.job = Job(application, plan, code, folders, restored)
        self._progress = Progress(folders.counted, folders.clicks, folders.metrics)
        self._threads = [Pumping("out", self.pump_out, SECONDS_BETWEEN_SENDS)]
        self._cleaned = 0.0
        self._is_alone = False  # whether only this run's checkpoints are kept

    @property
    def is_running(self) -> bool:
        """Whether the job receives records."""
        return len(self._threads) > 1

    def follow(self) -> None:
        """Read the clicks once the job has its first checkpoint; delete files that it has read."""
        self._release()
        is_due = time.monotonic() - self._cleaned > SECONDS_BETWEEN_CLEANUPS
        if not is_due or self.job.checkpoint_folder() is None:
            return
        if not self.is_running:
            self._threads.append(Pumping("in", self.pump_in, SECONDS_BETWEEN_READS))
        self._cleaned = time.monotonic()
        read_until = self.pump_in.read_until
        names = {file.name for file in self._folders.clicks.glob("[0-9]*.json")}
        covered = checkpoints.covered(names, self._folders.checkpoints)
        for name in remembered(covered, self._folders.positions):
            (self._folders.clicks / name).unlink()
        self._progress.note(read_until, names - covered)

    def _release(self) -> None:
        """Send the job's rows from the moment from which its own checkpoints may be restored."""
        if not self._is_alone and (own := self.job.checkpoint_folder()):
            kept, former = self._folders.checkpoints, self.job.restored
            self._is_alone = checkpoints.forget_former_jobs(kept, own, former)
            if self._is_alone:
                self.pump_out.before = None

    def end(self) -> None:
        """End the pumps and the job; their files and positions stay."""
        for thread in self._threads:
            thread.end()
        self.job.end()
