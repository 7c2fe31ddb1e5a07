"""Deploys a module's stack: `deploy(cloud, "1-capture")`, safe to run again."""

import time
import uuid
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained, remedy_for
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError, check_number
from helpers.core.paths import REPOSITORY
from helpers.core.text import day
from helpers.core.waiting import backoff_delays, waiting

from . import expiry, quotas, zones
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

# A module's code: the template's parameter -> (name of the zip, folder).
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
    """Create or update a module's stack, show the progress of its resources, return its outputs.

    The module's code is zipped and uploaded first. A stack that is up to date does not change; one
    whose creation failed is deleted and created again; while one is busy, `deploy` waits.
    `"1-capture"` also deploys `"0-expiry"`: on AWS it deletes everything after eight hours, unless
    you call `extend_expiry`. `"1-frontend"` also deploys `"1-network"`.

    Args:
        cloud: the target.
        module: `"1-capture"`, `"1-frontend"`, `"2-analyze"` or `"3-visualize"`.
        parameters: the template's parameters by name. Others keep their values; in a new stack,
            they have the value of `cloud.parameters`, or else the template's default.

    Raises:
        NotDeployed: a module on which this one depends is not deployed.
        NotSignedIn: there are no AWS credentials.
        WorkshopError: the module or a parameter is unknown, too few zones or vCPUs for the servers,
            or a resource failed (the first one is named, with AWS's reason).

    Example:
        `deploy(cloud, "1-capture", ShardCount=2)["ClicksStream"]` -> `"rwa-clicks"`
    """
    name, text = stack_name(cloud, module), template(module)
    with explained():
        given = {key: str(value) for key, value in parameters.items()}
        _check_needs(cloud, module, given)
        stack = _ready_for_change(cloud, name)
        if stack is None:
            given = _new_parameters(cloud, module, given) | given
        with waiting(f"Zipping and uploading the code of {name}"):
            for parameter, (zip_name, folder) in CODE.get(module, {}).items():
                given[parameter] = upload(cloud, zip_name, REPOSITORY / folder)
        if module == EXPIRY:
            given = expiry.parameters(cloud, stack) | given
        values = _parameters(cloud, text, stack, given | {"Prefix": cloud.prefix})
        token = f"deploy-{uuid.uuid4()}"
        stack_id = _begin(cloud, name, text, values, token, stack)
        if module == "1-capture" and expiry.is_over(describe(cloud, stack_name(cloud, EXPIRY))):
            deploy(cloud, EXPIRY)  # already while the stack is created: nothing lacks an expiry
        if stack_id:
            _watch(cloud, name, stack_id, token, "updating" if stack else "creating")
        else:
            print(f"✓ {name} is up to date.")
        if module == "2-analyze":
            seed_catalog(cloud)
        if module == EXPIRY and (over := expiry.expires_at(describe(cloud, name))):
            end = f"{over:%H:%M} UTC on {day(over)}"
            print(
                f"On AWS, all of {cloud.prefix} is deleted at {end}; "
                "extend_expiry(cloud) delays that."
            )
        return outputs(cloud, module)


def extend_expiry(cloud: Cloud, hours: float = expiry.HOURS) -> None:
    """Set the workshop to expire so many hours from now, later or earlier than before.

    On AWS a schedule then deletes all stacks, even if this machine is off. (The local target ends
    by itself; there, the schedule is stored but does nothing.)

    Args:
        cloud: the target where module 1 is deployed.
        hours: from now on, 0.25 to 168 (a week).

    Raises:
        NotDeployed: nothing is deployed.
        WorkshopError: the hours are out of bounds.

    Example:
        `extend_expiry(cloud, 4)` prints `On AWS, all of rwa is deleted at 18:00 UTC ...`
    """
    check_number("hours", hours, 0.25, expiry.LONGEST_HOURS)
    with explained():
        stack = describe(cloud, stack_name(cloud, EXPIRY))
    if not is_usable(stack):
        raise NotDeployed(f"The stack {stack_name(cloud, EXPIRY)}", "1-capture")
    deploy(cloud, EXPIRY, **expiry.times(hours))


def _check_needs(cloud: Cloud, module: str, given: dict[str, str]) -> None:
    for earlier in NEEDS[module]:
        is_there = is_usable(describe(cloud, stack_name(cloud, earlier)))
        if earlier == BROUGHT:
            _bring_network(cloud, given, is_there)
            continue
        if is_there:
            continue
        stack = stack_name(cloud, earlier)
        raise NotDeployed(f"The stack {stack}, on which module {module} depends,", earlier)


def _bring_network(cloud: Cloud, given: dict[str, str], is_there: bool) -> None:
    """Deploy the network of the servers, in zones that offer their instance type."""
    servers = describe(cloud, stack_name(cloud, zones.FRONTEND))
    wanted = zones.instance_type(servers, given)
    if not is_there and not is_usable(wait_for_stack(cloud, stack_name(cloud, BROUGHT))):
        deploy(cloud, BROUGHT, **zones.choose_zones(cloud, wanted))
    elif servers is None or "InstanceType" in given:
        zones.check_zones(cloud, wanted)


def _new_parameters(cloud: Cloud, module: str, given: dict[str, str]) -> dict[str, str]:
    """Return the parameters of a new stack that differ from the template's defaults."""
    values = cloud.parameters[module](given) if module in cloud.parameters else {}
    if module == BROUGHT and not set(zones.PARAMETERS) & set(given):
        values |= zones.choose_zones(cloud, zones.instance_type(None, {}))
    if module == zones.FRONTEND:
        size = (values | given).get("FleetSize", "1")
        if size.isdecimal():  # else the template names its bounds
            quotas.check_servers(cloud, int(size))
    return values


def _ready_for_change(cloud: Cloud, name: str) -> dict[str, Any] | None:
    stack = wait_for_stack(cloud, name)
    if stack is None:
        return None
    if TAG not in stack.get("Tags", []):
        raise WorkshopError(
            f"Another stack has the name {name}: the prefix {cloud.prefix} is taken.",
            'Choose another prefix, e.g. `connect("aws", prefix="rwa2")`, and begin again.',
        )
    if stack["StackStatus"] in FAILED_FIRST:
        print(f"{name} failed before ({stack['StackStatus']}): deleting it first.")
        delete_stack(cloud, name)
        return None
    if not is_usable(stack) or stack["StackStatus"].endswith("FAILED"):
        raise WorkshopError(
            f"{name} can't be updated: its status is {stack['StackStatus']}.",
            "Run `destroy(cloud)`, then deploy the modules again.",
        )
    return stack


def _parameters(
    cloud: Cloud, text: str, stack: dict[str, Any] | None, given: dict[str, str]
) -> list[dict[str, Any]]:
    summary = cloud.client("cloudformation").get_template_summary(TemplateBody=text)
    known = [parameter["ParameterKey"] for parameter in summary["Parameters"]]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise WorkshopError(
            f"The template has no parameter {unknown[0]}.", f"Use one of {', '.join(known)}."
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
    """Begin to create or update the stack and return its id; None if there is nothing to update."""
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
                f"Another deployment of {name} is in progress.",
                "Run this cell again: it waits for that deployment to end.",
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
        # Read the status before the events: the last round then shows all of them.
        stack = describe(cloud, stack_id) or {}  # an id finds deleted stacks, too
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
    pages = cloud.client("cloudformation").get_paginator("describe_stack_events")
    newest_first = (e for page in pages.paginate(StackName=stack_id) for e in page["StackEvents"])
    return list(takewhile(lambda e: e.get("ClientRequestToken") == token, newest_first))[::-1]


def _failure(
    cloud: Cloud, name: str, stack: dict[str, Any], events: list[dict[str, Any]]
) -> WorkshopError:
    for event in events:
        reason = event.get("ResourceStatusReason", "")
        is_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
        # When one resource fails, CloudFormation cancels the others: they "fail" too.
        if event["ResourceStatus"].endswith("_FAILED") and not is_stack and "cancel" not in reason:
            resource = f"{event['LogicalResourceId']} ({event['ResourceType']})"
            return WorkshopError(f"{name} failed at {resource}: {reason}", remedy_for(reason))
    reason = _validation_error(cloud, stack) or stack.get("StackStatusReason", "no reason given")
    return WorkshopError(f"{name} failed ({stack['StackStatus']}): {reason}", remedy_for(reason))


def _validation_error(cloud: Cloud, stack: dict[str, Any]) -> str | None:
    """Return the first error of CloudFormation's validation, which is not a resource's event."""
    events = cloud.client("cloudformation").describe_events(StackName=stack["StackId"])
    errors = [e for e in events["OperationEvents"] if e.get("EventType") == "VALIDATION_ERROR"]
    if not errors:
        return None
    first = min(errors, key=lambda event: event["Timestamp"])
    return f"{first.get('LogicalResourceId')}: {first.get('ValidationStatusReason')}"
