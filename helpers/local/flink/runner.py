"""One application: keeps its job running and its records moving.

crash                  the job goes on from its last checkpoint
stop, then start       so too
new code, properties   replay: the state of changed SQL can't be trusted, so it is thrown away,
                       and the stream is read again from two hours and some minutes before the
                       point until which all was counted (helpers/replay_edge.py). Rows of buckets
                       that may still change are whole: they replace themselves. Older rows are not
                       sent, nor final ones that were sent before.
"""

import contextlib
import logging
import shutil
import time
from pathlib import Path
from typing import Any

from helpers.beacon_definition import BUCKET_SECONDS
from helpers.flink import plans
from helpers.flink.properties import Folders
from helpers.home import home, read_json, write_json
from helpers.replay_edge import first_bucket, reading_start

from ..restarts import pause_after
from . import checkpoints
from .application import Application, unpack_code
from .job import Job
from .planning import NotPlanned, Planning, Refused
from .progress import Progress
from .pump_in import PumpIn, remembered, start_position
from .pump_out import PumpOut, newest_final
from .pumping import Pumping

log = logging.getLogger("workshop.flink")

# A record waits half as long on average. More often makes more files, and Flink keeps their names:
# four a second are 1.6 MB in each checkpoint after an hour (measured: 95 bytes a file).
SECONDS_BETWEEN_READS, SECONDS_BETWEEN_SENDS = 0.25, 0.05
SECONDS_BETWEEN_CLEANUPS = 2
RESTORE_ATTEMPTS = 3
STATUS_SECONDS = 0.5
# What says that a job is to run. The emulator calls it RUNNING once our status.json does.
WANTED = ("STARTING", "UPDATING", "RUNNING")


class Runner:
    """Makes one application's status real.

    Args:
        kinesis, s3: boto3 clients.
        name: the application's name.
    """

    def __init__(self, kinesis: Any, s3: Any, name: str) -> None:  # noqa: ANN401
        self.kinesis, self.s3 = kinesis, s3
        self.folders = Folders(home() / "flink" / name)
        self.memory = self.folders.root / "application.json"
        self.finals = self.folders.root / "finals.json"
        self.planning: Planning | None = None
        self.job: Job | None = None
        self.pump_in: PumpIn | None = None
        self.pump_out: PumpOut | None = None
        self.progress: Progress | None = None
        self.threads: list[Pumping] = []
        self.version = 0
        self.failures = self.restarts = 0
        self.due = self.cleaned = self.told_at = 0.0
        self.told: dict[str, Any] = {}
        self.state, self.reason = "stopped", ""

    def step(self, application: Application) -> None:
        """Bring the job nearer to what the application's status says. Called a few times a second.

        Args:
            application: as the emulator describes it now.
        """
        if self.job and application.version != self.version:
            self.end("restarting")
        if application.status in WANTED:
            if application.version != self.version:
                self.failures, self.restarts, self.due = 0, 0, 0.0
                self.version, self.state = application.version, "starting"
            self._keep_running(application)
        elif application.status in ("READY", "STOPPING", "FORCE_STOPPING"):
            self.end("stopped")
            self.version = 0
            if application.status == "READY":
                self._plan_ahead(application)
        self._tell()

    def end(self, state: str) -> None:
        """End the job and the pumps; their files and positions stay.

        Args:
            state: what status.json shall say, e.g. `stopped`.
        """
        for thread in self.threads:
            thread.end()
        self.threads = []
        if self.job:
            self.job.end()
            self.job = None
        self.state = state

    def forget(self) -> None:
        """End everything and delete all that is left of a deleted application."""
        self.end("stopped")
        self._end_planning()
        shutil.rmtree(self.folders.root, ignore_errors=True)

    def _keep_running(self, application: Application) -> None:
        if self.job is None:
            if self.state != "failed" and time.monotonic() >= self.due:
                self._start(application)
        elif self.job.exit_code is not None:
            self._note_death()
        elif time.monotonic() - self.cleaned > SECONDS_BETWEEN_CLEANUPS or self.state != "running":
            self._clean_up()

    def _plan_ahead(self, application: Application) -> None:
        # While it is not started yet: its start is then quick. A fault is told when it starts.
        self._remembered(application)
        with contextlib.suppress(Exception):
            self._begin_planning(application)

    def _begin_planning(self, application: Application) -> Planning:
        if self.planning and self.planning.version == application.version:
            return self.planning
        code = self._code(application)
        plan = plans.plan_file(code, application.groups)
        if self.planning and self.planning.plan == plan:  # only what no plan needs has changed
            self.planning.version = application.version
        else:
            self._end_planning()
            self.planning = Planning(application, code, plan)
        return self.planning

    def _end_planning(self) -> None:
        if self.planning:
            self.planning.end()
            self.planning = None

    def _plan(self, application: Application) -> Path | None:
        """Return the application's plan; None while there is none, or can be none."""
        planning = self._begin_planning(application)
        try:
            return planning.poll()
        except Refused as error:
            self.planning = None
            self.state, self.reason = "failed", str(error)
            log.warning("not started again until its code changes: %s", error)
        except NotPlanned as error:
            self.planning = None
            self.failures += 1
            self._fail_for_now(str(error))
        return None

    def _code(self, application: Application) -> Path:
        code = self.folders.root / f"version-{application.version}"
        if not (code / "main.py").exists():
            unpack_code(self.s3, application, code)
        return code

    def _start(self, application: Application) -> None:
        self._prepare(application)
        try:
            plan = self._plan(application)
            clicks, metrics = (_stream(application, name) for name in ("clicks", "metrics"))
        except Exception as error:  # whatever S3, the zip or a property lacks: it may come later
            self._fail_for_now(f"The application can't be started: {error!r}")
            return
        if plan is None:
            return
        self.job = Job(application, plan, self._code(application), self.folders)
        self.state, self.reason = "starting", ""
        log.info("%s version %s starts", application.name, application.version)
        memory = read_json(self.memory, {})
        self.progress = Progress(self.folders.counted, self.folders.clicks, self.folders.metrics)
        start = start_position(application.groups["clicks"], time.time())
        # Records stay in the stream until the job can read them: that keeps them in order.
        self.pump_in = PumpIn(
            self.kinesis, clicks, self.folders.clicks, self.folders.positions, start
        )
        self.pump_out = PumpOut(
            self.kinesis,
            metrics,
            self.folders.metrics,
            begin=memory.get("begin", 0),
            finals=self.finals,
            begin_finals=memory.get("begin_finals", 0),
        )
        self.threads = [Pumping("out", self.pump_out, SECONDS_BETWEEN_SENDS)]

    def _prepare(self, application: Application) -> None:
        memory = self._remembered(application)
        if memory["version"] != application.version:
            write_json(
                self.memory, memory | self._begin_replay() | {"version": application.version}
            )

    def _remembered(self, application: Application) -> dict[str, Any]:
        """Return what we know of this application; all of an older one of its name is deleted."""
        memory = read_json(self.memory, {})
        if memory.get("created") != application.created:
            self._end_planning()
            shutil.rmtree(self.folders.root, ignore_errors=True)
            memory = {"created": application.created, "version": application.version}
            write_json(self.memory, memory)
        return memory

    def _begin_replay(self) -> dict[str, int]:
        # A kill in here leaves the memory with the former version: all of it is done once more.
        start = read_json(self.folders.positions, {}).get("start")
        begin, newest = 0, newest_final(self.finals)
        # Where nothing was counted yet, it begins where the application says.
        if counted_until := read_json(self.folders.counted, {}).get("until"):
            begin = first_bucket(counted_until)
            start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": reading_start(begin)}
        for folder in (self.folders.checkpoints, self.folders.clicks, self.folders.metrics):
            shutil.rmtree(folder, ignore_errors=True)
        write_json(self.folders.positions, {"start": start} if start else {})
        log.info("replay from %s", begin)
        return {"begin": begin, "begin_finals": newest + BUCKET_SECONDS if newest else 0}

    def _note_death(self) -> None:
        code, words, restored = self.job.exit_code, self.job.last_words(), self.job.restored
        started = self.job.checkpoint_folder() is not None
        self.end("restarting")
        self.failures = 1 if started else self.failures + 1
        self.restarts += 1
        self._fail_for_now(f"The job ended with {code}: {words}")
        if restored and self.failures >= RESTORE_ATTEMPTS:
            log.warning("three restarts from the checkpoint failed: replay")
            write_json(self.memory, read_json(self.memory, {}) | {"version": 0})

    def _fail_for_now(self, reason: str) -> None:
        self.state, self.reason = "restarting", reason
        pause = pause_after(max(self.failures, 1))
        self.due = time.monotonic() + pause
        log.warning("%s; again in %s s", reason, pause)

    def _clean_up(self) -> None:
        own = self.job.checkpoint_folder()
        if own is None:
            return
        self.cleaned = time.monotonic()
        if self.state != "running" and self.pump_in:
            self.state = "running"
            self.threads.append(Pumping("in", self.pump_in, SECONDS_BETWEEN_READS))
            checkpoints.forget_other_jobs(self.folders.checkpoints, own)
        read_until = self.pump_in.read_until
        names = {file.name for file in self.folders.clicks.glob("[0-9]*.json")}
        covered = checkpoints.covered(names, self.folders.checkpoints)
        for name in remembered(covered, self.folders.positions):
            (self.folders.clicks / name).unlink()
        self.progress.note(read_until, names - covered)

    def _tell(self) -> None:
        status = {
            "state": self.state,
            "reason": self.reason,
            "version": self.version,
            "restarts": self.restarts,
            "records_in": self.pump_in.records if self.pump_in else 0,
            "records_out": self.pump_out.records if self.pump_out else 0,
            "pid": self.job.process.pid if self.job else None,
        }
        if status != self.told and time.monotonic() - self.told_at > STATUS_SECONDS:
            write_json(self.folders.root / "status.json", status)
            self.told, self.told_at = status, time.monotonic()


def _stream(application: Application, group: str) -> str:
    return application.groups[group]["stream.arn"].rsplit("/", 1)[1]
