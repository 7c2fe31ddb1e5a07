"""The templates as they live: made in order, updated, deleted, and nothing left."""

import json
import re
from collections.abc import Iterator

import pytest

from helpers.core.cloud import Cloud
from helpers.core.paths import REPOSITORY
from helpers.dashboards.body import rows
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy, remaining
from helpers.deployment.stacks import MODULES
from tests.small_code import all_stacks

CATALOG = REPOSITORY / "assets" / "catalog.json"
# The calls that list each kind of resource of the templates.
LISTED = [
    *[("kinesis", "list_streams"), ("firehose", "list_delivery_streams"), ("s3", "list_buckets")],
    *[("dynamodb", "list_tables"), ("lambda", "list_functions"), ("iam", "list_roles")],
    *[("lambda", "list_event_source_mappings"), ("iam", "list_instance_profiles")],
    *[("ec2", "describe_launch_templates"), ("ec2", "describe_vpcs"), ("ec2", "describe_subnets")],
    *[("ec2", "describe_internet_gateways"), ("ec2", "describe_security_groups")],
    *[("elbv2", "describe_load_balancers"), ("elbv2", "describe_target_groups")],
    *[("autoscaling", "describe_policies"), ("cloudwatch", "describe_alarms")],
    *[("cloudwatch", "list_dashboards"), ("logs", "describe_log_groups"), ("sqs", "list_queues")],
    *[("sns", "list_topics"), ("ssm", "describe_parameters"), ("glue", "get_databases")],
    ("athena", "list_work_groups"),
]


@pytest.fixture(scope="module")
def cloud(emulator, tmp_path_factory) -> Iterator[Cloud]:
    with all_stacks(emulator, "life", tmp_path_factory.mktemp("code")) as cloud:
        yield cloud


def stack_state(cloud):
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {s["StackName"]: s["StackStatus"] for s in stacks if s["StackName"].startswith("life-")}


def archive(cloud) -> dict:
    answer = cloud.client("firehose").describe_delivery_stream(DeliveryStreamName="life-archive")
    destination = answer["DeliveryStreamDescription"]["Destinations"][0]
    return destination["ExtendedS3DestinationDescription"]


def test_all_stacks_are_created(cloud):
    assert stack_state(cloud) == {f"life-{module}": "CREATE_COMPLETE" for module in MODULES}


def test_what_the_local_target_reads_is_as_agreed(cloud):
    group = cloud.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=["life-fleet"]
    )["AutoScalingGroups"][0]
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (1, 1, 6)
    tags = {tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"]) for tag in group["Tags"]}
    assert tags["clicks-stream"] == ("life-clicks", True)
    to = archive(cloud)
    assert to["Prefix"].startswith("beacons/year=!{timestamp:yyyy}/month=!{timestamp:MM}/")
    assert to["ErrorOutputPrefix"].startswith("failed/")
    assert to["CompressionFormat"] == "GZIP"
    assert int(to["BufferingHints"]["IntervalInSeconds"]) == 10
    parameter = cloud.client("ssm").get_parameter(Name="/life/beacon-url")["Parameter"]
    assert parameter["Value"] == "http://127.0.0.1:1/beacon"  # until the fleet writes its own


def test_the_flink_application_has_its_zip_and_its_property_groups(cloud):
    detail = cloud.client("kinesisanalyticsv2").describe_application(
        ApplicationName="life-analytics"
    )["ApplicationDetail"]
    assert (detail["RuntimeEnvironment"], detail["ApplicationStatus"]) == ("FLINK-2_2", "READY")
    configuration = detail["ApplicationConfigurationDescription"]
    groups = {
        group["PropertyGroupId"]: group["PropertyMap"]
        for group in configuration["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
    }
    account = f"us-east-1:{cloud.account}"
    assert set(groups) == {"clicks", "metrics", "flink", "kinesis.analytics.flink.run.options"}
    assert groups["clicks"]["stream.arn"] == f"arn:aws:kinesis:{account}:stream/life-clicks"
    assert groups["metrics"]["stream.arn"] == f"arn:aws:kinesis:{account}:stream/life-metrics"
    assert groups["metrics"]["sink.flush-buffer.timeout"] == "200"
    assert groups["kinesis.analytics.flink.run.options"]["python"] == "main.py"
    code = configuration["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
    location = code["S3ApplicationCodeLocationDescription"]
    cloud.client("s3").head_object(Bucket=cloud.bucket("code"), Key=location["FileKey"])


def test_the_functions_are_fed_and_know_their_tables(cloud):
    functions = cloud.client("lambda")
    tables = {
        "life-process-metrics": {"DETAILS_TABLE": "life-MetricDetails"},
        "life-publish-metrics": {"PUBLISHED_TABLE": "life-Published"},
    }
    for name, own in tables.items():
        environment = functions.get_function_configuration(FunctionName=name)["Environment"]
        both = {"PREFIX": "life", "CATALOG_TABLE": "life-Metrics"}
        assert environment["Variables"] == both | own
        sources = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        assert [source["BatchSize"] for source in sources] == [500]


def test_the_details_table_has_one_partition_and_scales_within_it(cloud):
    table = cloud.client("dynamodb").describe_table(TableName="life-MetricDetails")["Table"]
    units = table["ProvisionedThroughput"]
    assert (units["WriteCapacityUnits"], units["ReadCapacityUnits"]) == (50, 25)
    scaling = cloud.client("application-autoscaling")
    of_table = {"ServiceNamespace": "dynamodb", "ResourceIds": ["table/life-MetricDetails"]}
    most = {
        target["ScalableDimension"].split(":")[-1]: target["MaxCapacity"]
        for target in scaling.describe_scalable_targets(**of_table)["ScalableTargets"]
    }
    # A partition has 1,000 write or 3,000 read units a second.
    assert most["WriteCapacityUnits"] / 1000 + most["ReadCapacityUnits"] / 3000 <= 1
    del of_table["ResourceIds"]
    policies = scaling.describe_scaling_policies(**of_table, ResourceId="table/life-MetricDetails")
    assert sorted(each["PolicyName"] for each in policies["ScalingPolicies"]) == [
        "life-reads",
        "life-writes",
    ]


def test_the_alarm_tells_the_topic_and_the_topic_the_inbox(cloud):
    alarm = cloud.client("cloudwatch").describe_alarms(AlarmNames=["life-click-anomaly"])
    (alarm,) = alarm["MetricAlarms"]
    assert alarm["Dimensions"] == [
        {"Name": "Stack", "Value": "life"},
        {"Name": "Item", "Value": "click"},
    ]
    assert (alarm["Period"], alarm["Threshold"], alarm["Statistic"]) == (10, 2.0, "Maximum")
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="life-inbox")["QueueUrl"]
    cloud.client("sns").publish(TopicArn=alarm["AlarmActions"][0], Message="it rings")
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert [json.loads(message["Body"])["Message"] for message in messages] == ["it rings"]


def test_the_dashboard_is_valid_fits_and_shows_every_metric(cloud):
    body = cloud.client("cloudwatch").get_dashboard(DashboardName="life-dashboard")
    widgets = json.loads(body["DashboardBody"])["widgets"]
    taken = set()
    for widget in widgets:
        assert widget["x"] >= 0 and widget["x"] + widget["width"] <= 24
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget["properties"]
        taken |= cells
    charts = [widget["properties"] for widget in widgets if widget["type"] == "metric"]
    assert all(chart["title"] and chart["region"] == "us-east-1" for chart in charts)
    shown = set()
    for chart in charts:
        for row in rows(chart["metrics"]):
            if "SEARCH" in row.expression:
                assert row.options["label"] == "${PROP('Dim.Item')}"
                assert 'Stack="life"' in row.expression
                shown.add(re.search(r'MetricName="(\w+)"', row.expression)[1])
            elif not row.expression:
                assert dict(row.dimensions)["Stack"] == "life"
                shown.add(row.name)
    seeded = {row["MetricType"] for row in json.loads(CATALOG.read_text(encoding="utf-8"))}
    # An hour is too long for a dashboard of fifteen minutes; devices show more than systems.
    assert shown == seeded - {"hourly_events", "system_count"}


def test_an_update_changes_what_it_names_and_keeps_the_rest(cloud):
    deploy(cloud, "1-capture", BufferMegabytes=9)
    deploy(cloud, "1-capture", BufferSeconds=20)
    hints = archive(cloud)["BufferingHints"]
    assert (int(hints["SizeInMBs"]), int(hints["IntervalInSeconds"])) == (9, 20)


def test_destroy_leaves_nothing_and_can_be_repeated(cloud, capsys):
    s3 = cloud.client("s3")
    for n in range(3):
        s3.put_object(Bucket=cloud.bucket("archive"), Key=f"beacons/{n}.gz", Body=b"x")
    assert len(remaining(cloud)) > 20
    destroy(cloud)
    assert "3 objects deleted from life-archive" in capsys.readouterr().out
    assert stack_state(cloud) == {}
    # Other tests share the emulator: only what bears our prefix counts.
    for service, operation in LISTED:
        found = getattr(cloud.client(service), operation)()
        assert not re.search("life[-_]", str(found)), operation
    # A function's last run may create its log group again after the stack's deletion.
    logs, foreign = cloud.client("logs"), "/ecs/life-of-somebody-else"
    for name in ("/aws/lambda/life-process-metrics", foreign):
        logs.create_log_group(logGroupName=name)
    destroy(cloud)
    logs.delete_log_group(logGroupName=foreign)  # fails if it is gone
    assert capsys.readouterr().out == "✓ Nothing of life is left.\n"
    assert remaining(cloud) == []
