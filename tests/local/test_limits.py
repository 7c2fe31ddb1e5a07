"""The emulator's zones and quotas, as AWS documents the calls that return them."""

import pytest
from botocore.exceptions import ClientError

from helpers.deployment.quotas import VCPUS, quota, servers_that_fit
from helpers.deployment.zones import offering_zones


def offered(cloud, **arguments) -> set[tuple[str, str]]:
    found = cloud.client("ec2").describe_instance_type_offerings(**arguments)
    return {(each["InstanceType"], each["Location"]) for each in found["InstanceTypeOfferings"]}


def test_an_instance_type_is_offered_in_zones(emulator):
    graviton = [{"Name": "instance-type", "Values": ["t4g.small"]}]
    zones = offered(emulator, LocationType="availability-zone", Filters=graviton)
    assert zones == {("t4g.small", "us-east-1a"), ("t4g.small", "us-east-1b")}
    assert offering_zones(emulator.client, "t4g.small") == ["us-east-1a", "us-east-1b"]


def test_the_zone_without_graviton_offers_other_processors(emulator):
    assert offering_zones(emulator.client, "m7i.large")[-1] == "us-east-1c"
    ids = offered(emulator, LocationType="availability-zone-id")
    assert ("t3.small", "use1-az3") in ids and ("t4g.small", "use1-az3") not in ids
    assert offered(emulator) == {("t3.small", "us-east-1"), ("t4g.small", "us-east-1")}
    here = [{"Name": "location", "Values": ["us-east-1b"]}]
    assert {zone for _, zone in offered(emulator, LocationType="availability-zone", Filters=here)} \
        == {"us-east-1b"}  # fmt: skip


def test_quotas_are_awss_defaults_and_an_unknown_one_is_refused(emulator):
    assert quota(emulator.client, *VCPUS) == 32.0
    assert servers_that_fit(emulator.client, "rwa-fleet") == (16, 32, 0)
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quota(emulator.client, "ec2", "L-00000000")


def test_open_shards_are_counted(emulator):
    kinesis = emulator.client("kinesis")
    before = kinesis.describe_limits()
    kinesis.create_stream(StreamName="limits", ShardCount=3)
    try:
        after = kinesis.describe_limits()
        assert after["OpenShardCount"] == before["OpenShardCount"] + 3
        assert after["ShardLimit"] == before["ShardLimit"]
    finally:
        kinesis.delete_stream(StreamName="limits")
