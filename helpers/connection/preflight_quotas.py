"""Preflight: the account's quotas and the region's zones are enough for all modules."""

from helpers.core.cloud import Cloud
from helpers.deployment.quotas import (
    INCREASE,
    LARGEST_FLEET,
    RUNNING_FUNCTIONS,
    SMALLEST_FLEET,
    VPCS,
    quota,
    servers_that_fit,
    too_few_vcpus,
)
from helpers.deployment.zones import (
    PARAMETERS,
    instance_type,
    instance_types,
    offering_zones,
    too_few_zones,
)
from helpers.planning.prices import EVERYTHING

from .preflight_probe import Probe
from .preflight_report import Line, State

# Service Quotas' codes: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
BUCKETS = ("s3", "L-DC2B2D3D")  # general purpose buckets, of the account
KPUS = ("kinesisanalytics", "L-3A88E041")  # Apache Flink Kinesis Processing Units (KPUs)
OWN_BUCKETS = ("archive", "code")
_FREE = "Delete one that you no longer need, or request an increase in AWS's Service Quotas console"


def servers(probe: Probe) -> Line:
    """Return the line of the vCPUs for the largest fleet."""
    fit, most, used = servers_that_fit(probe.client, probe.cloud.name("fleet"))
    if fit >= LARGEST_FLEET:
        text = f"The account may run {most} vCPUs: enough for {LARGEST_FLEET} beacon servers."
        return Line("servers", State.OK, text)
    if fit >= SMALLEST_FLEET:
        text = f"{too_few_vcpus(LARGEST_FLEET, most, used)} {fit} servers fit."
        return Line("servers", State.WARNING, text, f"{INCREASE}, or use at most {fit}.")
    return Line("servers", State.FAILURE, too_few_vcpus(SMALLEST_FLEET, most, used), f"{INCREASE}.")


def zones(probe: Probe) -> Line:
    """Return the line of the zones that offer the servers' instance type."""
    wanted = instance_type(None, {})
    found = offering_zones(probe.client, wanted)
    if len(found) >= len(PARAMETERS):
        return Line("zones", State.OK, f"{len(found)} zones offer {wanted}: {', '.join(found)}.")
    error = too_few_zones(probe.cloud.region, wanted, found)
    for other in instance_types():
        if len(offering_zones(probe.client, other)) >= len(PARAMETERS):
            remedy = f'Deploy with `deploy(cloud, "1-frontend", InstanceType="{other}")`.'
            return Line("zones", State.WARNING, f"{error.cause} {other} is offered.", remedy)
    return Line("zones", State.FAILURE, error.cause, error.remedy)


def networks(probe: Probe) -> Line:
    """Return the line of the networks (VPCs), of which AWS allows five by default."""
    pages = probe.client("ec2").get_paginator("describe_vpcs").paginate()
    found = [vpc for page in pages for vpc in page["Vpcs"]]
    own = {"Key": "Name", "Value": probe.cloud.name("network")}
    if any(own in vpc.get("Tags", []) for vpc in found):
        return Line("networks", State.OK, "The workshop's network exists.")
    most = int(quota(probe.client, *VPCS))
    text = f"The region has {len(found)} of at most {most} networks (VPCs)"
    if len(found) < most:
        return Line("networks", State.OK, f"{text}; the workshop creates one.")
    return Line(
        "networks", State.FAILURE, f"{text}, and the workshop needs one.", f"{_FREE} (Amazon VPC)."
    )


def shards(probe: Probe) -> Line:
    """Return the line of the shards of Kinesis streams."""
    limits = probe.client("kinesis").describe_limits()
    used, most, needed = limits["OpenShardCount"], limits["ShardLimit"], EVERYTHING["shard"]
    text = f"The region has {used:,} of at most {most:,} shards"
    if used + needed <= most:
        return Line("shards", State.OK, f"{text}; the workshop creates {needed}.")
    return Line(
        "shards",
        State.WARNING,  # the workshop's own may be among them
        f"{text}, and the workshop needs {needed}.",
        f"{_FREE} (Amazon Kinesis Data Streams).",
    )


def functions(probe: Probe) -> Line:
    """Return the line of Lambda's concurrency, which is ten in some new accounts."""
    limit = probe.client("lambda").get_account_settings()["AccountLimit"]
    free, needed = limit["UnreservedConcurrentExecutions"], RUNNING_FUNCTIONS
    text = f"{free:,} functions may run at once, the workshop needs {needed}"
    if free >= needed:
        return Line("functions", State.OK, f"{text}.")
    return Line(
        "functions",
        State.WARNING,
        f"{text}: values will arrive late.",
        "Request an increase in AWS's Service Quotas console (AWS Lambda, Concurrent executions).",
    )


def kpus(probe: Probe) -> Line:
    """Return the line of the Flink application's processing units (KPUs)."""
    most, needed = int(quota(probe.client, *KPUS)), int(EVERYTHING["KPU"])
    text = f"A Flink application may have {most} KPUs, the workshop needs {needed}."
    if most >= needed:
        return Line("KPUs", State.OK, text)
    return Line("KPUs", State.FAILURE, text, f"{_FREE} (Managed Service for Apache Flink).")


def buckets(probe: Probe) -> Line:
    """Return the line of the account's buckets."""
    found = {bucket["Name"] for bucket in probe.client("s3").list_buckets()["Buckets"]}
    missing = len(_own_buckets(probe.cloud) - found)
    if not missing:
        return Line("buckets", State.OK, "The workshop's buckets exist.")
    most = int(quota(probe.quotas_at_home, *BUCKETS))
    text = f"The account has {len(found):,} of at most {most:,} buckets"
    if len(found) + missing <= most:
        return Line("buckets", State.OK, f"{text}; the workshop creates {missing}.")
    return Line(
        "buckets",
        State.FAILURE,
        f"{text}, and the workshop needs {missing}.",
        f"{_FREE} (Amazon S3).",
    )


def _own_buckets(cloud: Cloud) -> set[str]:
    return {cloud.bucket(what) for what in OWN_BUCKETS}
