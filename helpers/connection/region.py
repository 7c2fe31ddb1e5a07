"""The services that the workshop uses, and whether a region has all of them."""

import boto3
from botocore.exceptions import UnknownRegionError

from helpers.core.errors import WorkshopError

# The services of the stacks, by boto3's names. (IAM and STS are in every region.)
SERVICES = [
    "application-autoscaling", "athena", "autoscaling", "cloudformation", "cloudwatch", "dynamodb",
    "ec2", "elbv2", "firehose", "glue", "kinesis", "kinesisanalyticsv2", "kms", "lambda", "logs",
    "resourcegroupstaggingapi", "s3", "scheduler", "sns", "sqs", "ssm",
]  # fmt: skip


def check_region(session: boto3.Session) -> None:
    """Check that a session's region has every service that the workshop needs.

    Raises:
        WorkshopError: no region is set, it does not exist, or it lacks a service.

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
        raise WorkshopError(f"There is no AWS region {region!r}.", elsewhere) from None
    has = {name: session.get_available_regions(name, partition) for name in SERVICES}
    missing = [name for name, regions in has.items() if region not in regions]
    if len(missing) == len(SERVICES):
        # botocore's list may lack a new region, which can't be distinguished from a typing error.
        raise WorkshopError(f"boto3 has no AWS region {region!r}.", elsewhere)
    if missing:
        raise WorkshopError(
            f"The region {region} lacks services of the workshop: {', '.join(missing)}.", elsewhere
        )
