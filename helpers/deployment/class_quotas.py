"""The quotas that a class needs in one AWS account, counted in the templates of `cfn/`.

Each learner deploys all templates once, with a prefix of their own. The defaults are those of an
account that has requested no increase, in a region with the smallest ones.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from helpers.planning.prices import EVERYTHING, TABLE, TRACKING_ALARMS

from .quotas import LARGEST_FLEET, RUNNING_FUNCTIONS, SMALLEST_FLEET, VCPUS, VCPUS_OF_A_SERVER, VPCS
from .stacks import MODULES, template


@dataclass(frozen=True)
class ClassQuota:
    """A quota of an account that a class shares.

    Args:
        what: its unit, in the plural, e.g. `"networks (VPCs)"`.
        code: Service Quotas' code of the service and of the quota; empty if it has none.
        default: AWS's.
        each: returns how many one learner needs.
        console: where to request an increase, in AWS's Service Quotas console.
        at_home: the service has no regions; its quota is the one of the partition's home region.
    """

    what: str
    code: tuple[str, str]
    default: int
    each: Callable[[], int]
    console: str
    at_home: bool = False

    def needed(self, learners: int) -> int:
        """Return how many a class needs."""
        return learners * self.each()


@cache
def resources() -> Counter[str]:
    """Return how many resources of each type all templates create.

    Example:
        >>> resources()["AWS::EC2::VPC"], resources()["AWS::EC2::NatGateway"]
        (1, 0)
    """
    types = (re.findall(r"^    Type: (AWS::\S+)$", template(each), re.M) for each in MODULES)
    return Counter(type_ for found in types for type_ in found)


def count(*types: str) -> Callable[[], int]:
    """Return a function that returns how many resources of some types the templates create."""
    return lambda: sum(resources()[type_] for type_ in types)


def _vcpus() -> int:
    return resources()["AWS::AutoScaling::AutoScalingGroup"] * SMALLEST_FLEET * VCPUS_OF_A_SERVER


# Codes and defaults: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
# and the page of each service; of a range of defaults, the smallest.
QUOTAS = (
    # https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
    ClassQuota("networks (VPCs)", VPCS, 5, count("AWS::EC2::VPC"),
               "Amazon VPC, VPCs per Region"),
    ClassQuota("internet gateways", ("vpc", "L-A4707A72"), 5,
               count("AWS::EC2::InternetGateway"), "Amazon VPC, Internet gateways per Region"),
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
    ClassQuota("vCPUs of servers", VCPUS, 5, _vcpus,
               "Amazon EC2, Running On-Demand Standard instances"),
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
    ClassQuota("load balancers", ("elasticloadbalancing", "L-53DA6B97"), 50,
               count("AWS::ElasticLoadBalancingV2::LoadBalancer"),
               "Elastic Load Balancing, Application Load Balancers per Region"),
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html
    ClassQuota("fleets (Auto Scaling groups)", ("autoscaling", "L-CDE20ADC"), 500,
               count("AWS::AutoScaling::AutoScalingGroup"),
               "Amazon EC2 Auto Scaling, Auto Scaling groups per region"),
    # https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
    ClassQuota("shards of streams", ("kinesis", ""), 500, lambda: EVERYTHING["shard"],
               "Amazon Kinesis Data Streams, Shards per Region"),
    # https://docs.aws.amazon.com/managed-flink/latest/java/limits.html
    ClassQuota("Flink applications", ("kinesisanalytics", "L-3729A2EF"), 100,
               count("AWS::KinesisAnalyticsV2::Application"),
               "Managed Service for Apache Flink, Application count"),
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; new accounts: fewer
    ClassQuota("functions that run at once", ("lambda", ""), 1000, lambda: RUNNING_FUNCTIONS,
               "AWS Lambda, Concurrent executions"),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    ClassQuota("tables", ("dynamodb", "L-F98FE922"), 2500, count("AWS::DynamoDB::Table"),
               "Amazon DynamoDB, Maximum number of tables"),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    ClassQuota("CloudWatch alarms", ("", ""), 5000,
               lambda: resources()["AWS::CloudWatch::Alarm"] + TRACKING_ALARMS + TABLE["alarm"],
               "Amazon CloudWatch, Alarms"),
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    ClassQuota("stacks", ("cloudformation", "L-0485CB21"), 2000, lambda: len(MODULES),
               "AWS CloudFormation, Stack count"),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html
    ClassQuota("buckets", ("s3", "L-DC2B2D3D"), 10_000, count("AWS::S3::Bucket"),
               "Amazon S3, General purpose buckets", at_home=True),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    ClassQuota("roles", ("iam", "L-FE177D64"), 1000, count("AWS::IAM::Role"),
               "AWS Identity and Access Management, Roles per account", at_home=True),
)  # fmt: skip
# Resources that people often ask about, and that have no quota or are not created.
NONE_NEEDED = (
    ("Elastic IP address", "AWS::EC2::EIP"),
    ("NAT gateway", "AWS::EC2::NatGateway"),
)


def largest_fleets(learners: int) -> int:
    """Return the vCPUs that a class uses if each fleet scales to its maximum.

    Example:
        >>> largest_fleets(30)
        360
    """
    return learners * LARGEST_FLEET * VCPUS_OF_A_SERVER


def not_created() -> str:
    """Return a sentence about resources of which the templates create none.

    Example:
        >>> not_created()
        'The templates create no Elastic IP address and no NAT gateway.'
    """
    names = [f"no {name}" for name, type_ in NONE_NEEDED if not resources()[type_]]
    return f"The templates create {' and '.join(names)}."
