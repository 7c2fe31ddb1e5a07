"""Which IAM actions a learner needs: for the calls of our code, and for what CloudFormation does.

CloudFormation makes a stack's resources with the learner's own permissions. Which ones a resource
type needs is written in its schema (`handlers`), and cfn-lint brings all schemas along. They name
what a type can need at most; what ours do not need is listed here, each with the reason.
"""

import functools
import json
from collections import defaultdict
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

from tests.aws_calls import every_call, operations
from tests.template_files import RESOURCES

# boto3's name of a service -> IAM's, where they differ.
PREFIX = {
    "elbv2": "elasticloadbalancing",
    "kinesisanalyticsv2": "kinesisanalytics",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
}
# A call's actions, where they are not the service and the operation (AWS's Service Authorization
# Reference); and what AWS does in the caller's name behind it.
ACTIONS = {
    ("athena", "get_query_results"): ["athena:GetQueryResults", "s3:GetObject"],
    # https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena.html; partitions are
    # projected, so Athena does not read them from Glue.
    ("athena", "start_query_execution"): [
        "athena:StartQueryExecution", "glue:GetDatabase", "glue:GetTable", "s3:GetBucketLocation",
        "s3:GetObject", "s3:ListBucket", "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload", "s3:PutObject",
    ],
    # The clean-up lists all stacks; without a name, the call needs both (API reference).
    ("cloudformation", "describe_stacks"): [
        "cloudformation:DescribeStacks", "cloudformation:ListStacks",
    ],
    ("lambda", "invoke"): ["lambda:InvokeFunction"],
    ("s3", "delete_objects"): ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    ("s3", "head_object"): ["s3:GetObject", "s3:ListBucket"],  # else a 403 where a 404 is meant
    ("s3", "list_buckets"): ["s3:ListAllMyBuckets"],
    ("s3", "list_object_versions"): ["s3:ListBucketVersions"],
    ("s3", "list_objects_v2"): ["s3:ListBucket"],
    ("sqs", "delete_message_batch"): ["sqs:DeleteMessage"],
    ("sts", "get_caller_identity"): [],  # a policy can't deny it
}  # fmt: skip

# reason -> patterns of "type action" that the schemas name and our templates do not need.
NOT_NEEDED = {
    "a tag of ours never changes, and goes with its resource": [
        "* *:Untag*", "* *:RemoveTags*", "* *:DeleteTags",
    ],
    "nothing is encrypted with a customer's key but the topic (AWS::KMS::Key's own)": [
        "AWS::[!K]* kms:*", "AWS::Kinesis* kms:*", "* logs:AssociateKmsKey",
        "* logs:DisassociateKmsKey",
    ],
    "a key is rotated from its first day on, and never switched off": [
        "* kms:Disable*", "* kms:EnableKey",
    ],
    "a stream keeps its mode, its day of records and its encryption, and has no extra metrics": [
        "AWS::Kinesis::Stream kinesis:*crease*", "AWS::Kinesis::Stream kinesis:*Monitoring",
        "AWS::Kinesis::Stream kinesis:Update[!S]*", "AWS::Kinesis::Stream kinesis:UpdateStream*",
        "AWS::Kinesis::Stream kinesis:Stop*", "AWS::Kinesis::Stream kinesis:TagResource",
    ],
    "tables: no replicas, imports, policies, backups, insights, Kinesis, nor rows by the stack": [
        "AWS::DynamoDB::Table dynamodb:*Replica", "AWS::DynamoDB::Table dynamodb:*Import*",
        "AWS::DynamoDB::Table dynamodb:[PD]*Policy", "AWS::DynamoDB::Table dynamodb:UpdateCont*",
        "AWS::DynamoDB::Table dynamodb:*ableKinesis*", "AWS::DynamoDB::Table dynamodb:UpdateK*",
        "AWS::DynamoDB::Table dynamodb:*Item", "AWS::DynamoDB::Table dynamodb:Scan",
        "AWS::DynamoDB::Table dynamodb:Query", "AWS::DynamoDB::Table [!d]*:*",
    ],
    "functions: no VPC, file system, layers, signing, reserved concurrency, versions, pinning": [
        "AWS::Lambda::Function ec2:*", "AWS::Lambda::Function elasticfilesystem:*",
        "AWS::Lambda::Function s3files:*", "AWS::Lambda::Function lambda:GetLayer*",
        "AWS::Lambda::Function lambda:P*", "AWS::Lambda::Function lambda:*CodeSigningConfig",
        "AWS::Lambda::Function lambda:DeleteFunctionConcurrency",
        "AWS::Lambda::Function lambda:Ass*", "AWS::Lambda::Function s3:GetObjectVersion",
    ],
    "an alarm, a role or a dead letter apart: these never take a role": [
        "AWS::Athena::WorkGroup iam:*", "AWS::Glue::Table iam:*", "AWS::S3::Bucket iam:*",
        "AWS::SNS::* iam:*",
    ],
    "buckets: no website, replication, inventory, analytics, accelerator, lock, ACL, log, tables": [
        "AWS::S3::Bucket s3tables:*", "AWS::S3::Bucket s3:*Metadata*",
        "AWS::S3::Bucket s3:PutA*Configuration", "AWS::S3::Bucket s3:Put[IMRO]*Configuration",
        "AWS::S3::Bucket s3:PutBucketObjectLock*", "AWS::S3::Bucket s3:*Acl",
        "AWS::S3::Bucket s3:*BucketReplication", "AWS::S3::Bucket s3:PutBucketWebsite",
        "AWS::S3::Bucket s3:PutBucketCORS", "AWS::S3::Bucket s3:PutBucketLogging",
        "AWS::S3::Bucket s3:PutBucketNotification", "AWS::S3::Bucket s3:PutBucketVersioning",
        "AWS::S3::Bucket s3:*Abac", "AWS::S3::Bucket s3:DeleteObject",
        "AWS::S3::Bucket s3:DeleteBucket?*",
    ],
    "Athena's queries need it, creating the workgroup does not": ["AWS::Athena::WorkGroup s3:*"],
    "the table is a projection over files that are there": ["AWS::Glue::Table s3:*"],
    "no connection, no registered schema, no Lake Formation (which would have its own grants)": [
        "AWS::Glue::* glue:*Connection", "AWS::Glue::Database glue:GetConnection",
        "AWS::Glue::* glue:GetSchemaVersion",
        "AWS::Glue::* lakeformation:*",
    ],
    "log groups: no masking, index, resource policy, delivery or protection, and always 7 days": [
        "AWS::Logs::LogGroup logs:*DataProtectionPolicy", "AWS::Logs::LogGroup logs:*Index*",
        "AWS::Logs::LogGroup logs:*ResourcePolic*", "AWS::Logs::LogGroup logs:DeleteRet*",
        "AWS::Logs::LogGroup logs:CreateLogDelivery", "AWS::Logs::LogGroup *:TagDelivery*",
        "AWS::Logs::LogGroup s3:*", "AWS::Logs::LogGroup logs:*Protection",
        "AWS::Logs::LogGroup logs:PutBearer*",
    ],
    "Flink: no VPC, no maintenance window": ["* *:*ApplicationVpc*", "* *:*ApplicationMaint*"],
    "the delivery stream is encrypted by its source": ["* firehose:*DeliveryStreamEncryption"],
    "roles have no boundary; the topic has no data protection": [
        "* iam:*Boundary", "* sns:PutDataProtectionPolicy",
    ],
    "the group has no hooks, notifications, metrics, refreshes, fleets or lattices": [
        "* managed-fleets:*", "* vpc-lattice:*", "* autoscaling:*Hook", "* autoscaling:*Notif*",
        "* autoscaling:*Refresh", "* autoscaling:*Metrics*", "* autoscaling:*Processes",
        "* autoscaling:*Traffic*", "* autoscaling:*LoadBalancers",
        "AWS::AutoScaling::AutoScalingGroup cloudwatch:*", "* ec2:Get[*]",
    ],
    "the group keeps its target group, and registers its servers there in its own role": [
        "* autoscaling:*LoadBalancerTargetGroups", "* elasticloadbalancing:RegisterTargets",
        "* elasticloadbalancing:DeregisterTargets",
    ],
    "only predictive scaling reads metrics": ["AWS::AutoScaling::ScalingPolicy cloudwatch:*"],
    "a table's capacity: no schedule, no role of ours, no function's concurrency, no prediction": [
        "AWS::ApplicationAutoScaling::* lambda:*", "AWS::ApplicationAutoScaling::* iam:PassRole",
        "* application-autoscaling:PutScheduledAction",
        "* application-autoscaling:DeleteScheduledAction",
        "AWS::ApplicationAutoScaling::ScalingPolicy cloudwatch:*",
    ],
    "the network has no IPv6, tenancy, encryption control, VPN": [
        "* ec2:*SubnetCidrBlock", "* ec2:ModifyVpcTenancy", "* ec2:CreateVpcEncryptionControl",
        "* ec2:*tachVpnGateway",
    ],
    "the balancer has no Cognito, address pool, IPv6 or reserved capacity": [
        "* cognito-idp:*", "* ec2:DescribeIpamPools", "* elasticloadbalancing:ModifyIpPools",
        "* elasticloadbalancing:SetIpAddressType", "* elasticloadbalancing:ModifyCapacity*",
    ],
    "no role has a managed policy": ["* iam:?*tachRolePolicy"],
}  # fmt: skip
# What the schemas abbreviate, written out as our templates need it.
WRITTEN_OUT = {
    "autoscaling:Describe*": [
        "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLifecycleHooks",
        "autoscaling:DescribeNotificationConfigurations", "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeTrafficSources",
    ],
    "ec2:Describe*": ["ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"],
    "elasticloadbalancing:Describe*": [
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
    ],
    "ssm:Get*": ["ssm:GetParameters"],  # the launch template names its image by a parameter
}  # fmt: skip
# Actions that are in no schema.
BESIDES = {
    "a type without a schema of its handlers": [
        "kinesisanalytics:AddApplicationCloudWatchLoggingOption",
        "kinesisanalytics:DeleteApplicationCloudWatchLoggingOption",
    ],
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html
    "Fn::GetAZs": [
        "ec2:DescribeAccountAttributes", "ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets",
    ],
}  # fmt: skip


def for_calls() -> dict[str, list[str]]:
    """Return the actions behind our code's calls: action -> the calls that need it."""
    needed: dict[str, list[str]] = defaultdict(list)
    for service, method in every_call():
        default = [f"{PREFIX.get(service, service)}:{operations(service)[method]}"]
        for action in ACTIONS.get((service, method), default):
            needed[action].append(f"{service}.{method}")
    return needed


@functools.cache
def named_by_schemas() -> dict[str, list[str]]:
    """Return the actions that the schemas of our resource types name: action -> the types."""
    named: dict[str, list[str]] = defaultdict(list)
    for kind in sorted({resource["Type"] for resource in RESOURCES.values()}):
        for handler in ("create", "read", "update", "delete"):
            for action in permissions(kind, handler):
                if kind not in named[action]:
                    named[action].append(kind)
    return named


@functools.cache
def permissions(kind: str, handler: str) -> list[str]:
    """Return the actions that a resource type's schema names for a handler, e.g. `"delete"`."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # takes a second and more

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return schema.get("handlers", {}).get(handler, {}).get("permissions", [])


def for_stacks() -> dict[str, list[str]]:
    """Return the actions that CloudFormation takes for us: action -> the types that need it."""
    needed: dict[str, list[str]] = defaultdict(list)
    patterns = [pattern for group in NOT_NEEDED.values() for pattern in group]
    for action, kinds in named_by_schemas().items():
        for kind in kinds:
            both = f"{kind} {action}"
            left_out = any(fnmatchcase(both, pattern) for pattern in patterns)
            # CloudFormation's reading actions stay, unless left out by their full name.
            if not left_out or (looked_at(kind, action) and both not in patterns):
                for written in WRITTEN_OUT.get(action, [action]):
                    needed[written].append(kind)
    for why, actions in BESIDES.items():
        for action in actions:
            needed[action].append(why)
    return needed


def looked_at(kind: str, action: str) -> bool:
    """Return whether CloudFormation reads this property, used by the template or not."""
    service, operation = action.split(":")
    own = kind.split("::")[1].lower().startswith(service.removesuffix("v2")) or (
        service == "firehose" and "Firehose" in kind
    )
    read = permissions(kind, "read")
    return own and action in read and operation.startswith(("Get", "Describe", "List"))


@functools.cache
def known() -> dict[str, dict]:
    """Return IAM's services as cfn-lint knows them: their actions and their kinds of resources."""
    folder = Path(find_spec("cfnlint").origin).parent
    path = folder / "data" / "AdditionalSpecs" / "Policies.json"
    return json.loads(path.read_text(encoding="utf-8"))
