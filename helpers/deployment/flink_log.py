"""Reads the Flink application's log: why it failed, and what the job noted for the learner.

Managed Flink writes each line of Flink's log into CloudWatch, as a JSON object with `messageType`
(the level), `logger`, `message`, and for an exception `throwableInformation`. What main.py prints
is there, too: Flink's PythonDriver logs it line by line, with level INFO.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.cloud import Cloud
from helpers.core.text import shorten
from helpers.core.waiting import wait_until
from helpers.flink.output import BEGIN, DRIVER, END, NOTE, STARTED

GROUP = "/aws/kinesis-analytics/{}"
_LONGEST = 400
# CloudWatch shows a line some seconds after it was written.
_WAIT_SECONDS = 20


def failure(cloud: Cloud, since: float) -> str:
    """Return in one line why the application failed; empty if its log has no reason.

    Args:
        cloud: the target with the application.
        since: when it was started, epoch seconds.

    Example:
        `failure(cloud, time.time() - 60)` -> `"20_mine.sql: SQL parse failed. ..."`
    """
    found = wait_until(lambda: _reason(list(_read(cloud, since))), _WAIT_SECONDS)
    return shorten(found, _LONGEST) if found else ""


def notes(cloud: Cloud, since: float) -> list[str]:
    """Return what the job has noted for the learner, each in one line.

    Args:
        cloud: the target with the application.
        since: when it was started, epoch seconds.

    Example:
        `notes(cloud, time.time() - 60)` -> `["event_anomaly is not computed, because ..."]`
    """
    return notes_in(_output(_read(cloud, since)))


def notes_in(output: Sequence[str]) -> list[str]:
    """Return the notes for the learner among lines of main.py's output."""
    noted = [line.removeprefix(NOTE) for line in output if line.startswith(NOTE)]
    return [shorten(note, _LONGEST) for note in dict.fromkeys(noted)]


def _reason(lines: list[dict[str, Any]]) -> str:
    said = [line for line in _output(lines) if not line.startswith(NOTE) and line.strip()]
    if said and said[-1] != STARTED:
        return said[-1]
    for line in reversed(lines):
        if thrown := line.get("throwableInformation"):
            text = thrown if isinstance(thrown, str) else "\n".join(map(str, thrown))
            causes = re.findall(r"^Caused by: (.*)", text, re.MULTILINE)
            return causes[-1] if causes else text.strip().split("\n")[0]
    errors = [line for line in lines if line.get("messageType") == "ERROR"]
    return str(errors[-1].get("message", "")) if errors else ""


def _output(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Return the lines that main.py printed in its last run."""
    output: list[str] = []
    for line in lines:
        message = str(line.get("message", ""))
        if line.get("logger") != DRIVER or line.get("messageType") != "INFO":
            continue
        if BEGIN in message:
            output = []
        elif END not in message:
            output.append(message.rstrip())
    return output


def _read(cloud: Cloud, since: float) -> Iterator[dict[str, Any]]:
    pages = cloud.client("logs").get_paginator("filter_log_events")
    group = GROUP.format(cloud.name("analytics"))
    try:
        for page in pages.paginate(logGroupName=group, startTime=int(since * 1000)):
            for event in page["events"]:
                yield _parse(event["message"])
    except ClientError:
        return  # the log only explains: a missing group or permission must not hide the failure


def _parse(message: str) -> dict[str, Any]:
    try:
        line = json.loads(message)
    except ValueError:
        line = None  # the service's own messages may be plain text
    return line if isinstance(line, dict) else {"message": message}
