"""Finds the workshop's resources that are left after its clean-up: by name, and by tag."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.cloud import Cloud

from .flink_application import application_status

TAG = {"Key": "workshop", "Values": ["realtime-web-analytics"]}
_TAGGED = "tagged "
# The services, as in ARNs, all of whose resources are searched by name.
_BY_NAME = {
    "athena", "autoscaling", "cloudformation", "cloudwatch", "dynamodb", "elasticloadbalancing",
    "firehose", "glue", "iam", "kinesis", "kinesisanalytics", "lambda", "logs", "s3", "scheduler",
    "sns", "sqs",
}  # fmt: skip
_STACK = "aws:cloudformation:stack-name"  # CloudFormation's tag on each resource of a stack
# kind, client, the call that lists, the key of its list, the key of a name (if any)
_LISTINGS = [
    ("stack", "cloudformation", "describe_stacks", "Stacks", "StackName"),
    ("stream", "kinesis", "list_streams", "StreamNames", None),
    ("delivery", "firehose", "list_delivery_streams", "DeliveryStreamNames", None),
    ("bucket", "s3", "list_buckets", "Buckets", "Name"),
    ("table", "dynamodb", "list_tables", "TableNames", None),
    ("function", "lambda", "list_functions", "Functions", "FunctionName"),
    ("schedule", "scheduler", "list_schedules", "Schedules", "Name"),
    ("fleet", "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups",
     "AutoScalingGroupName"),
    ("launch template", "ec2", "describe_launch_templates", "LaunchTemplates",
     "LaunchTemplateName"),
    ("load balancer", "elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ("target group", "elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    ("alarm", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("dashboard", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("queue", "sqs", "list_queues", "QueueUrls", None),
    ("topic", "sns", "list_topics", "Topics", "TopicArn"),
    ("parameter", "ssm", "describe_parameters", "Parameters", "Name"),
    ("workgroup", "athena", "list_work_groups", "WorkGroups", "Name"),
    ("role", "iam", "list_roles", "Roles", "RoleName"),
    ("instance profile", "iam", "list_instance_profiles", "InstanceProfiles",
     "InstanceProfileName"),
]  # fmt: skip

# What is found only by its tag, and EC2 deletes slowly or lists long after: its kind in an ARN ->
# client, the call that describes it, the parameter of its id, the key of the answer.
_IN_EC2 = {
    "instance": ("ec2", "describe_instances", "InstanceIds", "Reservations"),
    "internet-gateway": ("ec2", "describe_internet_gateways", "InternetGatewayIds",
                         "InternetGateways"),
    "launch-template": ("ec2", "describe_launch_templates", "LaunchTemplateIds",
                        "LaunchTemplates"),
    "route-table": ("ec2", "describe_route_tables", "RouteTableIds", "RouteTables"),
    "security-group": ("ec2", "describe_security_groups", "GroupIds", "SecurityGroups"),
    "subnet": ("ec2", "describe_subnets", "SubnetIds", "Subnets"),
    "volume": ("ec2", "describe_volumes", "VolumeIds", "Volumes"),
    "vpc": ("ec2", "describe_vpcs", "VpcIds", "Vpcs"),
}  # fmt: skip
# States in which nothing is billed any more, of instances and volumes.
_ENDED = {"terminated", "deleting", "deleted"}

# As in the templates. (In an account's list, other log groups may begin with the prefix, too.)
_LOG_GROUPS = (
    "/aws/kinesis-analytics/{}-analytics",
    "/aws/kinesisfirehose/{}-archive",
    "/aws/lambda/{}-expiry",
    "/aws/lambda/{}-process-metrics",
    "/aws/lambda/{}-publish-metrics",
)


def remaining(cloud: Cloud) -> list[str]:
    """Return the workshop's resources that are left, whether or not a stack created them.

    Those found by name come first, from every service that the workshop uses. Those found by the
    tag `workshop` follow: networks, servers and keys have no names. AWS lists tags of deleted
    resources, too, for minutes or longer, so each of them is looked up in its own service.

    Example:
        `remaining(cloud)` -> `["stream rwa-clicks", "tagged arn:aws:ec2:...:vpc/vpc-0a1b"]`
    """
    left = [f"{kind} {name}" for kind, name in _by_name(cloud)]
    return left + [_TAGGED + arn for arn in _by_tag(cloud)]


def named(left: list[str]) -> bool:
    """Return whether any of the resources is certainly left: it was found in a list that is never
    out of date. AWS may list a tag or a table for some time after the resource was deleted."""
    return any(not entry.startswith((_TAGGED, "table ")) for entry in left)


def pages(client: Any, call: str, **arguments: Any) -> Iterator[dict]:  # noqa: ANN401
    """Yield the answers of a call that lists resources, whether or not it is paginated.

    Args:
        client: a boto3 client.
        call: the name of its method, e.g. `"list_streams"`.
        arguments: the call's.
    """
    if client.can_paginate(call):
        yield from client.get_paginator(call).paginate(**arguments)
    else:
        yield getattr(client, call)(**arguments)


def log_groups(cloud: Cloud) -> list[str]:
    """Return the names of the workshop's existing log groups.

    Example:
        `log_groups(cloud)` -> `["/aws/lambda/rwa-process-metrics"]`
    """
    ours = {name.format(cloud.prefix) for name in _LOG_GROUPS}
    listed = pages(cloud.client("logs"), "describe_log_groups")
    names = {found["logGroupName"] for page in listed for found in page["logGroups"]}
    return sorted(names & ours)


def own_alarms(cloud: Cloud) -> list[str]:
    """Return the names of alarms of this pipeline's metrics, e.g. those that a learner created.

    Their names begin with the prefix, and a metric has the dimension Stack with the prefix: so they
    are of no other pipeline in the account.

    Example:
        `own_alarms(cloud)` -> `["rwa-my-anomaly"]`
    """
    listed = pages(cloud.client("cloudwatch"), "describe_alarms", AlarmNamePrefix=cloud.name(""))
    ours = {"Name": "Stack", "Value": cloud.prefix}
    return [
        alarm["AlarmName"]
        for page in listed
        for alarm in page["MetricAlarms"]
        if any(ours in dimensions for dimensions in _dimensions(alarm))
    ]


def _dimensions(alarm: dict[str, Any]) -> Iterator[list[dict[str, str]]]:
    yield alarm.get("Dimensions", [])
    for query in alarm.get("Metrics", []):  # of an alarm by metric math
        yield query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])


def _by_name(cloud: Cloud) -> Iterator[tuple[str, str]]:
    if application_status(cloud):
        name = cloud.name("analytics")
        yield "application", name
        # They are deleted with their application; until then each is billed.
        listed = pages(
            cloud.client("kinesisanalyticsv2"), "list_application_snapshots", ApplicationName=name
        )
        for page in listed:
            for snapshot in page["SnapshotSummaries"]:
                yield "snapshot", snapshot["SnapshotName"]
    # By its name, because listing all databases would need permission for all of them.
    glue, database = cloud.client("glue"), f"{cloud.prefix}_archive"
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name=database)
        yield "database", database
    yield from (("log group", name) for name in log_groups(cloud))
    for kind, service, call, key, name_key in _LISTINGS:
        for page in pages(cloud.client(service), call):
            for found in page.get(key, []):
                whole = found[name_key] if name_key else found
                # Queues are listed as URLs, topics as ARNs: use the last part.
                last = whole.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
                is_ours = last.startswith(cloud.name("")) or whole.startswith(f"/{cloud.prefix}/")
                if is_ours and not (kind == "stream" and _is_gone(cloud, last)):
                    yield kind, whole if kind == "parameter" else last


def _is_gone(cloud: Cloud, stream: str) -> bool:
    """Return whether a stream does not exist: AWS's list has a deleted one for some seconds."""
    kinesis = cloud.client("kinesis")
    try:
        kinesis.describe_stream_summary(StreamName=stream)
    except kinesis.exceptions.ResourceNotFoundException:
        return True
    return False


def _by_tag(cloud: Cloud) -> Iterator[str]:
    tagging = cloud.client("resourcegroupstaggingapi")
    for page in pages(tagging, "get_resources", TagFilters=[TAG]):
        for found in page["ResourceTagMappingList"]:
            tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
            # Another workshop in this account has the same tag, but another prefix.
            stack = tags.get(_STACK, cloud.name("?"))
            arn = found["ResourceARN"]
            is_ours = stack.startswith(cloud.name(""))
            if is_ours and not _is_listed(cloud, arn) and not _is_ended(cloud, arn):
                yield arn


def _is_listed(cloud: Cloud, arn: str) -> bool:
    """Return whether a resource is searched by name: the list of tags may be out of date."""
    starts = (f"{cloud.prefix}-", f"{cloud.prefix}_")
    _, _, service, _, _, *parts = re.split("[:/]", arn)
    if service == "ssm":
        return parts[:2] == ["parameter", cloud.prefix]
    return service in _BY_NAME and any(part.startswith(starts) for part in parts)


def _is_ended(cloud: Cloud, arn: str) -> bool:
    """Return whether a listed resource costs nothing any more: it is deleted, or soon will be."""
    _, _, service, _, _, kind, *rest = re.split("[:/]", arn)
    try:
        if service == "kms":
            key = cloud.client("kms").describe_key(KeyId=rest[-1])["KeyMetadata"]
            return key["KeyState"] == "PendingDeletion"
        if kind == "event-source-mapping":
            listed = pages(cloud.client("lambda"), "list_event_source_mappings")
            mappings = [found for page in listed for found in page["EventSourceMappings"]]
            return all(
                found["State"] == "Deleting" for found in mappings if found["UUID"] == rest[-1]
            )
        if service == "ec2" and kind in _IN_EC2:
            return all(state in _ENDED for state in _states(cloud, kind, rest[-1]))
    except ClientError as error:
        if error.response["Error"]["Code"].endswith(("NotFound", "NotFoundException")):
            return True
        raise
    return False


def _states(cloud: Cloud, kind: str, what: str) -> list[str]:
    """Return the state of a resource in EC2, as a list: it is empty if there is none."""
    service, call, parameter, key = _IN_EC2[kind]
    answers = pages(cloud.client(service), call, **{parameter: [what]})
    found = [entry for page in answers for entry in page[key]]
    if kind == "instance":
        return [server["State"]["Name"] for group in found for server in group["Instances"]]
    return [entry.get("State", "") for entry in found]
