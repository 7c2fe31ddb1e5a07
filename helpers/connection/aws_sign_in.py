"""`connect("aws")`: shows the account, the region and the costs, and asks for a confirmation."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import boto3
from IPython.core.error import StdinNotImplementedError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import home, read_json, write_json
from helpers.deployment.stacks import MODULES, describe, stack_name
from helpers.planning.monthly_cost import counting_hour
from helpers.planning.prices import hourly

from .flink_dependencies import dependencies
from .preflight import preflight
from .preflight_identity import short_arn
from .preflight_report import State
from .public_ip import frontend_parameters
from .region import SERVICES, check_region

# A working day: one question for all notebooks of a day, and a new one on the next day.
CONFIRMED_SECONDS = 8 * 3600


def sign_in(session: boto3.Session, prefix: str, confirm: bool, *, check: bool = True) -> Cloud:
    """Return a Cloud in the account of a session's credentials, once its costs are confirmed.

    Args:
        session: its credentials and region are used.
        prefix: the first part of every resource's name.
        confirm: True confirms the costs; else a question asks for it, once in eight hours for
            each account, region and prefix.
        check: False leaves out `preflight`.

    Raises:
        WorkshopError: no credentials, no region, a region without one of the services, calls that
            would not go to AWS, a check that failed, or costs that are not confirmed.

    Example:
        `sign_in(boto3.Session(), "rwa", confirm=False)`
    """
    check_region(session)
    cloud = Cloud(
        session,
        account="",
        prefix=prefix,
        extras={"analytics": dependencies},
        parameters={"1-frontend": frontend_parameters},
    )
    refuse_other_endpoints(cloud)
    with explained():
        identity = cloud.client("sts").get_caller_identity()
    cloud = replace(cloud, account=identity["Account"])
    who = short_arn(identity["Arn"])
    print(f"AWS account {cloud.account}, region {cloud.region}, as {who}.")
    if check:
        _check(cloud)
    _print_deployed(cloud)
    print(
        f"The resources of all modules cost about ${hourly():.2f} an hour, and "
        f"${counting_hour():.2f} more while beacons are counted (prices of us-east-1), "
        "until you run `destroy(cloud)`."
    )
    if confirm:
        _store_confirmation(cloud)
    else:
        _ask(cloud)
    return cloud


def _check(cloud: Cloud) -> None:
    """Run a preflight, print what it warns of, and raise an error if a check failed."""
    report = preflight(cloud)
    passed, others = report.of(State.OK), report.of(State.WARNING, State.UNKNOWN)
    print(f"✓ {len(passed)} of {len(report.lines)} checks passed; preflight(cloud) shows each.")
    for line in others:
        print(line)
    report.raise_if_blocked()


def refuse_other_endpoints(cloud: Cloud) -> None:
    """Raise an error if a setting such as AWS_ENDPOINT_URL directs calls to an emulator.

    Args:
        cloud: its clients are created.

    Raises:
        WorkshopError: calls would not go to AWS.
    """
    suffix = re.compile(r"\.(amazonaws\.com(\.cn)?|aws|api\.aws|amazonwebservices\.com\.cn)$")
    for service in ["sts", *SERVICES]:
        url = cloud.client(service).meta.endpoint_url
        if not suffix.search(urlsplit(url).hostname or ""):
            raise WorkshopError(
                f"Calls to {service} would go to {url}, which is not AWS.",
                "Remove AWS_ENDPOINT_URL (or endpoint_url in ~/.aws/config) and restart the "
                'kernel, or use connect("local").',
            )


def _print_deployed(cloud: Cloud) -> None:
    with explained():
        stacks = {module: describe(cloud, stack_name(cloud, module)) for module in MODULES}
    deployed = {module: stack for module, stack in stacks.items() if stack}
    if deployed:
        since = min(stack["CreationTime"] for stack in deployed.values())
        print(
            f"Deployed here as {cloud.prefix}: {', '.join(deployed)} "
            f"(since {since:%Y-%m-%d %H:%M} UTC)."
        )


def _ask(cloud: Cloud) -> None:
    confirmed = _confirmations().get(_key(cloud), 0)
    if 0 <= time.time() - confirmed < CONFIRMED_SECONDS:
        print(f"You confirmed these costs at {datetime.fromtimestamp(confirmed, UTC):%H:%M} UTC.")
        return
    try:
        answer = input("Type yes to confirm: ")
    # A script without a terminal, or a kernel without a front end.
    except (EOFError, StdinNotImplementedError):
        raise WorkshopError(
            "These costs were not confirmed, because no input is possible here.",
            'Confirm them in the cell: connect("aws", confirm=True).',
        ) from None
    if answer.strip().strip("\"'").lower() not in ("yes", "y"):
        raise WorkshopError(
            "You did not type yes, so nothing was started, and there are no costs.",
            'Run this cell again and type yes, or use connect("local"), which is free.',
        )
    _store_confirmation(cloud)


def _store_confirmation(cloud: Cloud) -> None:
    write_json(home() / "yes.json", _confirmations() | {_key(cloud): time.time()})


def _confirmations() -> dict[str, float]:
    return read_json(home() / "yes.json", default={})


def _key(cloud: Cloud) -> str:
    return f"{cloud.account}/{cloud.region}/{cloud.prefix}"
