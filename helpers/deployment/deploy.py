"""Put a module's resources into the cloud: `deploy(cloud, "1-capture")`, safe to run again."""

import time
import uuid
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained, remedy_for
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.core.text import day
from helpers.core.waiting import backoff_delays, waiting

from . import expiry
from .code_upload import upload
from .destroy import delete_stack
from .metric_catalog import seed_catalog
from .stack_progress import Progress, rows
from .stacks import (
    BROUGHT,
    EXPIRY,
    FAILED_FIRST,
    NEEDS,
    describe,
    is_busy,
    is_usable,
    outputs,
    stack_name,
    template,
    wait_for_stack,
)

__all__ = ["deploy", "outputs"]

# The code a module runs: the template's parameter -> (name of its zip, its folder).
CODE = {
    "1-frontend": {
        "FleetKey": ("fleet", "assets/fleet"),
        "AgentKey": ("agent", "assets/agent"),
        "SiteKey": ("site", "assets/site"),
    },
    "2-analyze": {
        "AnalyticsKey": ("analytics", "assets/flink"),
        "ProcessMetricsKey": ("process-metrics", "assets/functions/process_metrics"),
    },
    "3-visualize": {
        "PublishMetricsKey": ("publish-metrics", "assets/functions/publish_metrics"),
    },
}
TAG = {"Key": "workshop", "Value": "realtime-web-analytics"}


def deploy(cloud: Cloud, module: str, **parameters: Any) -> dict[str, str]:  # noqa: ANN401
    """Create or update a module's stack, show its resources as they come up, return its outputs.

    Code that the module runs is packaged and uploaded first. A stack that is up to date is left
    alone; one whose creation failed is removed and made again; one that is busy is waited for.
    With `"1-capture"` comes `"0-expiry"`: on AWS it deletes everything after eight hours, unless
    `extend_expiry` is told otherwise. With `"1-frontend"` comes `"1-network"`.

    Args:
        cloud: where to.
        module: `"1-capture"`, `"1-frontend"`, `"2-analyze"` or `"3-visualize"`.
        parameters: the template's parameters by name; what is not given stays as it was, or
            is what `cloud.parameters` says of a new stack, or the template's default.

    Raises:
        NotDeployed: a module that must come first is not deployed.
        NotSignedIn: there are no AWS credentials.
        WorkshopError: an unknown module or parameter, or a resource that failed (the first one,
            with AWS's reason).

    Example:
        `deploy(cloud, "1-capture", ShardCount=2)["ClicksStream"]` -> `"rwa-clicks"`
    """
    name, text = stack_name(cloud, module), template(module)
    with explained():
        _check_needs(cloud, module)
        stack = _ready_for_change(cloud, name)
        given = {key: str(value) for key, value in parameters.items()}
        if stack is None and module in cloud.parameters:
            given = cloud.parameters[module](given) | given
        with waiting(f"Packing and uploading the code of {name}"):
            given |= _upload_code(cloud, module)
        if module == EXPIRY:
            given = expiry.parameters(cloud, stack) | given
        values = _parameters(cloud, text, stack, given | {"Prefix": cloud.prefix})
        token = f"deploy-{uuid.uuid4()}"
        stack_id = _begin(cloud, name, text, values, token, stack)
        if module == "1-capture" and expiry.is_over(describe(cloud, stack_name(cloud, EXPIRY))):
            deploy(cloud, EXPIRY)  # while the stack comes up: nothing stands without it
        if stack_id:
            _watch(cloud, name, stack_id, token, "updating" if stack else "creating")
        else:
            print(f"✓ {name} is up to date.")
        if module == "2-analyze":
            seed_catalog(cloud)
        if module == EXPIRY and (over := expiry.expires_at(describe(cloud, name))):
            end = f"{over:%H:%M} UTC on {day(over)}"
            print(
                f"On AWS, all of {cloud.prefix} is deleted at {end}; extend_expiry(cloud) delays."
            )
        return outputs(cloud, module)


def extend_expiry(cloud: Cloud, hours: float = expiry.HOURS) -> None:
    """Let the workshop stand for so many hours from now; shorter than before is possible too.

    On AWS a schedule deletes all its stacks then, even if this machine is off. (The local target
    ends by itself; there the schedule is only noted.)

    Args:
        cloud: where module 1 is deployed.
        hours: from now on, 0.25 to 168 (a week).

    Raises:
        NotDeployed: nothing is deployed.
        WorkshopError: the hours are out of bounds.

    Example:
        `extend_expiry(cloud, 4)` prints `On AWS, all of rwa is deleted at 18:00 UTC ...`
    """
    if not 0.25 <= hours <= expiry.LONGEST_HOURS:
        raise WorkshopError(
            f"The workshop can't expire {hours} hours from now.",
            f"Give hours between 0.25 and {expiry.LONGEST_HOURS}; "
            "destroy(cloud) deletes it at once.",
        )
    with explained():
        stack = describe(cloud, stack_name(cloud, EXPIRY))
    if not is_usable(stack):
        raise NotDeployed(f"The stack {stack_name(cloud, EXPIRY)}", "1-capture")
    deploy(cloud, EXPIRY, **expiry.times(hours))


def _check_needs(cloud: Cloud, module: str) -> None:
    for earlier in NEEDS[module]:
        if is_usable(describe(cloud, stack_name(cloud, earlier))):
            continue
        if earlier == BROUGHT:
            deploy(cloud, earlier)
            continue
        stack = stack_name(cloud, earlier)
        raise NotDeployed(f"The stack {stack}, on which module {module} builds,", earlier)


def _ready_for_change(cloud: Cloud, name: str) -> dict[str, Any] | None:
    stack = wait_for_stack(cloud, name)
    if stack is None:
        return None
    if TAG not in stack.get("Tags", []):
        raise WorkshopError(
            f"There is a stack {name} that is not this workshop's: prefix {cloud.prefix} is taken.",
            'Choose another one, e.g. `connect("aws", prefix="rwa2")`, and begin again.',
        )
    if stack["StackStatus"] in FAILED_FIRST:
        print(f"{name} failed before ({stack['StackStatus']}): removing what it left.")
        delete_stack(cloud, name)
        return None
    if not is_usable(stack) or stack["StackStatus"].endswith("FAILED"):
        raise WorkshopError(
            f"{name} can't be updated: it is {stack['StackStatus']}.",
            "Run `destroy(cloud)`, then deploy the modules again.",
        )
    return stack


def _upload_code(cloud: Cloud, module: str) -> dict[str, str]:
    return {
        parameter: upload(cloud, name, REPOSITORY / folder)
        for parameter, (name, folder) in CODE.get(module, {}).items()
    }


def _parameters(
    cloud: Cloud, text: str, stack: dict[str, Any] | None, given: dict[str, str]
) -> list[dict[str, Any]]:
    summary = cloud.client("cloudformation").get_template_summary(TemplateBody=text)
    known = [parameter["ParameterKey"] for parameter in summary["Parameters"]]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise WorkshopError(
            f"The template has no parameter {unknown[0]}.", f"It has: {', '.join(known)}."
        )
    kept = {parameter["ParameterKey"] for parameter in (stack or {}).get("Parameters", [])}
    kept = kept.intersection(known) - set(given)
    return [{"ParameterKey": key, "ParameterValue": given[key]} for key in sorted(given)] + [
        {"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)
    ]


def _begin(
    cloud: Cloud,
    name: str,
    text: str,
    values: list[dict[str, Any]],
    token: str,
    stack: dict[str, Any] | None,
) -> str | None:
    """Ask for the stack to be created or updated; None where there is nothing to update."""
    cloudformation = cloud.client("cloudformation")
    arguments = {
        "StackName": name,
        "TemplateBody": text,
        "Parameters": values,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ClientRequestToken": token,
        "Tags": [TAG],
    }
    try:
        if stack is None:
            return cloudformation.create_stack(**arguments)["StackId"]
        return cloudformation.update_stack(**arguments)["StackId"]
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if "No updates are to be performed" in message:
            return None
        if code == "AlreadyExistsException" or "_IN_PROGRESS state" in message:
            raise WorkshopError(
                f"Somebody else is deploying {name} right now.",
                "Run this cell again: it waits until that has ended.",
            ) from None
        if code == "ValidationError":
            raise WorkshopError(
                f"CloudFormation did not accept {name}: {message}",
                "Correct the value in this cell, then run it again.",
            ) from None
        raise


def _watch(cloud: Cloud, name: str, stack_id: str, token: str, doing: str) -> None:
    progress = Progress(f"{name}: {doing}")
    for pause in backoff_delays():
        # The status first: events that come after it are shown in the last round at least.
        stack = describe(cloud, stack_id) or {}  # by its id it is there even when deleted
        events = _events(cloud, stack_id, token)
        if not is_busy(stack):
            break
        progress.show(rows(events))
        time.sleep(pause)
    if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        progress.show(rows(events), f"✓ {name} is ready.")
        return
    progress.show(rows(events), f"✗ {name}: {stack['StackStatus']}")
    raise _failure(cloud, name, stack, events)


def _events(cloud: Cloud, stack_id: str, token: str) -> list[dict[str, Any]]:
    """Return this operation's events, oldest first (CloudFormation lists the newest first)."""
    found: list[dict[str, Any]] = []
    pages = cloud.client("cloudformation").get_paginator("describe_stack_events")
    for page in pages.paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event.get("ClientRequestToken") != token:
                return found[::-1]
            found.append(event)
    return found[::-1]


def _failure(
    cloud: Cloud, name: str, stack: dict[str, Any], events: list[dict[str, Any]]
) -> WorkshopError:
    for event in events:
        reason = event.get("ResourceStatusReason", "")
        is_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
        # When one resource fails, those still being made are cancelled and "fail" too.
        if event["ResourceStatus"].endswith("_FAILED") and not is_stack and "cancel" not in reason:
            what = f"{event['LogicalResourceId']} ({event['ResourceType']})"
            return WorkshopError(f"{name} failed at {what}: {reason}", remedy_for(reason))
    reason = _refused_before_start(cloud, stack) or stack.get(
        "StackStatusReason", "no reason given"
    )
    return WorkshopError(f"{name} failed ({stack['StackStatus']}): {reason}", remedy_for(reason))


def _refused_before_start(cloud: Cloud, stack: dict[str, Any]) -> str | None:
    """Return the first error of CloudFormation's validation, which is no resource's event."""
    found = cloud.client("cloudformation").describe_events(StackName=stack["StackId"])
    errors = [e for e in found["OperationEvents"] if e.get("EventType") == "VALIDATION_ERROR"]
    if not errors:
        return None
    first = min(errors, key=lambda event: event["Timestamp"])
    return f"{first.get('LogicalResourceId')}: {first.get('ValidationStatusReason')}"
