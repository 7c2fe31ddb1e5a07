"""One application: keeps its job running.

crash                  the job continues from its last checkpoint
stop, then start       the same
new code, properties   replay: the state of changed SQL may not fit, so it is deleted, and the
                       stream is read again from two hours and some minutes before the moment until
                       which all records are counted (flink/replay_edge.py). Rows of buckets that
                       may still change are whole values and replace the former ones. Older rows are
                       not sent, nor final ones that were sent before.
"""

import contextlib
import logging
import shutil
import time
from pathlib import Path
from typing import Any

from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.paths import read_json, write_json
from helpers.core.target_files import JobState, job_status_file
from helpers.flink import plans
from helpers.flink.output import STARTED
from helpers.flink.properties import Folders
from helpers.flink.replay_edge import first_bucket, reading_start
from helpers.local.restarts import Backoff

from .application import Application, unpack_code
from .application_log import ApplicationLog
from .planning import NotPlanned, Planning, Refused
from .pump_out import newest_final
from .run import Run

log = logging.getLogger("workshop.flink")

RESTORE_ATTEMPTS = 3
STATUS_SECONDS = 0.5
# The statuses in which the job has to run. The emulator sets RUNNING once our status.json does.
WANTED = ("STARTING", "UPDATING", "RUNNING")


class StatusFile:
    """Writes a job's status when it has changed, at most twice a second."""

    def __init__(self, path: Path) -> None:
        self._path, self._written_at = path, 0.0
        self._written: dict[str, Any] = {}

    def write(self, **status: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write the status, if that is due."""
        if status != self._written and time.monotonic() - self._written_at > STATUS_SECONDS:
            write_json(self._path, status)
            self._written, self._written_at = status, time.monotonic()


class Runner:
    """Runs one application's job as its status requires."""

    def __init__(self, kinesis: Any, s3: Any, name: str, logs: Any = None) -> None:  # noqa: ANN401
        self.kinesis, self.s3, self.log = kinesis, s3, ApplicationLog(logs)
        self.folders = Folders(job_status_file(name).parent)
        self.status = StatusFile(job_status_file(name))
        self.planning: Planning | None = None
        self.run: Run | None = None
        self.version = self.restarts = 0
        self.backoff = Backoff()
        self.state, self.reason = JobState.STOPPED, ""

    def step(self, application: Application) -> None:
        """Do the next thing that the application's status requires. Called a few times a second."""
        if self.run and application.version != self.version:
            self.end(JobState.RESTARTING)
        if application.status in WANTED:
            if application.version != self.version:
                self.backoff, self.restarts = Backoff(), 0
                self.version, self.state = application.version, JobState.STARTING
            self._keep_running(application)
        elif application.status in ("READY", "STOPPING", "FORCE_STOPPING"):
            self.end(JobState.STOPPED)
            self.version = 0
            if application.status == "READY":
                self._plan_ahead(application)
        self.status.write(
            state=self.state,
            reason=self.reason,
            version=self.version,
            restarts=self.restarts,
            records_in=self.run.pump_in.records if self.run else 0,
            records_out=self.run.pump_out.records if self.run else 0,
            pid=self.run.job.process.pid if self.run else None,
        )

    def end(self, state: JobState) -> None:
        """End the job and the pumps; their files and positions stay."""
        run, self.run, self.state = self.run, None, state
        if run:
            run.end()

    def forget(self) -> None:
        """End the job and delete all files of a deleted application."""
        self.end(JobState.STOPPED)
        self._end_planning()
        shutil.rmtree(self.folders.root, ignore_errors=True)

    def _keep_running(self, application: Application) -> None:
        if self.run is None:
            if self.state != JobState.FAILED and self.backoff.is_due():
                self._start(application)
        elif self.run.job.exit_code is not None:
            self._note_exit(self.run, application)
        else:
            self.run.follow()
            if self.run.is_running:
                self.state = JobState.RUNNING

    def _plan_ahead(self, application: Application) -> None:
        # Before it is started, which is then quick. An error is reported at the start.
        self._remembered(application)
        with contextlib.suppress(Exception):
            self._begin_planning(application)

    def _begin_planning(self, application: Application) -> Planning:
        if self.planning and self.planning.version == application.version:
            return self.planning
        code = self._code(application)
        plan = plans.plan_file(code, application.groups)
        if self.planning and self.planning.plan == plan:  # the change does not affect the plan
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
        """Return the application's plan; None if it is not there yet, or Flink refuses the code."""
        planning = self._begin_planning(application)
        try:
            if plan := planning.poll():
                self.log.report_output(application, [*planning.notes(), STARTED])
            return plan
        except Refused as error:
            self.log.report_output(application, [*planning.notes(), str(error)], failed=True)
            self.planning = None
            self.state, self.reason = JobState.FAILED, str(error)
            log.warning("not started again until its code changes: %s", error)
        except NotPlanned as error:
            self.planning = None
            self.backoff.failures += 1
            self._try_again(application, str(error))
        return None

    def _code(self, application: Application) -> Path:
        code = self.folders.root / f"version-{application.version}"
        if not (code / "main.py").exists():
            unpack_code(self.s3, application, code)
        return code

    def _start(self, application: Application) -> None:
        self._prepare(application)
        try:
            if plan := self._plan(application):
                code = self._code(application)
                self.run = Run(self.kinesis, application, plan, code, self.folders)
                self.state, self.reason = JobState.STARTING, ""
                log.info("%s version %s starts", application.name, application.version)
        except Exception as error:  # S3, the zip or a property, which may be there later
            self._try_again(application, f"The application can't be started: {error!r}")

    def _prepare(self, application: Application) -> None:
        memory = self._remembered(application)
        if memory["version"] != application.version:
            memory |= self._begin_replay() | {"version": application.version}
            write_json(self.folders.memory, memory)

    def _remembered(self, application: Application) -> dict[str, Any]:
        """Return the memory of this application; an older one's of its name is deleted."""
        memory = read_json(self.folders.memory, {})
        if memory.get("created") != application.created:
            self._end_planning()
            shutil.rmtree(self.folders.root, ignore_errors=True)
            memory = {"created": application.created, "version": application.version}
            write_json(self.folders.memory, memory)
        return memory

    def _begin_replay(self) -> dict[str, int]:
        # After a kill in here the memory has the former version, so all of this is done again.
        start = read_json(self.folders.positions, {}).get("start")
        begin, newest = 0, newest_final(self.folders.finals)
        # If nothing is counted yet, it begins at the application's own start position.
        if counted_until := read_json(self.folders.counted, {}).get("until"):
            begin = first_bucket(counted_until)
            start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": reading_start(begin)}
        for folder in (self.folders.checkpoints, self.folders.clicks, self.folders.metrics):
            shutil.rmtree(folder, ignore_errors=True)
        write_json(self.folders.positions, {"start": start} if start else {})
        log.info("replay from %s", begin)
        return {"begin": begin, "begin_finals": newest + BUCKET_SECONDS if newest else 0}

    def _note_exit(self, run: Run, application: Application) -> None:
        reason = f"The job ended with {run.job.exit_code}: {run.job.last_line()}"
        started = run.job.checkpoint_folder() is not None
        self.end(JobState.RESTARTING)
        self.backoff.failures = 1 if started else self.backoff.failures + 1
        self.restarts += 1
        self._try_again(application, reason)
        if run.job.restored and self.backoff.failures >= RESTORE_ATTEMPTS:
            log.warning("three restarts from the checkpoint failed: replay")
            write_json(self.folders.memory, read_json(self.folders.memory, {}) | {"version": 0})

    def _try_again(self, application: Application, reason: str) -> None:
        self.log.report_error(application, reason)
        self.state, self.reason = JobState.RESTARTING, reason
        log.warning("%s; again in %s s", reason, self.backoff.postpone(least=1))
