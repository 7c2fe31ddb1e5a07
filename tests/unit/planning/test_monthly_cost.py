"""The stacks' cost on AWS: exact sums of the listed prices, for the deployed resources."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from helpers.core.cloud import NAMESPACE, Cloud
from helpers.core.paths import REPOSITORY
from helpers.deployment.cost import MINIMUM_RUN, PRICED, cost, hours_running
from helpers.deployment.fleet import fleet_size
from helpers.deployment.flink_application import start_analytics, stop_analytics
from helpers.deployment.stacks import describe
from helpers.planning.prices import (
    EVERYTHING,
    hourly,
    per_million_beacons,
    price_list,
    rate,
    service_of,
)
from tests.small_code import all_stacks
from tests.template_files import read_template

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
# Resources that are billed by use or not at all, never by the hour.
FREE = {
    "AWS::Athena::WorkGroup",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Role",
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::Parameter",
    "AWS::Scheduler::Schedule",
}


@pytest.fixture(scope="module")
def cloud(emulator, tmp_path_factory) -> Iterator[Cloud]:
    with all_stacks(emulator, "bill", tmp_path_factory.mktemp("code")) as cloud:
        yield cloud


def operation(name: str, minutes: float, status: str = "SUCCESSFUL", lasts: float = 1) -> dict:
    start = NOON + timedelta(minutes=minutes)
    return {
        "Operation": name,
        "OperationStatus": status,
        "StartTime": start,
        "EndTime": start + timedelta(minutes=lasts),
    }


def test_the_price_list_has_a_date_a_source_and_valid_prices():
    prices = price_list()
    assert datetime.fromisoformat(prices["date"]) < datetime.now() and prices["source"]
    for name, price in prices["prices"].items():
        assert set(price) == {"service", "dollars", "per"}, name
        assert price["per"] in {"hour", "month", "use"} and price["dollars"] > 0


def test_a_rate_is_the_price_times_the_count():
    assert rate("shard", 2) == pytest.approx(0.03)
    assert rate("key") == pytest.approx(1 / 730)
    assert service_of("KPU") == "Managed Flink"
    with pytest.raises(KeyError):
        rate("million puts")  # is billed by use: it has no rate


def test_hourly_is_the_sum_computed_by_hand():
    # by hand, from AWS's list: shards, KPUs, their 50 GB, servers, disks, balancer, addresses,
    # alarms, dashboard, key, metrics
    by_the_hour = 2 * 0.015 + 2 * 0.11 + 2 * 0.0168 + 0.0225 + 4 * 0.005
    by_the_hour += 50 * 0.00065 + 25 * 0.00013  # the table's units
    by_the_month = 50 * 0.10 + 16 * 0.08 + 2 * 0.30 + 13 * 0.10 + 3.00 + 1.00 + 115 * 0.30
    assert hourly() == pytest.approx(by_the_hour + by_the_month / 730)


def test_a_million_beacons_cost_puts_5_kb_of_archive_each_and_new_connections():
    # four beacons a connection, 25 new ones a second: 10,000 seconds of one LCU
    balancer = 10_000 / 3600 * 0.008
    assert per_million_beacons() == pytest.approx(balancer + 0.014 + 5_000_000 / 1024**2 * 0.029)


def test_the_fleet_has_one_target_tracking_policy_which_creates_two_alarms():
    resources = read_template("1-frontend")["Resources"]
    policies = [
        each["Properties"]["PolicyType"]
        for each in resources.values()
        if each["Type"] == "AWS::AutoScaling::ScalingPolicy"
    ]
    assert policies == ["TargetTrackingScaling"]


@pytest.mark.parametrize(
    ("operations", "minutes"),
    [
        ([], 0),
        ([operation("StartApplication", -90)], 90),
        ([operation("StartApplication", -2)], 10),  # the minimum that is billed
        ([operation("StartApplication", -90), operation("StopApplication", -31)], 60),
        ([operation("StopApplication", -31), operation("StartApplication", -90)], 60),
        ([operation("StartApplication", -90), operation("StopApplication", -89)], 10),
        ([operation("StartApplication", -90, "FAILED")], 0),
        (
            [
                operation("StartApplication", -200),
                operation("UpdateApplication", -190),
                operation("StopApplication", -101),
                operation("StartApplication", -30),
            ],
            100 + 30,
        ),
    ],
)
def test_the_application_is_billed_for_the_time_it_ran(operations, minutes):
    assert hours_running(operations, NOON) == pytest.approx(minutes / 60)


def test_every_type_of_resource_has_a_price_or_is_listed_as_free():
    made = {
        resource["Type"]
        for path in (REPOSITORY / "cfn").glob("*.yaml")
        for resource in read_template(path)["Resources"].values()
    }
    assert made - FREE - set(PRICED) == {"AWS::KinesisAnalyticsV2::Application"}
    assert not FREE & set(PRICED)


def test_cost_prices_the_deployed_resources(cloud, capsys):
    fleet_size(cloud, 3)
    frame = cost(cloud)
    printed = capsys.readouterr().out
    assert "On AWS: $" in printed and price_list()["date"] in printed and "⚠" not in printed
    rates = frame["Dollars an hour"]
    assert frame.loc["Kinesis", "What"] == "2 × shard"  # of two streams
    assert frame.loc["Network", "What"] == "1 × load balancer, 5 × public address"
    assert rates["Kinesis"] == pytest.approx(2 * 0.015)
    assert rates["Managed Flink"] == 0 and frame.loc["Managed Flink", "What"] == "stopped"
    assert rates["EC2"] == pytest.approx(3 * 0.0168 + 24 * 0.08 / 730)
    watching = {name: EVERYTHING[name] for name in EVERYTHING if service_of(name) == "CloudWatch"}
    del watching["metric"]  # no metric exists yet
    assert rates["CloudWatch"] == pytest.approx(sum(rate(*pair) for pair in watching.items()))
    assert frame.loc["DynamoDB", "What"] == "50 × write unit, 25 × read unit"
    assert rates["DynamoDB"] == pytest.approx(50 * 0.00065 + 25 * 0.00013)
    assert rates["KMS"] == pytest.approx(1 / 730)
    assert rates["Total"] == pytest.approx(rates.drop("Total").sum())
    sofar = frame["Dollars so far"]
    assert sofar["Total"] == pytest.approx(sofar.drop("Total").sum())


def test_cost_counts_from_a_stacks_creation_and_while_the_application_runs(cloud, capsys):
    cloud.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": "event_count",
                "Dimensions": [{"Name": "Stack", "Value": prefix}, {"Name": "Item", "Value": item}],
                "Value": 1,
            }
            for prefix, item in (("bill", "a"), ("bill", "b"), ("another", "a"))
        ],
    )
    start_analytics(cloud)
    flink = 2 * 0.11 + 50 * 0.10 / 730
    printed = capsys.readouterr().out
    assert f"${flink:.2f} an hour" in printed and f"10 minutes: ${flink / 6:.2f}" in printed
    before = cost(cloud)
    assert before.loc["Managed Flink", "Dollars an hour"] == pytest.approx(flink)
    # It has just started: at least ten minutes are billed for each start.
    assert before.loc["Managed Flink", "Dollars so far"] == pytest.approx(flink * MINIMUM_RUN)
    assert "2 × metric" in before.loc["CloudWatch", "What"]
    stop_analytics(cloud)
    start_analytics(cloud)
    stop_analytics(cloud)
    after = cost(cloud, limit=0.01)
    assert after.loc["Managed Flink", "Dollars so far"] == pytest.approx(flink * 2 * MINIMUM_RUN)
    assert after.loc["Managed Flink", "Dollars an hour"] == 0
    assert "⚠ More than $0.01 so far" in capsys.readouterr().out
    age = datetime.now(UTC) - describe(cloud, "bill-1-capture")["CreationTime"]
    shard = after.loc["Kinesis", "Dollars so far"]
    assert 0 < shard <= 2 * 0.015 * age.total_seconds() / 3600


def test_cost_is_zero_if_nothing_is_deployed(emulator, capsys):
    frame = cost(Cloud(emulator.session, emulator.account, "none", emulator.endpoint))
    assert list(frame.index) == ["Total"] and frame.loc["Total", "Dollars an hour"] == 0
    assert "$0.00 an hour" in capsys.readouterr().out
    assert not math.isnan(frame.loc["Total", "Dollars so far"])
    json.dumps(frame["Dollars so far"].to_dict())
