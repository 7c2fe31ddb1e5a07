"""`destroy` and `remaining` find and name all leftover resources, by name or by tag."""

import boto3
import pytest
from botocore.stub import ANY, Stubber

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment import destroy as teardown
from helpers.deployment import leftover_resources
from helpers.deployment.destroy import destroy
from helpers.deployment.leftover_resources import TAG, named, remaining

OURS = {"Key": "workshop", "Value": "realtime-web-analytics"}
ARN = "arn:aws:{}:us-east-1:000000000000:{}".format


@pytest.fixture
def cloud(emulator, monkeypatch) -> Cloud:
    monkeypatch.setattr(teardown, "_LAG_SECONDS", 0)
    return Cloud(emulator.session, emulator.account, "left", emulator.endpoint)


def make_parameter(cloud):
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/left/beacon-url", Value="x", Type="String")
    return "parameter /left/beacon-url", lambda: ssm.delete_parameter(Name="/left/beacon-url")


def make_dashboard(cloud):
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_dashboard(DashboardName="left-mine", DashboardBody='{"widgets": []}')
    return "dashboard left-mine", lambda: cloudwatch.delete_dashboards(DashboardNames=["left-mine"])


def make_template(cloud):
    ec2, name = cloud.client("ec2"), "left-fleet"
    ec2.create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "t4g.small"}
    )
    return f"launch template {name}", lambda: ec2.delete_launch_template(LaunchTemplateName=name)


def make_balancer(cloud):
    elb = cloud.client("elbv2")
    made = elb.create_load_balancer(Name="left-fleet", Subnets=["subnet-1", "subnet-2"])
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    return "load balancer left-fleet", lambda: elb.delete_load_balancer(LoadBalancerArn=arn)


def make_schedule(cloud):
    scheduler = cloud.client("scheduler")
    scheduler.create_schedule(
        Name="left-expiry",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": ARN("lambda", "function:none"), "RoleArn": "a" * 20},
    )
    return "schedule left-expiry", lambda: scheduler.delete_schedule(Name="left-expiry")


def make_key(cloud):
    kms = cloud.client("kms")
    key = kms.create_key(Tags=[{"TagKey": OURS["Key"], "TagValue": OURS["Value"]}])["KeyMetadata"]
    return f"tagged {key['Arn']}", lambda: kms.schedule_key_deletion(KeyId=key["KeyId"])


@pytest.mark.parametrize(
    "make",
    [make_parameter, make_dashboard, make_template, make_balancer, make_schedule, make_key],
)
def test_a_resource_that_no_stack_made_is_named_until_it_is_deleted(cloud, make):
    resource, delete = make(cloud)
    try:
        assert remaining(cloud) == [resource]
        with pytest.raises(WorkshopError) as error:
            destroy(cloud)
        assert error.value.cause == f"Some resources are left: {resource}."
    finally:
        delete()
    destroy(cloud)
    assert remaining(cloud) == []


@pytest.mark.parametrize("by_math", [False, True])
def test_a_learners_own_alarm_is_deleted_and_one_of_another_pipeline_is_not(cloud, by_math, capsys):
    cloudwatch = cloud.client("cloudwatch")
    names = {"left-my-anomaly": "left", "left-2-anomaly": "left-2"}
    for name, stack in names.items():
        metric = {"Namespace": "RealtimeWebAnalytics", "MetricName": "event_anomaly"}
        metric["Dimensions"] = [{"Name": "Stack", "Value": stack}]
        stat = {"Metric": metric, "Period": 10, "Stat": "Maximum"}
        query = {"Metrics": [{"Id": "m", "MetricStat": stat}]}
        cloudwatch.put_metric_alarm(
            AlarmName=name, Threshold=2.0, EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            **query if by_math else metric | {"Period": 10, "Statistic": "Maximum"},
        )  # fmt: skip
    try:
        with pytest.raises(WorkshopError, match="left: alarm left-2-anomaly"):
            destroy(cloud)
        assert "✓ left-my-anomaly deleted" in capsys.readouterr().out
    finally:
        cloudwatch.delete_alarms(AlarmNames=list(names))


def tagged(*entries: tuple[str, str | None]) -> dict:
    """Return AWS's answer: ARNs, each tagged by CloudFormation with its stack, if it has one."""
    name = "aws:cloudformation:stack-name"
    return {
        "ResourceTagMappingList": [
            {"ResourceARN": arn, "Tags": [OURS] + [{"Key": name, "Value": stack}] * bool(stack)}
            for arn, stack in entries
        ]
    }


@pytest.fixture
def listed(cloud):
    """A stub for AWS's list of tags, because the emulator's has few services."""
    tagging = boto3.Session("test", "test", region_name="us-east-1").client(
        "resourcegroupstaggingapi"
    )
    with Stubber(tagging) as tags:
        cloud._clients["resourcegroupstaggingapi"] = tagging
        yield cloud, tags
        tags.assert_no_pending_responses()


def of_ec2(kind: str, call: str, result: str, delete: str, **arguments):
    """Return a function that makes a resource in EC2: its ARN, and how to delete it."""

    def make(cloud):
        ec2 = cloud.client("ec2")
        if "VpcId" in arguments:
            arguments["VpcId"] = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        made = getattr(ec2, call)(**arguments)
        for part in result.split("."):
            made = made[int(part)] if part.isdigit() else made[part]
        key = result.rsplit(".", 1)[-1]
        many = {"InstanceId": "InstanceIds"}
        gone = {many.get(key, key): [made] if key in many else made}
        return ARN("ec2", f"{kind}/{made}"), lambda: getattr(ec2, delete)(**gone)

    return make


IN_EC2 = {
    "vpc": ("create_vpc", "Vpc.VpcId", "delete_vpc", {"CidrBlock": "10.7.0.0/16"}),
    "subnet": ("create_subnet", "Subnet.SubnetId", "delete_subnet",
               {"VpcId": "", "CidrBlock": "172.31.250.0/24"}),
    "internet-gateway": ("create_internet_gateway", "InternetGateway.InternetGatewayId",
                         "delete_internet_gateway", {}),
    "route-table": ("create_route_table", "RouteTable.RouteTableId", "delete_route_table",
                    {"VpcId": ""}),
    "security-group": ("create_security_group", "GroupId", "delete_security_group",
                       {"VpcId": "", "GroupName": "other", "Description": "x"}),
    "launch-template": ("create_launch_template", "LaunchTemplate.LaunchTemplateId",
                        "delete_launch_template",
                        {"LaunchTemplateName": "other", "LaunchTemplateData": {}}),
    "volume": ("create_volume", "VolumeId", "delete_volume",
               {"AvailabilityZone": "us-east-1a", "Size": 1}),
    "instance": ("run_instances", "Instances.0.InstanceId", "terminate_instances",
                 {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}),
}  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [of_ec2(kind, *its[:3], **its[3]) for kind, its in IN_EC2.items()],
    ids=IN_EC2,
)
def test_a_tagged_resource_is_left_until_its_own_service_has_it_no_more(listed, make):
    """The list of tags still has it after its deletion, as AWS's does."""
    cloud, tags = listed
    arn, delete = make(cloud)
    for _ in range(3):
        answer = tagged((arn, "left-1-frontend"))
        tags.add_response("get_resources", answer, {"TagFilters": [TAG]})
    assert remaining(cloud) == [f"tagged {arn}"] and not named(remaining(cloud))
    delete()
    assert remaining(cloud) == []


def test_all_kinds_are_tried():
    assert set(IN_EC2) == set(leftover_resources._IN_EC2)


def test_a_kind_that_can_not_be_looked_up_is_left_while_it_is_listed(listed):
    cloud, tags = listed
    arn = ARN("ec2", "elastic-ip/eipalloc-0a1b")
    tags.add_response("get_resources", tagged((arn, None)), {"TagFilters": [TAG]})
    assert remaining(cloud) == [f"tagged {arn}"]


def test_another_workshops_and_already_deleted_resources_are_not_listed(listed):
    cloud, tags = listed
    answer = tagged(
        (ARN("ec2", "vpc/vpc-0a1b"), "left2-1-frontend"),
        (ARN("ec2", "vpc/vpc-0c1d"), "other-1-frontend"),
        # Not found by name, so it is deleted: AWS's list of tags is out of date.
        (ARN("dynamodb", "table/left-Metrics"), "left-2-analyze"),
        (ARN("elasticloadbalancing", "loadbalancer/app/left-fleet/0a1b"), "left-1-frontend"),
        (ARN("ssm", "parameter/left/beacon-url"), "left-1-frontend"),
    )
    tags.add_response("get_resources", answer, {"TagFilters": ANY})
    assert remaining(cloud) == []


def mapping(digit: str, state: str) -> dict[str, str]:
    return {"UUID": digit * 36, "State": state}


@pytest.mark.parametrize(
    ("service", "what", "call", "answer", "counts"),
    [
        ("ec2", "instance/i-1", "describe_instances",
         {"Reservations": [{"Instances": [{"State": {"Name": state}}]}]}, counts)
        for state, counts in (("running", True), ("shutting-down", True), ("terminated", False))
    ] + [
        ("ec2", "volume/vol-1", "describe_volumes", {"Volumes": [{"State": state}]}, counts)
        for state, counts in (("in-use", True), ("deleting", False))
    ] + [
        ("lambda", f"event-source-mapping:{'1' * 36}", "list_event_source_mappings",
         {"EventSourceMappings": mappings}, counts)
        for mappings, counts in (
            ([mapping("2", "Enabled")], False),
            ([mapping("1", "Enabled"), mapping("2", "Enabled")], True),
            ([mapping("1", "Deleting")], False),
        )
    ],
)  # fmt: skip
def test_what_is_no_longer_billed_is_not_left(cloud, service, what, call, answer, counts):
    client = boto3.Session("test", "test", region_name="us-east-1").client(service)
    cloud._clients[service] = client
    with Stubber(client) as stub:
        stub.add_response(call, answer)
        assert leftover_resources._is_ended(cloud, ARN(service, what)) is not counts


def test_destroy_neither_waits_for_nor_reports_what_only_the_list_of_tags_has(listed, capsys):
    """With the pace of AWS, a list that is out of date would last for minutes."""
    cloud, tags = listed
    gone = tagged((ARN("ec2", "vpc/vpc-0a1b"), "left-1-network"))
    tags.add_response("get_resources", gone, {"TagFilters": ANY})  # asked once, so not waited for
    destroy(cloud)
    assert "✓ Nothing of left is left." in capsys.readouterr().out


def test_destroy_waits_while_only_tagged_resources_are_left(listed, monkeypatch):
    cloud, tags = listed
    monkeypatch.setattr(teardown, "_LAG_SECONDS", 60)
    arn, delete = of_ec2("vpc", *IN_EC2["vpc"][:3], **IN_EC2["vpc"][3])(cloud)
    for _ in range(2):
        tags.add_response("get_resources", tagged((arn, None)), {"TagFilters": ANY})
    real, states = leftover_resources._is_ended, []

    def is_ended(cloud, arn):
        states.append(real(cloud, arn))
        if len(states) == 1:
            delete()  # after the first look
        return states[-1]

    monkeypatch.setattr(leftover_resources, "_is_ended", is_ended)
    destroy(cloud)
    assert states == [False, True]


def test_an_undeletable_stack_does_not_prevent_the_deletion_of_others(cloud, monkeypatch, capsys):
    cloudformation = cloud.client("cloudformation")
    body = "Resources: {Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: left-%s}}}"
    for module in ("1-capture", "2-analyze"):
        cloudformation.create_stack(StackName=f"left-{module}", TemplateBody=body % module)
    delete = teardown.delete_stack

    def refuse(cloud, name):
        if name == "left-2-analyze":
            raise WorkshopError("left-2-analyze can't be deleted.", "Try again.")
        delete(cloud, name)

    monkeypatch.setattr(teardown, "delete_stack", refuse)
    with pytest.raises(WorkshopError, match="left-2-analyze can't be deleted"):
        destroy(cloud)
    assert "✓ left-1-capture deleted" in capsys.readouterr().out
    monkeypatch.undo()
    destroy(cloud)
    assert remaining(cloud) == []
