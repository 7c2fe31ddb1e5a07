"""The policies allow what CloudFormation does, on the names in the templates, as IAM decides it.

A witness that evaluates resources and conditions. moto 5.2.5 was tried for it and left out: it
evaluates a Resource of S3, SQS and IAM only and compares all others with "*", takes CloudWatch's
actions to begin with `monitoring:`, and ignores most conditions. Of the 86 calls of a learner's day
that policy/1-calls.json allows, it refused 48; with every Resource widened to "*", still 15, and
what remains then is a comparison of names, as in tests/iam_needs.py.
"""

import json
import re
from fnmatch import fnmatchcase

from tests.iam_needs import for_stacks
from tests.iam_reference import kinds_of, of_value, overlap
from tests.template_files import POLICIES, RESOURCES, texts

HERE = "us-east-1:000000000000"
# A resource's ARN, and the property with its name, where it has one.
FORMS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        f"arn:aws:application-autoscaling:{HERE}:scalable-target/1", None),
    "AWS::Athena::WorkGroup": (f"arn:aws:athena:{HERE}:workgroup/{{}}", "Name"),
    "AWS::AutoScaling::AutoScalingGroup": (
        f"arn:aws:autoscaling:{HERE}:autoScalingGroup:1:autoScalingGroupName/{{}}",
        "AutoScalingGroupName",
    ),
    "AWS::CloudWatch::Alarm": (f"arn:aws:cloudwatch:{HERE}:alarm:{{}}", "AlarmName"),
    "AWS::CloudWatch::Dashboard": (
        "arn:aws:cloudwatch::000000000000:dashboard/{}", "DashboardName"),
    "AWS::DynamoDB::Table": (f"arn:aws:dynamodb:{HERE}:table/{{}}", "TableName"),
    "AWS::EC2::InternetGateway": (f"arn:aws:ec2:{HERE}:internet-gateway/igw-1", None),
    "AWS::EC2::LaunchTemplate": (f"arn:aws:ec2:{HERE}:launch-template/lt-1", None),
    "AWS::EC2::RouteTable": (f"arn:aws:ec2:{HERE}:route-table/rtb-1", None),
    "AWS::EC2::SecurityGroup": (f"arn:aws:ec2:{HERE}:security-group/sg-1", None),
    "AWS::EC2::Subnet": (f"arn:aws:ec2:{HERE}:subnet/subnet-1", None),
    "AWS::EC2::VPC": (f"arn:aws:ec2:{HERE}:vpc/vpc-1", None),
    "AWS::ElasticLoadBalancingV2::Listener": (
        f"arn:aws:elasticloadbalancing:{HERE}:listener/app/rwa-fleet/1/2", None),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/{{}}/1", "Name"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/{{}}/1", "Name"),
    "AWS::Glue::Database": (f"arn:aws:glue:{HERE}:database/{{}}", "DatabaseInput.Name"),
    "AWS::Glue::Table": (
        f"arn:aws:glue:{HERE}:table/rwa_archive/{{}}", "TableInput.Name"),
    "AWS::IAM::InstanceProfile": (
        "arn:aws:iam::000000000000:instance-profile/{}", "InstanceProfileName"),
    "AWS::IAM::Role": ("arn:aws:iam::000000000000:role/{}", "RoleName"),
    "AWS::KMS::Key": (f"arn:aws:kms:{HERE}:key/1", None),
    "AWS::Kinesis::Stream": (f"arn:aws:kinesis:{HERE}:stream/{{}}", "Name"),
    "AWS::KinesisAnalyticsV2::Application": (
        f"arn:aws:kinesisanalytics:{HERE}:application/{{}}", "ApplicationName"),
    "AWS::KinesisFirehose::DeliveryStream": (
        f"arn:aws:firehose:{HERE}:deliverystream/{{}}", "DeliveryStreamName"),
    "AWS::Lambda::EventSourceMapping": (f"arn:aws:lambda:{HERE}:event-source-mapping:1", None),
    "AWS::Lambda::Function": (f"arn:aws:lambda:{HERE}:function:{{}}", "FunctionName"),
    "AWS::Logs::LogGroup": (f"arn:aws:logs:{HERE}:log-group:{{}}", "LogGroupName"),
    "AWS::S3::Bucket": ("arn:aws:s3:::{}", "BucketName"),
    "AWS::SNS::Topic": (f"arn:aws:sns:{HERE}:{{}}", "TopicName"),
    "AWS::SQS::Queue": (f"arn:aws:sqs:{HERE}:{{}}", "QueueName"),
    "AWS::SSM::Parameter": (f"arn:aws:ssm:{HERE}:parameter{{}}", "Name"),
    "AWS::Scheduler::Schedule": (f"arn:aws:scheduler:{HERE}:schedule/default/{{}}", "Name"),
}  # fmt: skip
# Types that have no ARN of their own, or the one of another resource.
WITHOUT = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::AutoScaling::ScalingPolicy", "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment", "AWS::Logs::LogStream", "AWS::S3::BucketPolicy",
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption", "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
}  # fmt: skip
# Resources that are asked for besides, in no template or within a resource of one.
WITHIN = [
    f"arn:aws:glue:{HERE}:catalog",
    f"arn:aws:glue:{HERE}:userDefinedFunction/rwa_archive/any",
    f"arn:aws:logs:{HERE}:log-group:/aws/kinesisfirehose/rwa-archive:log-stream:S3Delivery",
    f"arn:aws:logs:{HERE}:log-group:/aws/kinesis-analytics/rwa-analytics:log-stream:flink",
]
# Requests of another service behind CloudFormation, which makes a resource of this type.
IMAGE = "parameter/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
BEHIND = {
    "AWS::AutoScaling::AutoScalingGroup": {
        "ec2:RunInstances": [
            "arn:aws:ec2:us-east-1::image/ami-1", f"arn:aws:ec2:{HERE}:network-interface/eni-1",
            f"arn:aws:ec2:{HERE}:instance/i-1", f"arn:aws:ec2:{HERE}:volume/vol-1",
            f"arn:aws:ec2:{HERE}:subnet/subnet-1", f"arn:aws:ec2:{HERE}:security-group/sg-1",
            f"arn:aws:ec2:{HERE}:launch-template/lt-1",
        ],
        "ec2:CreateTags": [f"arn:aws:ec2:{HERE}:instance/i-1", f"arn:aws:ec2:{HERE}:volume/vol-1"],
        "ssm:GetParameters": [f"arn:aws:ssm:us-east-1::{IMAGE}"],
    },
    "AWS::Lambda::Function": {
        "s3:GetObject": ["arn:aws:s3:::rwa-code-000000000000-us-east-1/code/publish-metrics-0.zip"],
    },
    # (What it reads, policy/1-calls.json allows to the learner, too.)
    # https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "cloudwatch:DeleteAlarms": [f"arn:aws:cloudwatch:{HERE}:alarm:TargetTracking-table/rwa-x"],
        "cloudwatch:PutMetricAlarm": [
            f"arn:aws:cloudwatch:{HERE}:alarm:TargetTracking-table/rwa-x"],
        "dynamodb:UpdateTable": [f"arn:aws:dynamodb:{HERE}:table/rwa-MetricDetails"],
    },
}  # fmt: skip
# The first resource of a type in an account needs the role of its service.
SERVICE_ROLES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "dynamodb.application-autoscaling",
    "AWS::AutoScaling::AutoScalingGroup": "autoscaling",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing",
}
# The reference names no resource; AWS's errors name the topic (test_iam_reference.py).
OF_THE_TOPIC = {f"sns:{action}" for action in (
    "GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe")}  # fmt: skip
TYPES = {resource["Type"] for resource in RESOURCES.values()}
STATEMENTS = [
    one
    for path in POLICIES[1:]
    for one in json.loads(path.read_text(encoding="utf-8"))["Statement"]
]


def arn_of(resource: dict) -> str | None:
    if resource["Type"] in WITHOUT:
        return None
    form, name = FORMS[resource["Type"]]
    value = resource["Properties"]
    for key in name.split(".") if name else ():
        value = value[key]
    return form.format(of_value(value)) if name else form


OURS = sorted({arn for resource in RESOURCES.values() if (arn := arn_of(resource))})


def requests() -> list[tuple[str, str, bool]]:
    """Return what IAM is asked for: action, resource, and whether behind CloudFormation."""
    found = []
    for its in BEHIND.values():
        found += [(action, arn, True) for action, arns in its.items() for arn in arns]
    for kind in TYPES & SERVICE_ROLES.keys():
        role = f"aws-service-role/{SERVICE_ROLES[kind]}.amazonaws.com/AWSServiceRole"
        arn = f"arn:aws:iam::000000000000:role/{role}"
        found.append(("iam:CreateServiceLinkedRole", arn, False))
    only_so = {"ec2:RunInstances", "s3:GetObject", "iam:CreateServiceLinkedRole"}
    for action in for_stacks().keys() - only_so:
        of = "sns:GetTopicAttributes" if action in OF_THE_TOPIC else action
        forms = [kind["arn"] for kind in kinds_of(of)]
        arns = [arn for arn in [*OURS, *WITHIN] if any(overlap(arn, form) for form in forms)]
        assert arns or not forms, f"{action}: on what?"
        found += [(action, arn, False) for arn in arns or ["*"]]
    return sorted(found)


def values(action: str, arn: str, behind: bool) -> dict[str, list[str]]:
    """Return the keys of a request: who makes it, and what each service adds."""
    service = re.search("aws-service-role/([^/]+)/", arn)
    made_by = "RunInstances" if behind else "CreateLaunchTemplate"
    found = {
        "aws:ViaAWSService": ["true"],
        "ec2:CreateAction": [made_by] if action == "ec2:CreateTags" else [],
        "iam:AWSServiceName": [service[1]] if service else [],
        "iam:PassedToService": ["lambda.amazonaws.com"] if action == "iam:PassRole" else [],
        "lambda:FunctionArn": [f"arn:aws:lambda:{HERE}:function:rwa-process-metrics"],
    }
    if not behind:
        found["aws:CalledVia"] = ["cloudformation.amazonaws.com"]
    # A resource has no tags before it exists.
    if not re.match("ec2:Create(?!LaunchTemplateVersion)", action):
        found["aws:ResourceTag/workshop"] = ["realtime-web-analytics"]
    return {key: its for key, its in found.items() if its}


def allowed(action: str, arn: str, given: dict[str, list[str]], statements=STATEMENTS) -> bool:
    return any(
        action in texts(one["Action"])
        and any(fnmatchcase(arn, pattern) for pattern in texts(one["Resource"]))
        and all(
            any(fnmatchcase(value, wanted) for value in given.get(key, []) for wanted in texts(its))
            for tests in one.get("Condition", {}).values()
            for key, its in tests.items()
        )
        for one in statements
    )


def test_only_known_conditions_are_evaluated():
    operators = {operator for one in STATEMENTS for operator in one.get("Condition", {})}
    assert operators == {"ArnLike", "Bool", "ForAnyValue:StringEquals", "StringEquals"}


def test_each_resource_of_the_templates_has_an_arn_or_a_reason():
    assert not TYPES - FORMS.keys() - WITHOUT


def test_what_cloudformation_does_is_allowed_on_the_templates_resources():
    asked = requests()
    assert len(asked) > 500
    refused = [one for one in asked if not allowed(one[0], one[1], values(*one))]
    assert not refused


def test_nothing_of_it_is_allowed_to_a_person():
    direct = [(action, arn, values(action, arn, behind)) for action, arn, behind in requests()]
    for _, _, given in direct:
        given.pop("aws:ViaAWSService")
        given.pop("aws:CalledVia", None)
    found = {action for action, arn, given in direct if allowed(action, arn, given)}
    # IAM asks for these behind another call, also behind one that a person may make.
    assert found == {"iam:CreateServiceLinkedRole", "iam:PassRole"}


def test_each_statement_is_needed():
    asked = requests()
    for number, one in enumerate(STATEMENTS):
        others = STATEMENTS[:number] + STATEMENTS[number + 1 :]
        its = [request for request in asked if request[0] in texts(one["Action"])]
        assert any(not allowed(*request[:2], values(*request), others) for request in its), one
