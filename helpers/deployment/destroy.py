"""Deletes everything that the workshop created, so that it causes no more costs."""

import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import wait_until, waiting
from helpers.sharing.steps import note_cleaned_up

from .flink_application import application_status
from .leftover_resources import log_groups, named, own_alarms, remaining
from .stacks import MODULES, describe, stack_name, wait_for_id, wait_for_stack

_WAIT_SECONDS = 30 * 60
# While its stack is being deleted, Firehose may still write its buffer into the emptied bucket.
# At the next attempt, Firehose no longer exists.
_ATTEMPTS = 3
# Between attempts after any other failure: e.g. EC2 releases a network interface late.
_PAUSE_SECONDS = 20
# AWS may go on deleting for so long after the last stack: servers that end, and their disks.
_LAG_SECONDS = 180
_BUCKETS = {"1-capture": ["archive", "code"]}


def destroy(cloud: Cloud) -> None:
    """Stop the application, empty the buckets, delete the stacks, and search for leftovers.

    If a stack can't be deleted, the others are deleted all the same. Safe to run again, also after
    an interruption. CloudWatch's datapoints can't be deleted; they cost nothing and expire.

    Raises:
        WorkshopError: a stack can't be deleted (the first one is named, with AWS's reason), or
            resources with the workshop's name or tag are left; they are named.

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
        # A function that ran while its stack was deleted has created its log group again.
        for name in log_groups(cloud):
            cloud.client("logs").delete_log_group(logGroupName=name)
        _delete_own_alarms(cloud)
        left = _left(cloud)
    if left:
        raise WorkshopError(
            f"Some resources are left: {', '.join(left)}.",
            "Run `destroy(cloud)` again. If one is still left, delete it with boto3, or in the AWS "
            "console.",
        )
    print(f"✓ Nothing of {cloud.prefix} is left.")
    note_cleaned_up(cloud)


def _delete_module(cloud: Cloud, module: str) -> None:
    name = stack_name(cloud, module)
    if wait_for_stack(cloud, name) is None:
        return
    started = time.monotonic()
    for bucket in _BUCKETS.get(module, []):
        _empty(cloud, cloud.bucket(bucket))
    delete_stack(cloud, name)
    print(f"✓ {name} deleted ({time.monotonic() - started:.0f} s)")


def _delete_own_alarms(cloud: Cloud) -> None:
    """Delete the alarms that the learner created in module 4: no stack has them."""
    if alarms := own_alarms(cloud):
        cloud.client("cloudwatch").delete_alarms(AlarmNames=alarms)
        print(f"✓ {', '.join(alarms)} deleted (in no stack)")


def _left(cloud: Cloud) -> list[str]:
    """Return what is left; wait while nothing with a name is: AWS may still be deleting it."""
    with waiting("Waiting until AWS has deleted the last resources"):
        return wait_until(
            lambda: remaining(cloud), _LAG_SECONDS, lambda left: not left or named(left)
        )


def delete_stack(cloud: Cloud, name: str) -> None:
    """Delete a stack and wait until it is gone; empty buckets that prevent the deletion.

    Args:
        name: the stack's, e.g. `"rwa-1-capture"`; nothing happens if it does not exist.

    Raises:
        WorkshopError: AWS did not delete it; the first undeleted resource is named.
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
                "Run `destroy(cloud)`: it deletes the dependent stacks first.",
            ) from None
        with waiting(f"Deleting {name}"):
            # Not until it is not busy: that may be the status before the deletion.
            stack |= wait_for_id(
                cloud,
                stack["StackId"],
                lambda stack: stack["StackStatus"] in ("DELETE_COMPLETE", "DELETE_FAILED"),
            )
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return
        left = _undeleted(cloud, stack)
        buckets = [resource for resource in left if resource["ResourceType"] == "AWS::S3::Bucket"]
        for bucket in buckets:
            _empty(cloud, bucket["PhysicalResourceId"])
        if not buckets and attempt + 1 < _ATTEMPTS:
            time.sleep(_PAUSE_SECONDS)
    reason = stack.get("StackStatusReason", stack["StackStatus"])
    if left:
        reason = f"{left[0]['LogicalResourceId']}: {left[0].get('ResourceStatusReason', '')}"
    raise WorkshopError(
        f"{name} can't be deleted: {reason}", "Remove the cause, then run `destroy(cloud)` again."
    )


@waiting("Waiting until the Flink application has stopped")
def _stop_application(cloud: Cloud) -> None:
    analytics, name = cloud.client("kinesisanalyticsv2"), cloud.name("analytics")

    def is_stopped() -> bool:
        status = application_status(cloud)
        if status in ("RUNNING", "STARTING", "UPDATING", "AUTOSCALING"):
            print(f"Stopping {name} ...")
            # By force, without a snapshot: the application is deleted next. If its status has
            # changed meanwhile, the next round reads it again.
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
        print(f"  {deleted} objects deleted from {bucket}")


def _undeleted(cloud: Cloud, stack: dict[str, Any]) -> list[dict[str, Any]]:
    name = stack["StackId"]
    all_ = cloud.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    return [resource for resource in all_ if resource["ResourceStatus"] == "DELETE_FAILED"]
