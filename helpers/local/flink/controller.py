"""Follows all Flink applications of the emulator until SIGTERM."""

import logging
import os
import signal
import subprocess
import threading
from typing import Any

import boto3
import botocore.exceptions

from helpers.core.paths import home
from helpers.core.target_files import JobState
from helpers.flink import class_data
from helpers.local import child_process as lifeline
from helpers.local import state

from .application import Application, applications
from .runner import Runner

log = logging.getLogger("workshop.flink")

SECONDS_BETWEEN, SECONDS_AFTER_FAILURE = 0.3, 2
Clients = tuple[Any, Any]  # of Kinesis and S3


def main() -> int:
    """Run what is to run; on SIGTERM end every job and return 0."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    log.setLevel(logging.INFO)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    analytics = boto3.client("kinesisanalyticsv2")
    clients = boto3.client("kinesis"), boto3.client("s3")
    runners: dict[str, Runner] = {}
    state.forget_jobs()
    builder = _archive_classes()
    while not stop.wait(SECONDS_BETWEEN):
        try:
            wanted = applications(analytics)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            log.warning("The emulator did not answer, trying again: %s", error)
            stop.wait(SECONDS_AFTER_FAILURE)
            continue
        _step(runners, wanted, clients)
    for runner in runners.values():
        runner.end(JobState.STOPPED)
    if builder:
        lifeline.end(builder, seconds=1, group=True)
    return 0


def _archive_classes() -> subprocess.Popen | None:
    """Start what makes Flink's starts shorter, while nothing else needs this machine."""
    if class_data.is_built():
        return None
    log_file = home() / "logs" / "flink-classes.log"
    builder = lifeline.start(["-m", "helpers.flink.build_class_data"], log=log_file, group=True)
    os.setpriority(os.PRIO_PROCESS, builder.pid, 19)
    return builder


def _step(runners: dict[str, Runner], wanted: dict[str, Application], clients: Clients) -> None:
    for name in runners.keys() - wanted.keys():
        runners.pop(name).forget()
    for name, application in wanted.items():
        runner = runners.setdefault(name, Runner(*clients, name))
        try:
            runner.step(application)
        except Exception:
            # A full disk, an application that is not ours: the others go on, and so do we.
            log.exception("%s", name)
