"""EC2: DescribeInstanceTypeOfferings, with the emulator's zones.

AWS: "Lists the instance types that are offered for the specified location"; the location type is
the region by default, `availability-zone` or `availability-zone-id`. MiniStack lacks the call. Here
each zone offers each type that is asked for, except that use1-az3 offers no Arm instances (as was
reported for AWS's zone of this id).
"""

import re

from ministack.services import ec2

NO_ARM = "use1-az3"
_ARM = re.compile(r"a1\.|[a-z]+\dg")
# What is listed without a filter: one type of each processor.
_TYPES = ("t3.small", "t4g.small")


def apply() -> None:
    """Add the call."""
    ec2._ACTION_MAP["DescribeInstanceTypeOfferings"] = describe_offerings


def describe_offerings(request: dict) -> tuple:
    """Answer DescribeInstanceTypeOfferings, with the filters `instance-type` and `location`."""
    filters = ec2._parse_filters(request)
    kind = ec2._p(request, "LocationType") or "region"
    wanted = filters.get("location")
    items = "".join(
        f"<item><instanceType>{type_}</instanceType><locationType>{kind}</locationType>"
        f"<location>{location}</location></item>"
        for type_ in filters.get("instance-type", _TYPES)
        for location, zone_id in _locations(kind)
        if (zone_id != NO_ARM or not _ARM.match(type_)) and (not wanted or location in wanted)
    )
    return ec2._xml(
        200,
        "DescribeInstanceTypeOfferingsResponse",
        f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>",
    )


def _locations(kind: str) -> list[tuple[str, str]]:
    """Return each location of a kind with the id of its zone, if it is one."""
    region = ec2.get_region()
    if kind == "region":
        return [(region, "")]
    names = [f"{region}{letter}" for letter in "abc"]  # as DescribeAvailabilityZones answers
    ids = [ec2._az_id_for_zone_name(name) for name in names]
    return list(zip(ids if kind == "availability-zone-id" else names, ids, strict=True))
