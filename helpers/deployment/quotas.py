"""The quotas of the account: how many servers it may run.

The group of beacon servers may have up to six, and new accounts may run fewer. Then EC2 refuses
to start the others, and only the group's activities name the reason.
"""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError

LARGEST_FLEET = 6  # MaxSize in cfn/1-frontend.yaml
SMALLEST_FLEET = 2  # on AWS, one in each zone
# At once: one for the shard of metrics, one for the shard of the table's stream, the expiry's.
RUNNING_FUNCTIONS = 3
VCPUS_OF_A_SERVER = 2  # of each InstanceType that cfn/1-frontend.yaml allows
# "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", in vCPUs:
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
VCPUS = ("ec2", "L-1216C47A")
VPCS = ("vpc", "L-F678F1CE")  # VPCs per Region
_STANDARD = re.compile(r"([acdhimrtz]\d|im\d|is\d)")
INCREASE = (
    "Request an increase in AWS's Service Quotas console (Amazon EC2, Running On-Demand Standard "
    "instances)"
)


def quota(client: Callable[[str], Any], service: str, code: str) -> float:
    """Return a quota of the account in its region: the applied value, or else AWS's default.

    Args:
        client: returns the boto3 client of a service, e.g. `cloud.client`.
        service: Service Quotas' code of the service, e.g. `"ec2"`.
        code: the quota's, e.g. `"L-1216C47A"`.

    Example:
        `quota(cloud.client, "ec2", "L-1216C47A")` -> `32.0`
    """
    quotas = client("service-quotas")
    try:
        found = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)
    except ClientError as error:
        # "For some quotas, only the default values are available": GetServiceQuota's page.
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        found = quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    return found["Quota"]["Value"]


def servers_that_fit(client: Callable[[str], Any], fleet: str) -> tuple[int, int, int]:
    """Return how many beacon servers the account may run; its quota; vCPUs of other servers.

    Args:
        client: as for `quota`.
        fleet: the name of the fleet's Auto Scaling group, whose own servers are not counted.

    Example:
        `servers_that_fit(cloud.client, "rwa-fleet")` -> `(6, 16, 4)`
    """
    most = int(quota(client, *VCPUS))
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    pages = client("ec2").get_paginator("describe_instances").paginate(Filters=running)
    instances = [
        instance
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    used = sum(_vcpus(each) for each in instances if _is_counted(each, fleet))
    return max(0, most - used) // VCPUS_OF_A_SERVER, most, used


def check_servers(cloud: Cloud, n: int) -> None:
    """Check that the account may run so many beacon servers; go on if its quota can't be read.

    Args:
        cloud: the target.
        n: servers.

    Raises:
        WorkshopError: the quota of vCPUs is too low for them.

    Example:
        `check_servers(cloud, 6)`
    """
    try:
        fit, most, used = servers_that_fit(cloud.client, cloud.name("fleet"))
    except (ClientError, BotoCoreError):
        return
    if n > fit:
        raise WorkshopError(
            too_few_vcpus(n, most, used), f"{INCREASE}, or use {fit} servers." if fit else INCREASE
        )


def too_few_vcpus(n: int, most: int, used: int) -> str:
    """Return the sentence for a quota of vCPUs that is too low for `n` servers."""
    others = f", of which other servers use {used}" if used else ""
    return (
        f"{n} beacon servers need {n * VCPUS_OF_A_SERVER} vCPUs, and this account may run {most} "
        f"in this region{others}."
    )


def _is_counted(instance: dict[str, Any], fleet: str) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    return (
        bool(_STANDARD.match(instance["InstanceType"]))
        and instance.get("InstanceLifecycle") != "spot"  # spot instances have a quota of their own
        and tags.get("aws:autoscaling:groupName") != fleet
    )


def _vcpus(instance: dict[str, Any]) -> int:
    options = instance.get("CpuOptions", {})
    return options.get("CoreCount", VCPUS_OF_A_SERVER) * options.get("ThreadsPerCore", 1)
