"""Deploying a module, again, on top of something else, and by mistake."""

import json

import boto3
import pytest

import helpers.deployment.deploy
from helpers.core import waiting
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment.deploy import TAG, deploy
from helpers.deployment.destroy import delete_stack, destroy, remaining
from helpers.deployment.fleet import beacon_url, fleet_size
from helpers.deployment.flink_application import start_analytics, stop_analytics
from helpers.deployment.metric_catalog import seed_catalog
from helpers.deployment.stacks import describe, outputs
from tests.running_notebooks import run_cells
from tests.small_code import small_code

# Takes two seconds to fail: nobody signals the handle.
SLOW_TO_FAIL = """
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Never:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Handle, Timeout: "2", Count: 1}
"""


@pytest.fixture
def cloud(emulator):
    cloud = Cloud(emulator.session, emulator.account, "unit", emulator.endpoint)
    yield cloud
    destroy(cloud)


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Small code in place of the workshop's own: its folder."""
    small = small_code(tmp_path)
    monkeypatch.setattr(helpers.deployment.deploy, "CODE", small)
    return tmp_path


def test_deploy_shows_each_resource_once_and_returns_the_outputs(cloud, capsys):
    deploy(cloud, "0-expiry")
    capsys.readouterr()
    found = deploy(cloud, "1-capture")
    lines = capsys.readouterr().out.splitlines()
    assert found["ClicksStream"] == "unit-clicks"
    assert found == outputs(cloud, "1-capture")
    assert lines[0] == "unit-1-capture: creating" and lines[-1] == "✓ unit-1-capture is ready."
    assert [line.split()[:2] for line in lines[1:-2]] == [
        ["✓", name] for name in [line.split()[1] for line in lines[1:-2]]
    ]
    assert {line.split()[1] for line in lines[1:-2]} == {
        "ClicksStream",
        "ArchiveBucket",
        "CodeBucket",
        "ArchiveDelivery",
        "ArchiveDatabase",
        "ClicksTable",
        "Queries",
    }
    assert lines[-2].split()[:3] == ["✓", "5", "supporting"]


def test_deploy_again_changes_nothing(cloud, capsys):
    deploy(cloud, "1-capture")
    created = describe(cloud, "unit-1-capture")
    capsys.readouterr()
    deploy(cloud, "1-capture")
    assert capsys.readouterr().out == "✓ unit-1-capture is up to date.\n"
    assert describe(cloud, "unit-1-capture") == created


def test_new_code_updates_the_stack_and_the_catalog_keeps_its_rows(cloud, code, capsys):
    deploy(cloud, "1-capture")
    deploy(cloud, "2-analyze")
    table, key = cloud.name("Metrics"), {"MetricType": {"S": "top_pages"}}
    dynamodb, functions = cloud.client("dynamodb"), cloud.client("lambda")
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 9
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET MaxItems = :n",
        ExpressionAttributeValues={":n": {"N": "7"}},
    )
    before = functions.get_function_configuration(FunctionName="unit-process-metrics")
    (code / "handler.py").write_text("def handler(event, context):\n    return {'new': 1}\n")
    capsys.readouterr()
    deploy(cloud, "2-analyze")
    assert "unit-2-analyze: updating" in capsys.readouterr().out
    after = functions.get_function_configuration(FunctionName="unit-process-metrics")
    assert before["CodeSha256"] != after["CodeSha256"]
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    assert (item["MaxItems"], item["LatestEventTimestamp"]) == ({"N": "7"}, {"N": "0"})
    assert seed_catalog(cloud) == 0


def test_a_failure_names_the_first_failed_resource_and_is_cleared_by_the_next_run(cloud, capsys):
    firehose = cloud.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="unit-archive",
        S3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/some-role",
            "BucketARN": "arn:aws:s3:::somewhere",
        },
    )
    with pytest.raises(WorkshopError) as failure:
        deploy(cloud, "1-capture")
    assert "unit-1-capture failed at ArchiveDelivery" in failure.value.cause
    assert "already exists" in failure.value.cause
    assert "destroy(cloud)" in failure.value.remedy
    assert "✗ ArchiveDelivery" in capsys.readouterr().out
    firehose.delete_delivery_stream(DeliveryStreamName="unit-archive")
    assert deploy(cloud, "1-capture")["ArchiveDelivery"] == "unit-archive"
    assert "failed before (ROLLBACK_COMPLETE): removing" in capsys.readouterr().out


def test_a_bucket_that_is_already_there_is_named_too(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=cloud.bucket("archive"))
    try:
        with pytest.raises(WorkshopError, match="ArchiveBucket.*already exist"):
            deploy(cloud, "1-capture")
    finally:
        s3.delete_bucket(Bucket=cloud.bucket("archive"))


def test_a_busy_stack_is_waited_for_and_a_failed_one_made_again(cloud, capsys):
    cloud.client("cloudformation").create_stack(
        StackName="unit-1-capture", TemplateBody=SLOW_TO_FAIL, Tags=[TAG]
    )
    assert deploy(cloud, "1-capture")["ClicksStream"] == "unit-clicks"
    told = capsys.readouterr().out
    assert "unit-1-capture is still busy (CREATE_IN_PROGRESS)" in told
    assert "failed before (ROLLBACK_COMPLETE)" in told


@pytest.mark.parametrize(
    ("module", "parameters", "cause", "remedy"),
    [
        ("capture", {}, "no module 'capture'", '"1-capture"'),
        ("2-analyse", {}, "no module '2-analyse'", '"2-analyze"'),
        (None, {}, "no module None", "1-capture"),
        ("2-analyze", {}, "module 1-capture is not deployed", 'deploy(cloud, "1-capture")'),
        ("1-capture", {"Shards": 2}, "no parameter Shards", "ShardCount"),
        ("1-capture", {"ShardCount": 99}, "not greater than 10", "Correct the value"),
        ("1-capture", {"ShardCount": "two"}, "ShardCount", "Correct the value"),
    ],
)
def test_a_mistake_is_answered_by_what_to_do(cloud, module, parameters, cause, remedy):
    with pytest.raises(WorkshopError) as mistake:
        deploy(cloud, module, **parameters)
    assert cause in mistake.value.cause and remedy in mistake.value.remedy
    assert remaining(cloud) == []


def test_no_credentials_and_no_cloud_are_explained(cloud, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    nobody = boto3.Session(region_name="us-east-1")
    with pytest.raises(WorkshopError, match="No AWS credentials"):
        deploy(Cloud(nobody, cloud.account, "unit", cloud.endpoint), "1-capture")
    with pytest.raises(WorkshopError, match="does not answer"):
        deploy(Cloud(cloud.session, cloud.account, "unit", "http://127.0.0.1:9"), "1-capture")


def test_a_stack_that_others_build_on_is_not_deleted(cloud):
    deploy(cloud, "1-capture")
    deploy(cloud, "1-frontend")
    with pytest.raises(WorkshopError, match="imported by stack unit-1-frontend"):
        delete_stack(cloud, "unit-1-capture")


def servers(cloud):
    groups = cloud.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=["unit-fleet"]
    )
    return groups["AutoScalingGroups"][0]["DesiredCapacity"]


def test_the_fleet_takes_one_to_six_servers(cloud):
    with pytest.raises(WorkshopError, match="1-frontend"):
        fleet_size(cloud, 2)
    deploy(cloud, "1-capture")
    deploy(cloud, "1-frontend")
    for n in (6, 1, 3):
        fleet_size(cloud, n)
        assert servers(cloud) == n
    for wrong in (0, 7, 2.5, "3", True):
        with pytest.raises(WorkshopError, match="1 to 6"):
            fleet_size(cloud, wrong)
    assert servers(cloud) == 3
    deploy(cloud, "1-frontend")  # nothing to update: the learner's number stays
    assert servers(cloud) == 3


def test_the_beacon_url_is_waited_for(cloud, capsys, monkeypatch):
    monkeypatch.setattr(waiting, "STEP_SECONDS", 0.1)
    monkeypatch.setattr(waiting, "LOG_SECONDS", 0.2)
    with pytest.raises(WorkshopError, match="1-frontend"):
        beacon_url(cloud)
    deploy(cloud, "1-capture")
    deploy(cloud, "1-frontend")
    capsys.readouterr()
    with pytest.raises(WorkshopError, match="No beacon server was reached"):
        beacon_url(cloud, timeout=0.8)
    assert capsys.readouterr().out.startswith("The beacon servers are starting ...")
    url = f"{cloud.endpoint}/beacon"  # somebody listens there
    cloud.client("ssm").put_parameter(Name="/unit/beacon-url", Value=url, Overwrite=True)
    assert beacon_url(cloud) == url


def test_analytics_starts_and_stops_and_both_can_be_repeated(cloud, code, capsys):
    with pytest.raises(WorkshopError, match="2-analyze"):
        start_analytics(cloud)
    deploy(cloud, "1-capture")
    deploy(cloud, "2-analyze")
    capsys.readouterr()
    for _ in range(2):
        start_analytics(cloud)
    told = capsys.readouterr().out
    assert told.count("Starting") == 1 and "at least 10 minutes" in told
    assert told.count("✓ unit-analytics is running.") == 2
    for _ in range(2):
        stop_analytics(cloud)
    assert capsys.readouterr().out.count("Stopping") == 1
    start_analytics(cloud)  # destroy(), at the end of this test, stops a running application


def test_in_jupyter_one_display_is_updated_and_what_it_shows_is_escaped(cloud):
    deploy(cloud, "0-expiry")
    key = tuple(cloud.session.get_credentials().get_frozen_credentials()[:2])
    cells = run_cells(
        "import boto3\n"
        "from helpers.core.cloud import Cloud\n"
        "from helpers.deployment.deploy import deploy\n"
        "from helpers.deployment.stack_progress import Progress, Row\n"
        f"session = boto3.Session(*{key!r}, region_name='us-east-1')\n"
        f"cloud = Cloud(session, '{cloud.account}', 'unit', '{cloud.endpoint}')\n"
        "deploy(cloud, '1-capture')['ClicksStream']",
        "progress = Progress('<b>title')\n"
        "progress.show([Row('✗', '<script>', 'a & b', 1.0)], '<i>end')",
    )
    # (On a slow machine, a line of text has said that the code is packed.)
    shown = [output for output in cells[0].outputs if "text/html" in output.get("data", {})]
    assert len(shown) == 1
    text = shown[0].data["text/html"]
    assert text.count("<tr>") == 8 and "✓ unit-1-capture is ready." in text and "…" not in text
    assert json.dumps(cells[0].outputs[-1].data["text/plain"]) == "\"'unit-clicks'\""
    (shown,) = cells[1].outputs
    text = shown.data["text/html"]
    assert "&lt;script&gt;" in text and "a &amp; b" in text and "&lt;i&gt;end" in text
    assert "<script>" not in text


def test_another_ones_stack_of_that_name_is_left_alone(cloud):
    topic = json.dumps({"Resources": {"Mine": {"Type": "AWS::SNS::Topic"}}})
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="unit-1-capture", TemplateBody=topic)
    formation.get_waiter("stack_create_complete").wait(StackName="unit-1-capture")
    with pytest.raises(WorkshopError, match="prefix unit is taken") as mistake:
        deploy(cloud, "1-capture")
    assert "Choose another" in mistake.value.remedy
    resources = formation.describe_stack_resources(StackName="unit-1-capture")["StackResources"]
    assert [resource["LogicalResourceId"] for resource in resources] == ["Mine"]
