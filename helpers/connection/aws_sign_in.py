"""`connect("aws")`: whose account, which region, what it costs; and a yes before anything does."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import UnknownRegionError
from IPython.core.error import StdinNotImplementedError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import home, read_json, write_json
from helpers.deployment.stacks import MODULES, describe, stack_name
from helpers.planning.monthly_cost import counting_hour
from helpers.planning.prices import hourly

from .flink_dependencies import dependencies
from .public_ip import frontend_parameters

# What the stacks are made of, by boto3's names. (IAM and STS answer for every region.)
SERVICES = [
    "athena", "autoscaling", "cloudformation", "cloudwatch", "dynamodb", "ec2", "elbv2", "firehose",
    "glue", "kinesis", "kinesisanalyticsv2", "kms", "lambda", "logs", "resourcegroupstaggingapi",
    "s3", "scheduler", "sns", "sqs", "ssm",
]  # fmt: skip
# A working day: nobody is asked once a notebook, and nobody spends on last week's yes.
YES_SECONDS = 8 * 3600


def sign_in(session: boto3.Session, prefix: str, confirm: bool) -> Cloud:
    """Return a Cloud in the account of a session's credentials, after a yes to its costs.

    Args:
        session: whose credentials and region are used.
        prefix: what every name begins with.
        confirm: True if the yes is said already; else it is asked for, once in eight hours for
            each account, region and prefix.

    Raises:
        WorkshopError: no credentials, no region, a region without one of the services, calls that
            would not go to AWS, or no yes.

    Example:
        `sign_in(boto3.Session(), "rwa", confirm=False)`
    """
    check_region(session)
    anyone = Cloud(
        session,
        account="",
        prefix=prefix,
        extras={"analytics": dependencies},
        parameters={"1-frontend": frontend_parameters},
    )
    _refuse_other_endpoints(anyone)
    with explained():
        identity = anyone.client("sts").get_caller_identity()
    cloud = replace(anyone, account=identity["Account"])
    who = short_arn(identity["Arn"])
    print(f"AWS account {cloud.account}, region {cloud.region}, as {who}.")
    if who == "root":
        print("! This is the account's root user, who may do anything: better sign in as a role.")
    _print_deployed(cloud)
    print(
        f"What the modules deploy costs about ${hourly():.2f} an hour, and "
        f"${counting_hour():.2f} more while beacons are counted (prices of us-east-1), "
        "until `destroy(cloud)`."
    )
    if confirm:
        _note_yes(cloud)
    else:
        _ask(cloud)
    return cloud


def check_region(session: boto3.Session) -> None:
    """Check that a session's region has every service that the workshop needs.

    Raises:
        WorkshopError: no region is set, there is none of that name, or a service is missing.

    Example:
        `check_region(boto3.Session(region_name="us-east-1"))`
    """
    region = session.region_name
    elsewhere = "Run `%env AWS_DEFAULT_REGION=us-east-1` (or another region), then this cell again."
    if region is None:
        raise WorkshopError("No AWS region is set.", elsewhere)
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        raise WorkshopError(f"There is no AWS region called {region!r}.", elsewhere) from None
    has = {name: session.get_available_regions(name, partition) for name in SERVICES}
    missing = [name for name, regions in has.items() if region not in regions]
    if len(missing) == len(SERVICES):
        # botocore's list is as old as botocore: a region newer than it looks like a slip.
        raise WorkshopError(f"There is no AWS region {region!r} that boto3 knows.", elsewhere)
    if missing:
        raise WorkshopError(
            f"The region {region} lacks what the workshop needs: {', '.join(missing)}.", elsewhere
        )


def short_arn(arn: str) -> str:
    """Return who an ARN is, without the account: `role/session`, `user/name` or `root`.

    Example:
        >>> short_arn("arn:aws:sts::111122223333:assumed-role/Learner/alice")
        'Learner/alice'
    """
    return arn.split(":", 5)[5].removeprefix("assumed-role/")


def _refuse_other_endpoints(cloud: Cloud) -> None:
    """Refuse to call it AWS when AWS_ENDPOINT_URL, say, leads to an emulator."""
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
        found = {module: describe(cloud, stack_name(cloud, module)) for module in MODULES}
    standing = {module: stack for module, stack in found.items() if stack}
    if standing:
        since = min(stack["CreationTime"] for stack in standing.values())
        print(
            f"Deployed here as {cloud.prefix}: {', '.join(standing)} "
            f"(since {since:%Y-%m-%d %H:%M} UTC)."
        )


def _ask(cloud: Cloud) -> None:
    said = _answers().get(_key(cloud), 0)
    if 0 <= time.time() - said < YES_SECONDS:
        print(f"You said yes to that at {datetime.fromtimestamp(said, UTC):%H:%M} UTC.")
        return
    try:
        answer = input("Type yes to go on: ")
    # A script without a terminal, or a kernel without a front end.
    except (EOFError, StdinNotImplementedError):
        raise WorkshopError(
            "Nobody is there to say yes to these costs, so nothing was started.",
            'Say it in the cell: connect("aws", confirm=True).',
        ) from None
    if answer.strip().strip("\"'").lower() not in ("yes", "y"):
        raise WorkshopError(
            "You did not say yes, so nothing was started, and nothing costs.",
            'Run this cell again and type yes, or use connect("local"), which is free.',
        )
    _note_yes(cloud)


def _note_yes(cloud: Cloud) -> None:
    write_json(home() / "yes.json", _answers() | {_key(cloud): time.time()})


def _answers() -> dict[str, float]:
    return read_json(home() / "yes.json", default={})


def _key(cloud: Cloud) -> str:
    return f"{cloud.account}/{cloud.region}/{cloud.prefix}"
