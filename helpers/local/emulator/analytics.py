"""Managed Flink: ListApplications, ListApplicationOperations, and a status that follows the job.

AWS: "Returns a list of Managed Service for Apache Flink applications in your account", each with
name, ARN, status, version, runtime and mode. MiniStack lacks the operation; the Flink controller
finds the applications with it.

AWS: ListApplicationOperations "lists all the operations performed for the specified application",
each with its times. MiniStack does not store them; an application's cost is computed from its
starts and stops.

AWS: an application is STARTING (or UPDATING) until its job runs, then RUNNING; one that can't
start is READY again. MiniStack, which runs no job without Docker, reports RUNNING at the next call.
If our Flink controller runs the jobs, the status follows its status.json.
"""

import os
import time
from collections.abc import Callable

from ministack.core.responses import json_response, new_uuid
from ministack.services import kinesisanalyticsv2 as analytics

from helpers.core.target_files import JobState, job_status

CONTROLLER = "WORKSHOP_FLINK_CONTROLLER"  # set if the controller runs, too
_settle_at_once = analytics._settle

SUMMARY = (
    "ApplicationName",
    "ApplicationARN",
    "ApplicationStatus",
    "ApplicationVersionId",
    "RuntimeEnvironment",
    "ApplicationMode",
)


def apply() -> None:
    """Add the operations; if the controller runs, let the status follow its jobs."""
    analytics._HANDLERS["ListApplications"] = list_applications
    analytics._HANDLERS["ListApplicationOperations"] = list_operations
    for operation in ("StartApplication", "StopApplication", "UpdateApplication"):
        analytics._HANDLERS[operation] = recorded(operation, analytics._HANDLERS[operation])
    if os.environ.get(CONTROLLER):
        analytics._settle = settle


def settle(record: dict) -> None:
    """Let an application's status follow its job."""
    if record["ApplicationStatus"] not in ("STARTING", "UPDATING"):
        _settle_at_once(record)
        return
    job = job_status(record["ApplicationName"])
    if job.get("version") == record["ApplicationVersionId"]:
        if job["state"] == JobState.RUNNING:
            record["ApplicationStatus"] = "RUNNING"
        elif job["state"] == JobState.FAILED:
            record["ApplicationStatus"] = "READY"


def list_applications(_: dict) -> tuple:
    """Answer ListApplications: all on one page."""
    records = [analytics._get(name) for name in list(analytics._applications)]
    details = [analytics.application_detail(record) for record in records]
    summaries = [{key: d[key] for key in SUMMARY if key in d} for d in details]
    return json_response({"ApplicationSummaries": summaries})


def recorded(operation: str, handler: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    """Return a handler that also stores the operation if it was accepted."""

    def handle(data: dict) -> tuple:
        answer = handler(data)
        if answer[0] == 200:
            now = int(time.time())
            entry = {
                "Operation": operation,
                "OperationId": new_uuid(),
                "StartTime": now,
                "EndTime": now,
                "OperationStatus": "SUCCESSFUL",
            }
            record = analytics._applications[data["ApplicationName"]]
            record.setdefault("_Operations", []).append(entry)
        return answer

    return handle


def list_operations(data: dict) -> tuple:
    """Answer ListApplicationOperations: all on one page, the newest first."""
    record = analytics._get(data["ApplicationName"])
    if record is None:
        return analytics._not_found(data["ApplicationName"])
    return json_response({"ApplicationOperationInfoList": record.get("_Operations", [])[::-1]})
