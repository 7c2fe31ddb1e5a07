"""The servers' zones offer their instance type, and the account may run as many as are asked for.

The emulator deploys; where its region and its account have no limit, botocore's Stubber answers.
"""

from contextlib import ExitStack, contextmanager

import boto3
import pytest
from botocore.stub import ANY, Stubber

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.fleet import fleet_size
from helpers.deployment.quotas import LARGEST_FLEET, VCPUS_OF_A_SERVER, check_servers
from helpers.deployment.stacks import describe, outputs
from helpers.deployment.zones import check_zones, choose_zones, instance_type, instance_types
from tests.template_files import read_template


@pytest.fixture
def cloud(emulator):
    cloud = Cloud(emulator.session, emulator.account, "zoned", emulator.endpoint)
    yield cloud
    destroy(cloud)


@contextmanager
def offering(cloud, *answers: tuple[str, ...]):
    """Let EC2 answer once for each tuple of zones."""
    with Stubber(cloud.client("ec2")) as stub:
        for zones in answers:
            offers = [{"InstanceType": "x", "Location": zone} for zone in zones]
            stub.add_response(
                "describe_instance_type_offerings",
                {"InstanceTypeOfferings": offers},
                {"LocationType": "availability-zone", "Filters": ANY},
            )
        yield
        stub.assert_no_pending_responses()


def zones_of_subnets(cloud, emulator) -> list[str]:
    network = outputs(cloud, "1-network")
    found = emulator.client("ec2").describe_subnets(
        SubnetIds=[network["SubnetA"], network["SubnetB"]]
    )
    return sorted(subnet["AvailabilityZone"] for subnet in found["Subnets"])


def test_the_network_is_in_the_zones_that_offer_the_servers_type_and_stays_there(cloud, emulator):
    with offering(cloud, ("us-east-1c", "us-east-1b")):
        deploy(cloud, "1-network")
    assert zones_of_subnets(cloud, emulator) == ["us-east-1b", "us-east-1c"]
    before = describe(cloud, "zoned-1-network")
    deploy(cloud, "1-network")  # the emulator itself offers the type in a and b
    assert describe(cloud, "zoned-1-network") == before
    assert zones_of_subnets(cloud, emulator) == ["us-east-1b", "us-east-1c"]
    refused = pytest.raises(WorkshopError, match="us-east-1c does not offer .* m7g.large")
    with offering(cloud, ("us-east-1a", "us-east-1b")), refused as error:
        check_zones(cloud, "m7g.large")
    assert "destroy(cloud)" in error.value.remedy


def test_the_front_end_brings_a_network_in_zones_of_its_own_instance_type(cloud, emulator, capsys):
    deploy(cloud, "1-capture")
    asked = []
    emulator.session.events.register(
        "before-parameter-build.ec2.DescribeInstanceTypeOfferings",
        lambda params, **_: asked.append(params["Filters"][0]["Values"]),
        unique_id="asked",
    )
    try:
        with pytest.raises(WorkshopError, match="no parameter"):
            deploy(cloud, "1-frontend", InstanceType="c7g.large", Unknown=1)
    finally:
        emulator.session.events.unregister(
            "before-parameter-build.ec2.DescribeInstanceTypeOfferings", unique_id="asked"
        )
    assert ["c7g.large"] in asked
    assert zones_of_subnets(cloud, emulator) == ["us-east-1a", "us-east-1b"]


@pytest.mark.parametrize(
    ("zones", "cause"),
    [
        ((), "in us-east-1 no zone offers it"),
        (("us-east-1d",), "only the zone us-east-1d offers it"),
        (("us-east-1d", "us-east-1-bos-1a", "us-east-1-wl1-bos-wlz-1"), "only the zone us-east-1d"),
    ],
)
def test_fewer_than_two_zones_are_an_error_before_anything_is_created(cloud, zones, cause):
    with offering(cloud, zones), pytest.raises(WorkshopError, match=cause) as error:
        deploy(cloud, "1-network")
    assert "another region" in error.value.remedy and "InstanceType" in error.value.remedy
    assert describe(cloud, "zoned-1-network") is None


def test_a_stack_without_zones_keeps_those_that_its_template_chose(cloud, emulator):
    """As one that was deployed before the parameters existed."""
    check_zones(cloud, "t4g.small")  # no network: no error
    default = read_template("1-network")["Parameters"]
    assert (default["ZoneA"]["Default"], default["ZoneB"]["Default"]) == ("", "")
    deploy(cloud, "1-network", ZoneA="", ZoneB="")
    assert zones_of_subnets(cloud, emulator) == ["us-east-1a", "us-east-1b"]
    deploy(cloud, "1-network")
    check_zones(cloud, "t4g.small")


def test_the_instance_type_is_the_given_one_or_the_stacks_or_the_templates():
    stored = {"Parameters": [{"ParameterKey": "InstanceType", "ParameterValue": "m7g.large"}]}
    default = read_template("1-frontend")["Parameters"]["InstanceType"]["Default"]
    assert instance_type(None, {}) == default
    assert (
        instance_types()
        == read_template("1-frontend")["Parameters"]["InstanceType"]["AllowedValues"]
    )
    assert instance_type(stored, {}) == "m7g.large"
    assert instance_type(stored, {"InstanceType": "c7g.large"}) == "c7g.large"


def test_zones_are_read_from_all_pages():
    cloud = Cloud(boto3.Session("x", "x", region_name="eu-west-1"), "1")
    with Stubber(cloud.client("ec2")) as stub:
        for zone, token in (("eu-west-1b", {"NextToken": "more"}), ("eu-west-1a", {})):
            page = {"InstanceTypeOfferings": [{"Location": zone}], **token}
            stub.add_response("describe_instance_type_offerings", page)
        assert choose_zones(cloud, "t4g.small") == {"ZoneA": "eu-west-1a", "ZoneB": "eu-west-1b"}
        stub.assert_no_pending_responses()


def test_the_figures_of_the_fleet_are_the_templates():
    template = read_template("1-frontend")
    assert template["Resources"]["Fleet"]["Properties"]["MaxSize"] == str(LARGEST_FLEET)
    # Burstable sizes up to medium and other families' "large" have two vCPUs.
    for kind in template["Parameters"]["InstanceType"]["AllowedValues"]:
        family, size = kind.split(".")
        assert size in ({"micro", "small", "medium"} if family == "t4g" else {"large"})
    assert VCPUS_OF_A_SERVER == 2


def instance(kind="m5.large", cores=1, threads=2, **more) -> dict:
    options = {"CoreCount": cores, "ThreadsPerCore": threads}
    return {"InstanceType": kind, "CpuOptions": options, **more}


OWN = {"Tags": [{"Key": "aws:autoscaling:groupName", "Value": "rwa-fleet"}]}


@contextmanager
def account(cloud, quota, *instances, error=""):
    """Let Service Quotas and EC2 answer for an account with a quota and these servers."""
    with ExitStack() as both:
        quotas = both.enter_context(Stubber(cloud.client("service-quotas")))
        ec2 = both.enter_context(Stubber(cloud.client("ec2")))
        if error:
            quotas.add_client_error("get_service_quota", error)
        elif quota is None:
            quotas.add_client_error("get_service_quota", "NoSuchResourceException")
            quotas.add_response("get_aws_default_service_quota", {"Quota": {"Value": 5.0}})
        else:
            quotas.add_response("get_service_quota", {"Quota": {"Value": float(quota)}})
        ec2.add_response("describe_instances", {"Reservations": [{"Instances": list(instances)}]})
        yield


@pytest.mark.parametrize(
    ("quota", "instances", "n", "cause"),
    [
        (12, [], 6, ""),
        (8, [], 4, ""),
        (8, [], 5, "5 beacon servers need 10 vCPUs, and this account may run 8 "),
        (None, [], 3, "may run 5 "),  # only AWS's default is known
        (8, [instance()], 4, "other servers use 2"),
        (8, [instance(**OWN)], 4, ""),  # those of the fleet itself
        (8, [instance("g5.xlarge", 2)], 4, ""),  # another quota
        (8, [instance(InstanceLifecycle="spot")], 4, ""),  # another quota
        (0, [], 1, "may run 0 "),
    ],
)
def test_a_quota_that_is_too_low_for_so_many_servers_is_named(quota, instances, n, cause):
    cloud = Cloud(boto3.Session("x", "x", region_name="us-east-1"), "1")
    with account(cloud, quota, *instances):
        if not cause:
            check_servers(cloud, n)
            return
        with pytest.raises(WorkshopError, match=cause) as error:
            check_servers(cloud, n)
    assert "Service Quotas" in error.value.remedy


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "Unheard"])
def test_a_quota_that_can_not_be_read_stops_nothing(code):
    cloud = Cloud(boto3.Session("x", "x", region_name="us-east-1"), "1")
    with account(cloud, None, error=code):
        check_servers(cloud, 6)


def test_the_fleet_is_not_enlarged_beyond_the_quota(monkeypatch):
    cloud = Cloud(boto3.Session("x", "x", region_name="us-east-1"), "1")
    group = {"AutoScalingGroupName": "rwa-fleet", "MinSize": 2, "MaxSize": 6, "DesiredCapacity": 2,
             "DefaultCooldown": 1, "AvailabilityZones": ["a"], "HealthCheckType": "ELB",
             "CreatedTime": "2026-01-01T00:00:00Z"}  # fmt: skip
    with Stubber(cloud.client("autoscaling")) as stub, account(cloud, 8, instance(**OWN)):
        stub.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [group]})
        with pytest.raises(WorkshopError, match="5 beacon servers need 10 vCPUs"):
            fleet_size(cloud, 5)  # SetDesiredCapacity would find no answer here


def test_a_new_front_end_is_not_begun_beyond_the_quota(cloud):
    deploy(cloud, "1-capture")
    deploy(cloud, "1-network")
    with Stubber(cloud.client("service-quotas")) as stub:
        stub.add_response("get_service_quota", {"Quota": {"Value": 2.0}})
        with pytest.raises(WorkshopError, match="2 beacon servers need 4 vCPUs"):
            deploy(cloud, "1-frontend", FleetSize=2)
    assert describe(cloud, "zoned-1-frontend") is None
