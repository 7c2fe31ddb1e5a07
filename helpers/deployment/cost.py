"""The cost of the deployed stacks on AWS: per hour, and since they were created."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.cloud import NAMESPACE, Cloud
from helpers.core.waiting import waiting
from helpers.planning.monthly_cost import counting_hour
from helpers.planning.prices import (
    DISK,
    TABLE_TRACKING_ALARMS,
    TRACKING_ALARMS,
    application_parts,
    per_million_beacons,
    price_list,
    rate,
    service_of,
)

from .stacks import MODULES, describe, parameters_of, stack_name

MINIMUM_RUN = 1 / 6  # hours: Managed Flink bills each start at least 10 minutes
Counts = dict[str, float]


@waiting("Reading what is deployed, and since when")
def cost(cloud: Cloud, limit: float = 10) -> pd.DataFrame:
    """Show what the deployed resources cost on AWS per hour, and have cost so far.

    The estimate assumes that each resource has had its present size since its stack was created;
    for the Flink application it uses the time that it ran. Free tiers and charges by use are not
    included, so AWS's bill differs from it. The bill is what you pay.

    Args:
        cloud: the target whose resources are priced.
        limit: dollars; a warning is shown when the cost so far reaches it.

    Returns:
        A frame with one row per service and a `Total`, and the columns `What`, `Dollars an hour`
        and `Dollars so far`.

    Raises:
        WorkshopError: the target does not answer, or the role lacks a permission.

    Example:
        `cost(cloud)`
    """
    now = datetime.now(UTC)
    with explained():
        lines = [line for module in MODULES for line in _module_lines(cloud, module, now)]
    frame = _by_service(lines)
    total = frame.loc["Total"]
    prices = price_list()
    print(
        f"On AWS: ${total['Dollars an hour']:.2f} an hour at the present size, "
        f"${total['Dollars so far']:.2f} so far.\n"
        f"Each million beacons adds ${per_million_beacons():.2f}, each hour in which beacons are "
        f"counted ${counting_hour():.2f}.\nPrices of {prices['region']}, {prices['date']}, without "
        "free tiers and data transfer."
    )
    if total["Dollars so far"] >= limit:
        print(
            f"⚠ More than ${limit:g} so far. Clean up with notebook 9 or destroy(cloud); "
            "stop_analytics(cloud) saves most of it."
        )
    return frame


def _by_service(lines: list[dict[str, Any]]) -> pd.DataFrame:
    dollars = ["Dollars an hour", "Dollars so far"]
    frame = pd.DataFrame(lines, columns=["Service", "Thing", "Count", *dollars])
    services = frame.groupby("Service", sort=False)[dollars].sum()
    things = frame.groupby(["Service", "Thing"], sort=False)["Count"].sum()
    what: dict[str, list[str]] = {service: [] for service in services.index}
    for (service, thing), count in things.items():
        what[service].append(f"{count:g} × {thing}" if count else "stopped")
    services.insert(0, "What", [", ".join(dict.fromkeys(parts)) for parts in what.values()])
    sums = frame[dollars].sum()
    services.loc["Total"] = ["", *(float(value) for value in sums)]
    return services


def _module_lines(cloud: Cloud, module: str, now: datetime) -> list[dict[str, Any]]:
    stack = describe(cloud, stack_name(cloud, module))
    if stack is None:
        return []
    hours = (now - stack["CreationTime"]).total_seconds() / 3600
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources")
    lines = []
    for page in pages.paginate(StackName=stack["StackId"]):
        for resource in page["StackResourceSummaries"]:
            kind, name = resource["ResourceType"], resource.get("PhysicalResourceId")
            if resource["ResourceStatus"].startswith("DELETE_COMPLETE") or not name:
                continue
            if kind == "AWS::KinesisAnalyticsV2::Application":
                lines += _application_lines(cloud, name, now)
            elif kind in PRICED:
                counts = PRICED[kind](cloud, name, stack)
                lines += [_line(thing, n, hours) for thing, n in counts.items() if n]
    if module == "3-visualize" and (metrics := _metrics(cloud)):
        lines.append(_line("metric", metrics, hours))
    return lines


def _line(thing: str, count: float, hours: float, runs: bool = True) -> dict[str, Any]:
    return {
        "Service": service_of(thing),
        "Thing": thing,
        "Count": count if runs else 0,
        "Dollars an hour": rate(thing, count) if runs else 0.0,
        "Dollars so far": rate(thing, count) * hours,
    }


def _application_lines(cloud: Cloud, name: str, now: datetime) -> list[dict[str, Any]]:
    client = cloud.client("kinesisanalyticsv2")
    detail = client.describe_application(ApplicationName=name)["ApplicationDetail"]
    pages = client.get_paginator("list_application_operations").paginate(ApplicationName=name)
    operations = [entry for page in pages for entry in page["ApplicationOperationInfoList"]]
    hours = hours_running(operations, now)
    runs = detail["ApplicationStatus"] not in ("READY", "DELETING")
    return [_line(thing, count, hours, runs) for thing, count in application_parts(detail).items()]


def hours_running(operations: list[dict[str, Any]], now: datetime) -> float:
    """Return how many hours of an application have been billed.

    Args:
        operations: the application's starts and stops, as ListApplicationOperations returns them.
        now: an aware datetime; an application that was not stopped is counted until then.

    Example:
        `hours_running([], now)` -> `0`
    """
    hours, started = 0.0, None
    for entry in sorted(operations, key=lambda entry: entry["StartTime"]):
        if entry["OperationStatus"] in ("FAILED", "CANCELLED"):
            continue
        if entry["Operation"] == "StartApplication" and started is None:
            started = entry["StartTime"]
        elif entry["Operation"] == "StopApplication" and started is not None:
            ended = entry.get("EndTime") or now
            hours += max((ended - started).total_seconds() / 3600, MINIMUM_RUN)
            started = None
    if started is not None:
        hours += max((now - started).total_seconds() / 3600, MINIMUM_RUN)
    return hours


def _stream(cloud: Cloud, name: str, _: dict[str, Any]) -> Counts:
    summary = cloud.client("kinesis").describe_stream_summary(StreamName=name)
    return {"shard": summary["StreamDescriptionSummary"]["OpenShardCount"]}


def _fleet(cloud: Cloud, name: str, stack: dict[str, Any]) -> Counts:
    groups = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    servers = sum(group["DesiredCapacity"] for group in groups["AutoScalingGroups"])
    kind = parameters_of(stack)["InstanceType"]
    return {kind: servers, "GB of disk": servers * DISK, "public address": servers}


def _table(cloud: Cloud, name: str, _: dict[str, Any]) -> Counts:
    described = cloud.client("dynamodb").describe_table(TableName=name)["Table"]
    if described.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return {}
    units = described["ProvisionedThroughput"]
    return {"write unit": units["WriteCapacityUnits"], "read unit": units["ReadCapacityUnits"]}


def _balancer(cloud: Cloud, arn: str, _: dict[str, Any]) -> Counts:
    described = cloud.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])
    balancers = described["LoadBalancers"]
    zones = sum(len(balancer["AvailabilityZones"]) for balancer in balancers)
    return {"load balancer": len(balancers), "public address": zones}


def _alarm(cloud: Cloud, name: str, _: dict[str, Any]) -> Counts:
    counts: Counts = defaultdict(float)
    for alarm in cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]:
        metrics = [entry.get("MetricStat") for entry in alarm.get("Metrics", [])]
        for period in [metric["Period"] for metric in metrics if metric] or [alarm["Period"]]:
            counts["high-resolution alarm" if period < 60 else "alarm"] += 1
    return counts


def _metrics(cloud: Cloud) -> int:
    """Count the workshop's CloudWatch metrics: a function creates them, so no stack lists them."""
    pages = cloud.client("cloudwatch").get_paginator("list_metrics")
    dimensions = [{"Name": "Stack", "Value": cloud.prefix}]
    found = pages.paginate(Namespace=NAMESPACE, Dimensions=dimensions)
    return sum(len(page["Metrics"]) for page in found)


# Resources billed by the hour while they exist; for the application, see _application_lines.
PRICED: dict[str, Callable[[Cloud, str, dict[str, Any]], Counts]] = {
    "AWS::Kinesis::Stream": _stream,
    "AWS::DynamoDB::Table": _table,
    "AWS::AutoScaling::AutoScalingGroup": _fleet,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    # Auto Scaling creates the alarms of a target tracking policy: no stack lists them.
    "AWS::AutoScaling::ScalingPolicy": lambda *_: {"alarm": TRACKING_ALARMS},
    "AWS::ApplicationAutoScaling::ScalingPolicy": lambda *_: {"alarm": TABLE_TRACKING_ALARMS},
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": lambda *_: {"dashboard": 1},
    "AWS::KMS::Key": lambda *_: {"key": 1},
}
