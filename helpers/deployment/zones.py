"""Chooses the zones of the beacon servers: those that offer the fleet's instance type.

Not every zone of a region offers Arm instances (Graviton): e.g. use1-az3, one of the zones that
are called us-east-1a to us-east-1f, did not. Which letter that is differs between accounts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError

from .stacks import BROUGHT, describe, is_usable, parameters_of, stack_name, template

# As in cfn/1-network.yaml: a load balancer needs two zones.
PARAMETERS = ("ZoneA", "ZoneB")
FRONTEND = "1-frontend"


def offering_zones(client: Callable[[str], Any], instance_type: str) -> list[str]:
    """Return the names of a region's zones that offer an instance type, in their order.

    Local Zones and Wavelength Zones, whose names are longer (us-east-1-bos-1a), are left out: an
    account has to opt in to them.

    Args:
        client: returns the boto3 client of a service, e.g. `cloud.client`.
        instance_type: e.g. `"t4g.small"`.

    Example:
        `offering_zones(cloud.client, "t4g.small")` -> `["us-east-1a", "us-east-1b"]`
    """
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
    # API_DescribeInstanceTypeOfferings.html
    pages = (
        client("ec2")
        .get_paginator("describe_instance_type_offerings")
        .paginate(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance_type]}],
        )
    )
    offered = {each["Location"] for page in pages for each in page["InstanceTypeOfferings"]}
    return sorted(zone for zone in offered if re.fullmatch(r"[a-z]+(-[a-z]+)+-\d+[a-z]", zone))


def instance_type(stack: dict[str, Any] | None, given: Mapping[str, str]) -> str:
    """Return the instance type that the fleet has after a deployment.

    Args:
        stack: the description of module 1-frontend's stack, or None.
        given: the parameters of the deployment.

    Example:
        `instance_type(None, {})` -> `"t4g.small"`
    """
    # The default follows the parameter's name and type.
    default = re.search(r"InstanceType:\s+Type: String\s+Default: (\S+)", template(FRONTEND))
    assert default, "cfn/1-frontend.yaml has no default InstanceType"
    stored = parameters_of(stack)
    return given.get("InstanceType") or stored.get("InstanceType") or default[1]


def instance_types() -> list[str]:
    """Return the instance types that cfn/1-frontend.yaml allows.

    Example:
        `instance_types()` -> `["t4g.micro", "t4g.small"]`
    """
    allowed = re.search(
        r"InstanceType:\s+Type: String\s+.*\s+AllowedValues: \[(.+)\]", template(FRONTEND)
    )
    assert allowed, "cfn/1-frontend.yaml has no AllowedValues of InstanceType"
    return allowed[1].split(", ")


def choose_zones(cloud: Cloud, wanted: str) -> dict[str, str]:
    """Return the parameters of a new network: two zones that offer the fleet's instance type.

    Args:
        cloud: the target.
        wanted: the instance type.

    Raises:
        WorkshopError: fewer than two zones of the region offer it.

    Example:
        `choose_zones(cloud, "t4g.small")` -> `{"ZoneA": "us-east-1a", "ZoneB": "us-east-1b"}`
    """
    zones = offering_zones(cloud.client, wanted)
    if len(zones) < len(PARAMETERS):
        raise too_few_zones(cloud.region, wanted, zones)
    return dict(zip(PARAMETERS, zones, strict=False))


def check_zones(cloud: Cloud, wanted: str) -> None:
    """Check that the zones of an existing network offer an instance type.

    A network keeps its zones: CloudFormation would replace its subnets, with the servers in them.

    Args:
        cloud: the target.
        wanted: the instance type.

    Raises:
        WorkshopError: one of its zones does not offer it.

    Example:
        `check_zones(cloud, "m7g.large")`
    """
    network = describe(cloud, stack_name(cloud, BROUGHT))
    stored = parameters_of(network) if is_usable(network) else {}
    used = [stored[name] for name in PARAMETERS if stored.get(name)]
    if not used:
        return
    offering = offering_zones(cloud.client, wanted)
    missing = [zone for zone in used if zone not in offering]
    if missing:
        raise WorkshopError(
            f"Your network is in the zones {' and '.join(used)}, and {missing[0]} does not offer "
            f"servers of the type {wanted}.",
            "Choose another InstanceType, or run `destroy(cloud)` and deploy the modules again: a "
            "new network gets zones that offer it.",
        )


def too_few_zones(region: str, wanted: str, zones: list[str]) -> WorkshopError:
    """Return the error for a region of which fewer than two zones offer an instance type."""
    found = f"only the zone {zones[0]} offers it" if zones else "no zone offers it"
    return WorkshopError(
        f"The load balancer needs two zones with the instance type {wanted}; in {region} {found}.",
        "Use another region (`%env AWS_DEFAULT_REGION=us-east-1`, then run all cells again), or "
        'another InstanceType, e.g. `deploy(cloud, "1-frontend", InstanceType="m7g.large")`.',
    )
