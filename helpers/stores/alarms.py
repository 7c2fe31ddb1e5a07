"""The alarms' states, messages and history, as DataFrames."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.paths import home, read_json, write_json
from helpers.core.text import printable
from helpers.core.waiting import waiting

SECONDS_KEPT = 86_400  # as long as the queue itself keeps a message (cfn/3-visualize.yaml)
_COLUMNS = ["Alarm", "State", "Reason"]


def alarm_states(cloud: Cloud) -> pd.DataFrame:
    """Return the state of each alarm of the workshop.

    Args:
        cloud: where the alarms are.

    Returns:
        Columns Alarm, State (OK, ALARM or INSUFFICIENT_DATA), Since (UTC) and Reason, by name.

    Raises:
        NotDeployed: module 3-visualize is not deployed.

    Example:
        `alarm_states(cloud).set_index("Alarm").State`
    """
    rows = [
        (a["AlarmName"], a["StateValue"], a["StateUpdatedTimestamp"], a.get("StateReason", ""))
        for a in _alarms(cloud)
    ]
    return _frame(rows, ["Alarm", "State", "Since", "Reason"])


@waiting("Reading the queue's messages")
def alarm_messages(cloud: Cloud, since: datetime | None = None) -> pd.DataFrame:
    """Return the alarms' messages of the last 24 hours, newest first.

    A message is written to a file in `.workshop/`, then deleted from the queue. Every notebook on
    this machine reads that file, so all show the same messages.

    Args:
        cloud: where the queue is.
        since: an aware datetime: only later messages; None = all.

    Returns:
        Columns Time (UTC), Alarm, State and Reason. Of a message that no alarm sent, Reason
        contains the text, and Alarm is empty.

    Raises:
        NotDeployed: module 3-visualize is not deployed.

    Example:
        `alarm_messages(cloud).head(3)`
    """
    queue, created = _queue(cloud)
    sqs = cloud.client("sqs")
    with _kept(cloud) as messages:
        while True:
            # Without a wait, SQS queries only some of its servers, and may miss messages.
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            batch = answer.get("Messages", [])
            for message in batch:
                messages.setdefault(*_read(message["Body"], message["MessageId"]))
            oldest = max(created, time.time() - SECONDS_KEPT)
            for name in [name for name, each in messages.items() if each["Time"] < oldest]:
                del messages[name]
            write_json(_file(cloud), messages)
            if not batch:
                break
            sqs.delete_message_batch(
                QueueUrl=queue,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                    for n, message in enumerate(batch)
                ],
            )
        newest_first = sorted(messages.values(), key=lambda each: each["Time"], reverse=True)
    rows = [
        (pd.Timestamp(each["Time"], unit="s", tz="UTC"), *(each[c] for c in _COLUMNS))
        for each in newest_first
    ]
    frame = _frame(rows, ["Time", *_COLUMNS])
    return frame if since is None else frame[frame["Time"] >= pd.Timestamp(since)]


def alarm_history(cloud: Cloud, alarm: str) -> pd.DataFrame:
    """Return an alarm's changes of state in the last two weeks, newest first.

    Args:
        cloud: where the alarm is.
        alarm: its name, with or without the prefix: `rwa-click-anomaly` or `click-anomaly`.

    Returns:
        Columns Time (UTC), From, To and Reason; empty if its state never changed.

    Raises:
        WorkshopError: there is no such alarm, or module 3-visualize is not deployed.

    Example:
        `alarm_history(cloud, "click-anomaly")`
    """
    names = [each["AlarmName"] for each in _alarms(cloud)]
    name = alarm if alarm in names else cloud.name(alarm)
    if name not in names:
        raise WorkshopError(
            f'There is no alarm called "{alarm}".', f"Choose one of these: {', '.join(names)}."
        )
    pages = cloud.client("cloudwatch").get_paginator("describe_alarm_history")
    history = pages.paginate(AlarmName=name, HistoryItemType="StateUpdate")
    rows = []
    for item in history.search("AlarmHistoryItems[]"):
        data = json.loads(item["HistoryData"])
        old, new = data["oldState"]["stateValue"], data["newState"]["stateValue"]
        # The emulator records the creation of an alarm as a change from no data to no data.
        if old != new:
            rows.append((item["Timestamp"], old, new, data["newState"].get("stateReason", "")))
    return _frame(rows, ["Time", "From", "To", "Reason"])


def _alarms(cloud: Cloud) -> list[dict[str, Any]]:
    with explained():
        pages = cloud.client("cloudwatch").get_paginator("describe_alarms")
        answers = pages.paginate(AlarmNamePrefix=cloud.name(""), AlarmTypes=["MetricAlarm"])
        alarms = list(answers.search("MetricAlarms[]"))
    if not alarms:
        raise NotDeployed(f"An alarm of {cloud.prefix}", "3-visualize")
    return alarms


def _queue(cloud: Cloud) -> tuple[str, float]:
    """Return the inbox's URL and the time of its creation: older messages are a former queue's."""
    sqs, name = cloud.client("sqs"), cloud.name("inbox")
    with explained(f"The queue {name}", "3-visualize"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["CreatedTimestamp"])
    return url, float(answer["Attributes"]["CreatedTimestamp"])


def _file(cloud: Cloud) -> Path:
    return home() / "inbox" / f"{cloud.identity}.json"


@contextmanager
def _kept(cloud: Cloud) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the messages received so far, by their ids; only one kernel at a time holds them."""
    path = _file(cloud)
    path.parent.mkdir(exist_ok=True)
    with path.with_suffix(".lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield read_json(path, default={})


def _read(body: str, queue_id: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the content of one message of the queue."""
    try:
        envelope = json.loads(body)
        text, name = envelope["Message"], envelope["MessageId"]
        sent = pd.Timestamp(envelope["Timestamp"]).timestamp()
    except (ValueError, KeyError, TypeError):
        text, name, sent = body, queue_id, time.time()  # sent to the queue directly, not by SNS
    content = {"Time": sent, "Alarm": "", "State": "", "Reason": str(text)}
    try:
        message = json.loads(text)
        content |= {
            "Time": pd.Timestamp(message["StateChangeTime"]).timestamp(),
            "Alarm": str(message["AlarmName"]),
            "State": str(message["NewStateValue"]),
            "Reason": str(message["NewStateReason"]),
        }
    except (ValueError, KeyError, TypeError):
        pass  # not an alarm's message
    return name, content


def _frame(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    """Return a table without control and direction marks in its texts; pandas escapes HTML."""
    safe = [[printable(v) if isinstance(v, str) and v else v for v in row] for row in rows]
    frame = pd.DataFrame(safe, columns=columns)
    time_column = next(column for column in columns if column in ("Time", "Since"))
    return frame.astype(dict.fromkeys(columns, object) | {time_column: "datetime64[ns, UTC]"})
