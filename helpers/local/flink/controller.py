"""The Flink controller: follows all Flink applications of the emulator until SIGTERM."""

import logging
import os
import subprocess

import boto3

from helpers.core.paths import home
from helpers.core.target_files import JobState
from helpers.flink import class_data
from helpers.local import child_process, state
from helpers.local.controller_loop import repeat

from .application import applications
from .runner import Runner

log = logging.getLogger("workshop.flink")

SECONDS_BETWEEN = 0.3


def main() -> None:
    """Run each application's job; on SIGTERM end all of them."""
    analytics = boto3.client("kinesisanalyticsv2")
    kinesis, s3, logs = (boto3.client(name) for name in ("kinesis", "s3", "logs"))
    runners: dict[str, Runner] = {}
    state.forget_jobs()
    builder = _archive_classes()

    def step() -> None:
        wanted = applications(analytics)
        for name in runners.keys() - wanted.keys():
            runners.pop(name).forget()
        for name, application in wanted.items():
            runner = runners.setdefault(name, Runner(kinesis, s3, name, logs))
            try:
                runner.step(application)
            except Exception:
                # A full disk, an application of another kind: the others continue.
                log.exception("%s", name)

    repeat(step, SECONDS_BETWEEN, log)
    for runner in runners.values():
        runner.end(JobState.STOPPED)
    if builder:
        child_process.end(builder, seconds=1, group=True)


def _archive_classes() -> subprocess.Popen | None:
    """Start building the archive that shortens Flink's start, at the lowest priority."""
    if class_data.is_built():
        return None
    log_file = home() / "logs" / "flink-classes.log"
    command = ["-m", "helpers.flink.build_class_data"]
    builder = child_process.start(command, log=log_file, group=True)
    os.setpriority(os.PRIO_PROCESS, builder.pid, 19)
    return builder
