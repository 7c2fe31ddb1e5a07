"""Starts, stops and updates the Flink application, which costs money on AWS while it runs."""

import time
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.waiting import wait_until, waiting
from helpers.flink.groups import property_groups
from helpers.flink.replay_edge import (
    LONGEST_BUCKET_SECONDS,
    bucket_of_reading,
    first_bucket,
    reading_start,
)
from helpers.planning.prices import application_rate, parallelism
from helpers.stores.kinesis import stream_summary

from .code_upload import upload
from .flink_log import GROUP, failure, notes
from .flink_sql import application_code, check_code

# A start takes 1 to 3 minutes on AWS, a stop as long as its snapshot.
_WAIT_SECONDS = 10 * 60
_CLOCKS_DIFFER = 5  # seconds, between this machine and CloudWatch
# Transient values of ApplicationStatus (Managed Flink API reference).
_PASSING = {"STARTING", "STOPPING", "UPDATING", "FORCE_STOPPING", "ROLLING_BACK", "AUTOSCALING",
            "MAINTENANCE"}  # fmt: skip


def start_analytics(cloud: Cloud) -> None:
    """Start the Flink application and return once it is RUNNING; nothing happens if it is already.

    It continues from its last snapshot. A new application, or one whose SQL has changed since,
    reads the stream from the position in its properties. No beacon is lost either way. On AWS
    each start is billed for at least 10 minutes (Managed Flink pricing).

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: it did not start; the error has the reason from its log.

    Example:
        `start_analytics(cloud)` prints `✓ rwa-analytics is running.`
    """
    name = cloud.name("analytics")
    with explained():
        if _wait_for_application(cloud) != "RUNNING":
            detail = application_detail(cloud)
            _compare_with_shards(cloud, detail)
            rate = application_rate(detail)
            print(
                f"Starting {name} (on AWS ${rate:.2f} an hour, and each start at least 10 minutes: "
                f"${rate / 6:.2f}) ..."
            )
            began = time.time()
            cloud.client("kinesisanalyticsv2").start_application(
                ApplicationName=name,
                RunConfiguration={
                    "ApplicationRestoreConfiguration": {
                        "ApplicationRestoreType": _restore_type(cloud, detail)
                    }
                },
            )
            with waiting(f"Waiting until {name} is RUNNING"):
                status = _wait_for_application(cloud)
            if status != "RUNNING":
                raise _failed(
                    cloud, f"{name} did not start", f"its status is {status} again", began
                )
            _print_notes(cloud, began)
    print(f"✓ {name} is running.")


def stop_analytics(cloud: Cloud) -> None:
    """Stop the Flink application with a snapshot of its state, and return once it is READY.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: it did not stop.

    Example:
        `stop_analytics(cloud)` prints `✓ rwa-analytics is stopped: it costs nothing now.`
    """
    name = cloud.name("analytics")
    with explained():
        if _wait_for_application(cloud) == "RUNNING":
            print(f"Stopping {name}; a snapshot keeps its state ...")
            cloud.client("kinesisanalyticsv2").stop_application(ApplicationName=name)
            with waiting(f"Waiting until {name} is READY"):
                status = _wait_for_application(cloud)
            if status != "READY":
                raise WorkshopError(
                    f"{name} did not stop: its status is {status}.",
                    "Run this cell again in a minute.",
                )
    print(f"✓ {name} is stopped: it costs nothing now.")


def update_analytics(cloud: Cloud, folder: Path | None = None) -> None:
    """Add your SQL files to the Flink application; return once it is RUNNING again.

    First Flink parses and plans the whole job on this machine. If it accepts every statement, the
    code is uploaded and the application is updated. The application then reads a little more than
    the last two hours again (the whole stream, if it was stopped): no beacon is lost, and new
    values replace old ones. Nothing happens if the application has this code already.

    Args:
        cloud: the target with the application.
        folder: your files, `NN_name.sql`; `sql_folder()` by default. Files that you have deleted
            from it are removed from the application.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
        WorkshopError: Flink refuses a statement (with the file, the reason and the position; the
            application does not change), another update is in progress, or the application did not
            start again (with the reason from its log).

    Example:
        `update_analytics(cloud)` prints `✓ rwa-analytics is running with your SQL.`
    """
    name = cloud.name("analytics")
    with explained():
        _wait_for_application(cloud)
        with application_code(folder) as code:
            check_code(code, property_groups(application_detail(cloud)))
            key = upload(cloud, "analytics", code)
        status = _wait_for_application(cloud)
        detail = application_detail(cloud)
        if code_key(detail) == key:
            print(f"✓ {name} has this SQL already: nothing changes.")
            return
        hours = "a little more than the last two hours"
        reread = hours if status == "RUNNING" else "the whole stream"
        print(f"Updating {name}: it reads {reread} again ...")
        began = time.time()
        _update(cloud, detail, key, _replay_from(status, datetime.now(UTC)))
        with waiting(f"Waiting until {name} is {status} again"):
            now = _wait_for_application(cloud)
        if now != status:
            what = f"{name} did not start with the new SQL"
            raise _failed(cloud, what, f"its status is {now}", began)
        _print_notes(cloud, began)
    print(f"✓ {name} is {'running' if now == 'RUNNING' else 'stopped, and ready'} with your SQL.")


def application_detail(cloud: Cloud) -> dict[str, Any]:
    """Return the Flink application's description. Raises NotDeployed where there is none."""
    name = cloud.name("analytics")
    with explained(f"The Flink application {name}", "2-analyze"):
        analytics = cloud.client("kinesisanalyticsv2")
        return analytics.describe_application(ApplicationName=name)["ApplicationDetail"]


def counted_from(cloud: Cloud) -> datetime | None:
    """Return the earliest minute of which the application's latest update sends values.

    Returns:
        Its start (UTC); None if the application does not begin to read the stream at a given time:
        then it sends the values of all that it reads.

    Raises:
        NotDeployed: module 2-analyze is not deployed.

    Example:
        `counted_from(cloud)`
    """
    since = property_groups(application_detail(cloud))["clicks"].get("source.init.timestamp")
    if since is None:
        return None
    # The job counts back from the last record that it read, which may be a minute earlier.
    first = bucket_of_reading(pd.Timestamp(since).timestamp()) - LONGEST_BUCKET_SECONDS
    return datetime.fromtimestamp(first, UTC)


def application_status(cloud: Cloud) -> str | None:
    """Return the Flink application's status, or None where there is none."""
    try:
        return application_detail(cloud)["ApplicationStatus"]
    except NotDeployed:
        return None


def _compare_with_shards(cloud: Cloud, detail: dict[str, Any]) -> None:
    """Print a warning unless the application has one reader for each shard.

    One reader reads two shards one after the other, so a backlog's windows close too early
    (measured with Flink's Kinesis connector 6.0: 3,352 of 7,980 records were late).
    """
    readers = int(parallelism(detail)["Parallelism"])
    shards = stream_summary(cloud, "clicks")["OpenShardCount"]
    if readers != shards:
        print(
            f"It has {readers} readers for {shards} shards. On AWS it should have one for each "
            f'shard: deploy(cloud, "2-analyze", Parallelism={shards}).'
        )


def _replay_from(status: str, now: datetime) -> dict[str, str]:
    """Return the position from which changed SQL reads, as properties of the group `clicks`."""
    if status != "RUNNING":
        # The time of its stop is unknown here. The stream keeps a day: read all of it.
        return {"source.init.position": "TRIM_HORIZON"}
    # It has counted all records but those of a few seconds: replay_edge's margin is larger.
    begin = reading_start(first_bucket(now.timestamp()))
    since = datetime.fromtimestamp(begin, UTC).isoformat(timespec="milliseconds")
    return {"source.init.position": "AT_TIMESTAMP", "source.init.timestamp": since}


def _restore_type(cloud: Cloud, detail: dict[str, Any]) -> str:
    """Return the type that restores the newest snapshot, if this version of the code made it.

    Flink does not guarantee that a changed query can restore the state of the previous one.
    """
    pages = cloud.client("kinesisanalyticsv2").get_paginator("list_application_snapshots")
    snapshots = [
        snapshot
        for page in pages.paginate(ApplicationName=detail["ApplicationName"])
        for snapshot in page["SnapshotSummaries"]
        if snapshot["SnapshotStatus"] == "READY"
    ]
    # (An update and a stop may each have made one in the same second.)
    when = itemgetter("SnapshotCreationTimestamp", "ApplicationVersionId")
    newest: dict[str, Any] = max(snapshots, key=when, default={})
    same = newest.get("ApplicationVersionId") == detail["ApplicationVersionId"]
    return "RESTORE_FROM_LATEST_SNAPSHOT" if same else "SKIP_RESTORE_FROM_SNAPSHOT"


def _update(cloud: Cloud, detail: dict[str, Any], key: str, begin: dict[str, str]) -> None:
    analytics = cloud.client("kinesisanalyticsv2")
    groups = property_groups(detail)
    groups["clicks"].pop("source.init.timestamp", None)
    groups["clicks"] |= begin
    bucket = f"arn:{cloud.partition}:s3:::{cloud.bucket('code')}"
    code = {"S3ContentLocationUpdate": {"BucketARNUpdate": bucket, "FileKeyUpdate": key}}
    properties = [{"PropertyGroupId": name, "PropertyMap": map_} for name, map_ in groups.items()]
    restore = {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}
    try:
        analytics.update_application(
            ApplicationName=detail["ApplicationName"],
            CurrentApplicationVersionId=detail["ApplicationVersionId"],
            ApplicationConfigurationUpdate={
                "ApplicationCodeConfigurationUpdate": {"CodeContentUpdate": code},
                "EnvironmentPropertyUpdates": {"PropertyGroups": properties},
            },
            RunConfigurationUpdate={"ApplicationRestoreConfiguration": restore},
        )
    except (
        analytics.exceptions.ConcurrentModificationException,
        analytics.exceptions.ResourceInUseException,
    ) as error:
        raise WorkshopError(
            f"Another update of {detail['ApplicationName']} is in progress: {error}",
            "Run this cell again.",
        ) from None


def code_key(detail: dict[str, Any]) -> str:
    """Return the S3 key of the code that the application runs.

    Args:
        detail: as `application_detail` returns it.
    """
    code = detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]
    return code["CodeContentDescription"]["S3ApplicationCodeLocationDescription"]["FileKey"]


def _wait_for_application(cloud: Cloud) -> str:
    """Wait until the application's status is no longer transient, and return the status."""
    name = cloud.name("analytics")
    with waiting(f"Waiting until {name} has changed its status"):
        status = wait_until(
            lambda: application_detail(cloud)["ApplicationStatus"],
            _WAIT_SECONDS,
            lambda status: status not in _PASSING,
        )
    if status in _PASSING:
        reason = failure(cloud, time.time() - _WAIT_SECONDS)
        raise WorkshopError(
            f"{name} is still {status} after 10 minutes{': ' if reason else ''}"
            f"{reason.removesuffix('.')}.",
            f"Read its log, {GROUP.format(name)}, then run this cell again.",
        )
    return status


def _failed(cloud: Cloud, what: str, status: str, began: float) -> WorkshopError:
    """Return the error for an application that did not start, with the reason from its log."""
    with waiting("Reading why from its log"):
        reason = failure(cloud, began - _CLOCKS_DIFFER)
    return WorkshopError(
        f"{what}: {(reason or status).removesuffix('.')}.",
        "Correct that, then run this cell again. The whole log: CloudWatch, log group "
        f"{GROUP.format(cloud.name('analytics'))}.",
    )


def _print_notes(cloud: Cloud, began: float) -> None:
    for note in notes(cloud, began - _CLOCKS_DIFFER):
        print(f"⚠ {note}")
