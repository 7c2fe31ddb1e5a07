"""Managed Flink: starting, updating and stopping take minutes.

M: an application is STARTING for one to two minutes, UPDATING as long, and STOPPING, with a
snapshot, for half a minute (AWS documents the statuses, no times). With Docker or the Flink
controller a job may take longer than that; then its status waits for it, as without the pace.
"""

import time

from ministack.services import kinesisanalyticsv2 as analytics

from helpers.local.pace import scaled

SECONDS = {"STARTING": 90, "UPDATING": 90, "STOPPING": 30, "FORCE_STOPPING": 30}
_settle = analytics._settle


def apply() -> None:
    """Let each status last as long as on AWS, at least."""
    global _settle
    _settle = analytics._settle
    analytics._settle = settle


def settle(record: dict) -> None:
    """Let an application's status follow its job, once the status has lasted its time."""
    current = (record["ApplicationStatus"], record["ApplicationVersionId"])
    if record.get("_PaceStatus") != current:
        record["_PaceStatus"], record["_PaceSince"] = current, time.monotonic()
    if time.monotonic() - record["_PaceSince"] >= scaled(SECONDS.get(current[0], 0)):
        _settle(record)
