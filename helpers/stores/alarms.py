"""The alarms as a notebook shows them: their states, what they sent, and how they came to it."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
_TIME = "datetime64[ns, UTC]"


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


@waiting("Asking the queue for messages")
def alarm_messages(cloud: Cloud) -> pd.DataFrame:
    """Return what the alarms have sent in the last 24 hours, newest first.

    A message is taken out of the queue once it stands in a file of `.workshop/`, which every
    notebook on this machine reads: none takes a message away from another, and all see the same.

    Args:
        cloud: where the queue is.

    Returns:
        Columns Time (UTC), Alarm, State and Reason; empty if nothing came yet. A message that is
        not an alarm's has its text as the Reason and no Alarm.

    Raises:
        NotDeployed: module 3-visualize is not deployed.

    Example:
        `alarm_messages(cloud).head(3)`
    """
    queue, created = _queue(cloud)
    sqs = cloud.client("sqs")
    with _kept(cloud) as messages:
        while True:
            # Without a wait, SQS asks only some of its servers, and may miss what others hold.
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            batch = answer.get("Messages", [])
            for message in batch:
                messages.setdefault(*_read(message["Body"], message["MessageId"]))
            oldest = max(created, time.time() - SECONDS_KEPT)
            for name in [name for name, told in messages.items() if told["Time"] < oldest]:
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
        told = sorted(messages.values(), key=lambda each: each["Time"], reverse=True)
    rows = [
        (pd.Timestamp(each["Time"], unit="s", tz="UTC"), *(each[c] for c in _COLUMNS))
        for each in told
    ]
    return _frame(rows, ["Time", *_COLUMNS])


def alarm_history(cloud: Cloud, alarm: str) -> pd.DataFrame:
    """Return how an alarm changed its state in the last two weeks, newest first.

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
    known = [each["AlarmName"] for each in _alarms(cloud)]
    name = alarm if alarm in known else cloud.name(alarm)
    if name not in known:
        raise WorkshopError(
            f'There is no alarm called "{alarm}".', f"Choose one of these: {', '.join(known)}."
        )
    pages = cloud.client("cloudwatch").get_paginator("describe_alarm_history")
    found = pages.paginate(AlarmName=name, HistoryItemType="StateUpdate")
    rows = []
    for item in (item for page in found for item in page["AlarmHistoryItems"]):
        data = json.loads(item["HistoryData"])
        old, new = data["oldState"]["stateValue"], data["newState"]["stateValue"]
        # The emulator notes the creation of an alarm as a change from no data to no data.
        if old != new:
            rows.append((item["Timestamp"], old, new, data["newState"].get("stateReason", "")))
    return _frame(rows, ["Time", "From", "To", "Reason"])


_COLUMNS = ["Alarm", "State", "Reason"]


def _alarms(cloud: Cloud) -> list[dict[str, Any]]:
    with explained():
        pages = cloud.client("cloudwatch").get_paginator("describe_alarms")
        found = pages.paginate(AlarmNamePrefix=cloud.name(""), AlarmTypes=["MetricAlarm"])
        alarms = [alarm for page in found for alarm in page["MetricAlarms"]]
    if not alarms:
        raise NotDeployed(f"An alarm of {cloud.prefix}", "3-visualize")
    return alarms


def _queue(cloud: Cloud) -> tuple[str, float]:
    """Return the inbox queue's URL, and when it was made: older messages were another one's."""
    sqs, name = cloud.client("sqs"), cloud.name("inbox")
    with explained(f"The queue {name}", "3-visualize"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["CreatedTimestamp"])
    return url, float(answer["Attributes"]["CreatedTimestamp"])


def _file(cloud: Cloud) -> Path:
    return home() / "inbox" / f"{cloud.account}-{cloud.region}-{cloud.prefix}.json"


@contextmanager
def _kept(cloud: Cloud) -> Iterator[dict[str, dict[str, Any]]]:
    """Give the messages received so far, by their ids; one kernel at a time."""
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
        text, name, sent = body, queue_id, time.time()  # not SNS's: put to the queue by hand
    told = {"Time": sent, "Alarm": "", "State": "", "Reason": str(text)}
    try:
        message = json.loads(text)
        told |= {
            "Time": pd.Timestamp(message["StateChangeTime"]).timestamp(),
            "Alarm": str(message["AlarmName"]),
            "State": str(message["NewStateValue"]),
            "Reason": str(message["NewStateReason"]),
        }
    except (ValueError, KeyError, TypeError):
        pass  # somebody's own words
    return name, told


def _frame(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    """Make a table whose texts hold no character that changes how others are shown.

    pandas escapes HTML when it shows a table.
    """
    safe = [[printable(v) if isinstance(v, str) and v else v for v in row] for row in rows]
    frame = pd.DataFrame(safe, columns=columns)
    time_column = next(column for column in columns if column in ("Time", "Since"))
    return frame.astype(dict.fromkeys(columns, object) | {time_column: _TIME})
