"""Preflight: each service of the workshop is in the region, and answers this account."""

import re
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    SSLError,
)

from helpers.core.aws_errors import explanation
from helpers.core.errors import NotSignedIn, TargetStopped, TemporaryFailure, WorkshopError
from helpers.deployment.stacks import template

from .preflight_probe import Probe
from .preflight_report import CHECK_NETWORK, Line, State
from .region import SERVICES, check_region

# A call of each service that reads, costs nothing, and is in policy/1-calls.json. (KMS has none, as
# its key does not exist yet, and only CloudFormation calls Application Auto Scaling.) {} is the
# prefix.
CALLS = [
    ("athena", "list_work_groups", {}),
    ("autoscaling", "describe_auto_scaling_groups", {"AutoScalingGroupNames": ["{}-fleet"]}),
    ("cloudformation", "describe_stacks", {"StackName": "{}-1-capture"}),
    ("cloudwatch", "list_dashboards", {"DashboardNamePrefix": "{}-"}),
    ("dynamodb", "list_tables", {"Limit": 1}),
    ("elbv2", "describe_load_balancers", {"Names": ["{}-fleet"]}),
    ("firehose", "list_delivery_streams", {"Limit": 1}),
    ("glue", "get_database", {"Name": "{}_archive"}),
    ("kinesis", "describe_limits", {}),
    ("kinesisanalyticsv2", "describe_application", {"ApplicationName": "{}-analytics"}),
    ("lambda", "get_account_settings", {}),
    ("logs", "describe_log_groups", {"limit": 1}),
    ("resourcegroupstaggingapi", "get_resources", {"ResourcesPerPage": 1}),
    ("s3", "list_buckets", {}),
    ("scheduler", "list_schedules", {"MaxResults": 1}),
    ("sns", "list_topics", {}),
    ("sqs", "list_queues", {"QueueNamePrefix": "{}-"}),
    ("ssm", "describe_parameters", {"MaxResults": 1}),
    ("ec2", "describe_vpcs", {"MaxResults": 5}),
]  # fmt: skip
AT_ONCE = 10
_NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
_NOT_OPEN = ("OptInRequired", "SubscriptionRequiredException")


def services(probe: Probe) -> Line:
    """Return the line of the region and its services.

    A refused permission is an answer, too: the line of the permissions has it.

    Args:
        probe: its clients are created.
    """
    try:
        check_region(probe.cloud.session)
    except WorkshopError as error:
        return Line("region", State.FAILURE, error.cause, error.remedy)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda call: _ask(probe, *call), CALLS))
    for state in (State.FAILURE, State.UNKNOWN):
        bad = [(call[0], found[1]) for call, found in zip(CALLS, results, strict=True)
               if found and found[0] is state]  # fmt: skip
        if bad:
            first = bad[0][1]
            text = f"{', '.join(name for name, _ in bad)} in {probe.cloud.region}: {first.cause}"
            if state is State.UNKNOWN:
                text = f"could not be checked: {text}"
            return Line("region", state, text, first.remedy)
    return Line(
        "region",
        State.OK,
        f"{probe.cloud.region} has all {len(SERVICES)} services, and they answer. ({len(CALLS)} "
        f"were asked; no call lists Managed Flink's runtimes, of which {_runtime()} is used.)",
    )


def _ask(probe: Probe, service: str, call: str, arguments: dict) -> tuple | None:
    """Call a service; return None if it answers, else the state and the error."""
    prefix = probe.cloud.prefix
    filled = {name: _filled(value, prefix) for name, value in arguments.items()}
    try:
        getattr(probe.client(service), call)(**filled)
    except Exception as error:  # whatever a proxy answers, the other services are checked
        known = explanation(error)
        if known is None and isinstance(error, ClientError):
            return None  # e.g. it has no such application: it answers
        if known is None:
            what = WorkshopError(f"{type(error).__name__}: {error}", CHECK_NETWORK)
            return State.UNKNOWN, what
        if isinstance(known, TargetStopped) or isinstance(error, _NOT_REACHED):
            state = State.FAILURE if isinstance(error, _NOT_REACHED) else State.UNKNOWN
            return state, WorkshopError(known.cause, CHECK_NETWORK)
        if isinstance(known, TemporaryFailure):
            return State.UNKNOWN, known
        return (State.FAILURE, known) if _blocks(error, known) else None
    return None


def _blocks(error: Exception, known: WorkshopError) -> bool:
    """Return whether the account or its organisation is closed to a service."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    by_organisation = "service control policy" in str(error)
    return code in _NOT_OPEN or by_organisation or isinstance(known, NotSignedIn)


def _filled(value: object, prefix: str) -> object:
    if isinstance(value, list):
        return [_filled(each, prefix) for each in value]
    return value.replace("{}", prefix) if isinstance(value, str) else value


def _runtime() -> str:
    found = re.search(r"RuntimeEnvironment: (\S+)", template("2-analyze"))
    assert found, "cfn/2-analyze.yaml has no runtime"
    return found[1]
