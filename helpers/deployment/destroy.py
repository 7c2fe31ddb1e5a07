"""Remove everything the workshop made, so that nothing is left to pay for."""

import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.module_progress import note_passed
from helpers.core.waiting import wait_until, waiting

from .flink_application import application_status
from .leftover_resources import log_groups, named, remaining
from .stacks import MODULES, describe, stack_name, wait_for_id, wait_for_stack

_WAIT_SECONDS = 30 * 60
# Firehose may still write what it holds while its stack is being deleted: the bucket is not empty
# again. The next attempt finds Firehose gone.
_ATTEMPTS = 3
# Before what failed for another reason is tried again: a network interface, say, is let go late.
_PAUSE_SECONDS = 20
# For how long AWS may still list the tags of what has just been deleted.
_LAG_SECONDS = 180
_BUCKETS = {"1-capture": ["archive", "code"]}


def destroy(cloud: Cloud) -> None:
    """Stop the application, empty the buckets, delete the stacks, and look for anything left.

    A stack that can't be deleted does not keep the others from being deleted. Safe to run again,
    also after an interruption. The points in CloudWatch can't be deleted; they cost nothing and
    expire by themselves.

    Raises:
        WorkshopError: a stack can't be deleted (the first one, with AWS's reason), or something is
            left: by its name, its tag, or in a log; it is named.

    Example:
        `destroy(cloud)` prints `✓ Nothing of rwa is left.`
    """
    failures = []
    with explained():
        _stop_application(cloud)
        for module in reversed(MODULES):
            try:
                _delete_module(cloud, module)
            except WorkshopError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        _delete_logs(cloud)
        left = _left(cloud)
    if left:
        raise WorkshopError(
            f"{len(left)} resources are left: {', '.join(left)}.",
            "Run `destroy(cloud)` again; what stays then, delete in the AWS console.",
        )
    print(f"✓ Nothing of {cloud.prefix} is left.")
    note_passed(cloud, "9-clean-up")


def _delete_module(cloud: Cloud, module: str) -> None:
    name = stack_name(cloud, module)
    if wait_for_stack(cloud, name) is None:
        return
    started = time.monotonic()
    for bucket in _BUCKETS.get(module, []):
        _empty(cloud, cloud.bucket(bucket))
    delete_stack(cloud, name)
    print(f"✓ {name} deleted ({time.monotonic() - started:.0f} s)")


def _left(cloud: Cloud) -> list[str]:
    """Return what is left; what only a tag tells of is looked for again until it is gone."""
    with waiting("Waiting until AWS no longer lists what is deleted"):
        return wait_until(
            lambda: remaining(cloud), _LAG_SECONDS, lambda left: not left or named(left)
        )


def delete_stack(cloud: Cloud, name: str) -> None:
    """Delete a stack and wait until it is gone, emptying its buckets where they stand in the way.

    Args:
        name: the stack's, e.g. `"rwa-1-capture"`; nothing happens if there is none.

    Raises:
        WorkshopError: AWS did not delete it; the first resource that stays is named.
    """
    stack = describe(cloud, name)
    if stack is None:
        return
    for attempt in range(_ATTEMPTS):
        try:
            cloud.client("cloudformation").delete_stack(StackName=stack["StackId"])
        except ClientError as error:
            raise WorkshopError(
                f"{name} can't be deleted: {error.response['Error']['Message']}",
                "Run `destroy(cloud)`: it deletes first what builds on it.",
            ) from None
        with waiting(f"Deleting {name}"):
            # Not the first status that is settled: it may be the one before the deletion.
            stack |= wait_for_id(cloud, stack["StackId"], _is_deleted_or_failed)
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return
        left = _undeleted(cloud, stack)
        buckets = [found for found in left if found["ResourceType"] == "AWS::S3::Bucket"]
        for bucket in buckets:
            _empty(cloud, bucket["PhysicalResourceId"])
        if not buckets and attempt + 1 < _ATTEMPTS:
            time.sleep(_PAUSE_SECONDS)
    reason = stack.get("StackStatusReason", stack["StackStatus"])
    if left:
        reason = f"{left[0]['LogicalResourceId']}: {left[0].get('ResourceStatusReason', '')}"
    raise WorkshopError(
        f"{name} can't be deleted: {reason}", "Correct that, then run `destroy(cloud)` again."
    )


def _delete_logs(cloud: Cloud) -> None:
    """Delete the log groups that a last run of a function made anew after its stack was deleted."""
    for name in log_groups(cloud):
        cloud.client("logs").delete_log_group(logGroupName=name)


@waiting("Waiting until the Flink application has stopped")
def _stop_application(cloud: Cloud) -> None:
    analytics, name = cloud.client("kinesisanalyticsv2"), cloud.name("analytics")

    def is_stopped() -> bool:
        status = application_status(cloud)
        if status in ("RUNNING", "STARTING", "UPDATING", "AUTOSCALING"):
            print(f"Stopping {name} ...")
            # By force: no snapshot is worth waiting for, the application is deleted next. A
            # status that changed since we looked is looked at again.
            with suppress(analytics.exceptions.ResourceInUseException):
                analytics.stop_application(ApplicationName=name, Force=True)
        return status in (None, "READY", "DELETING")

    wait_until(is_stopped, _WAIT_SECONDS)


def _empty(cloud: Cloud, bucket: str) -> None:
    s3, deleted = cloud.client("s3"), 0
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            keys = [
                {"Key": found["Key"], "VersionId": found["VersionId"]}
                for found in page.get("Versions", []) + page.get("DeleteMarkers", [])
            ]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                deleted += len(keys)
    except s3.exceptions.NoSuchBucket:
        return
    if deleted:
        print(f"  {deleted} objects removed from {bucket}")


def _is_deleted_or_failed(stack: dict[str, Any]) -> bool:
    return stack["StackStatus"] in ("DELETE_COMPLETE", "DELETE_FAILED")


def _undeleted(cloud: Cloud, stack: dict[str, Any]) -> list[dict[str, Any]]:
    found = cloud.client("cloudformation").describe_stack_resources(StackName=stack["StackId"])
    return [
        resource
        for resource in found["StackResources"]
        if resource["ResourceStatus"] == "DELETE_FAILED"
    ]
