"""`destroy` and `remaining` find and name all leftover resources, by name or by tag."""

import boto3
import pytest
from botocore.stub import ANY, Stubber

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment import destroy as teardown
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
        assert error.value.cause == f"1 resources are left: {resource}."
    finally:
        delete()
    destroy(cloud)
    assert remaining(cloud) == []


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
    """Stubs for AWS's list of tags, because the emulator's has few services."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    tagging, ec2 = session.client("resourcegroupstaggingapi"), session.client("ec2")
    with Stubber(tagging) as tags, Stubber(ec2) as instances:
        cloud._clients["resourcegroupstaggingapi"] = tagging
        yield cloud, tags, instances, ec2
        tags.assert_no_pending_responses()


def test_networks_are_found_by_their_tag(listed):
    cloud, tags, _, _ = listed
    vpc, group = ARN("ec2", "vpc/vpc-0a1b"), ARN("ec2", "security-group/sg-0a1b")
    answer = tagged((vpc, "left-1-frontend"), (group, None))
    tags.add_response("get_resources", answer, {"TagFilters": [TAG]})
    left = remaining(cloud)
    assert left == [f"tagged {vpc}", f"tagged {group}"] and not named(left)


def test_another_workshops_and_already_deleted_resources_are_not_listed(listed):
    cloud, tags, _, _ = listed
    answer = tagged(
        (ARN("ec2", "vpc/vpc-0a1b"), "left2-1-frontend"),
        (ARN("ec2", "vpc/vpc-0c1d"), "other-1-frontend"),
        # Not found by name, so it is deleted: AWS's list of tags is out of date.
        (ARN("dynamodb", "table/left-Metrics"), "left-2-analyze"),
        (ARN("elasticloadbalancing", "loadbalancer/app/left-fleet/0a1b"), "left-1-frontend"),
    )
    tags.add_response("get_resources", answer, {"TagFilters": ANY})
    assert remaining(cloud) == []


@pytest.mark.parametrize(("state", "counts"), [("terminated", False), ("running", True)])
def test_an_instance_is_listed_until_it_is_terminated(listed, state, counts):
    cloud, tags, instances, ec2 = listed
    arn = ARN("ec2", "instance/i-0a1b")
    tags.add_response("get_resources", tagged((arn, "left-1-frontend")), {"TagFilters": ANY})
    # The launch templates are listed with the same client, first.
    instances.add_response("describe_launch_templates", {"LaunchTemplates": []}, {})
    instances.add_response(
        "describe_instances",
        {"Reservations": [{"Instances": [{"State": {"Name": state}}]}]},
        {"InstanceIds": ["i-0a1b"]},
    )
    cloud._clients["ec2"] = ec2
    assert remaining(cloud) == ([f"tagged {arn}"] if counts else [])


def test_destroy_lists_tags_again_while_only_tagged_resources_are_left(listed, monkeypatch):
    cloud, tags, _, _ = listed
    monkeypatch.setattr(teardown, "_LAG_SECONDS", 60)
    for answer in (tagged((ARN("ec2", "vpc/vpc-0a1b"), None)), tagged()):
        tags.add_response("get_resources", answer, {"TagFilters": ANY})
    destroy(cloud)


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
