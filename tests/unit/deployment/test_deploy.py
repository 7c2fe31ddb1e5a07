"""`deploy`: a new module, a module deployed twice, a failed stack, wrong arguments; the fleet."""

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

# Fails after two seconds, because the handle receives no signal.
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
    """The folder of small code that replaces the workshop's."""
    monkeypatch.setattr(helpers.deployment.deploy, "CODE", small_code(tmp_path))
    return tmp_path


def test_deploy_shows_each_resource_once_and_returns_the_outputs(cloud, capsys):
    deploy(cloud, "0-expiry")
    capsys.readouterr()
    stack_outputs = deploy(cloud, "1-capture")
    lines = capsys.readouterr().out.splitlines()
    assert stack_outputs["ClicksStream"] == "unit-clicks"
    assert stack_outputs == outputs(cloud, "1-capture")
    assert lines[0] == "unit-1-capture: creating" and lines[-1] == "✓ unit-1-capture is ready."
    names = {"ClicksStream", "ArchiveBucket", "CodeBucket", "ArchiveDelivery", "ArchiveDatabase",
             "ClicksTable", "Queries"}  # fmt: skip
    resources = [line.split()[:2] for line in lines[1:-2]]
    assert sorted(resources) == [["✓", name] for name in sorted(names)]
    assert lines[-2].split()[:3] == ["✓", "5", "supporting"]


def test_a_second_deploy_changes_nothing(cloud, capsys):
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
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 21
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


def test_an_error_names_the_first_failed_resource_and_the_next_deploy_succeeds(cloud, capsys):
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
    assert "failed before (ROLLBACK_COMPLETE): deleting" in capsys.readouterr().out


def test_an_error_names_a_bucket_that_exists_already(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=cloud.bucket("archive"))
    try:
        with pytest.raises(WorkshopError, match="ArchiveBucket.*already exist"):
            deploy(cloud, "1-capture")
    finally:
        s3.delete_bucket(Bucket=cloud.bucket("archive"))


def test_deploy_waits_for_a_busy_stack_and_creates_a_failed_one_again(cloud, capsys):
    cloud.client("cloudformation").create_stack(
        StackName="unit-1-capture", TemplateBody=SLOW_TO_FAIL, Tags=[TAG]
    )
    assert deploy(cloud, "1-capture")["ClicksStream"] == "unit-clicks"
    printed = capsys.readouterr().out
    assert "unit-1-capture is still busy (CREATE_IN_PROGRESS)" in printed
    assert "failed before (ROLLBACK_COMPLETE)" in printed


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
def test_an_error_names_the_wrong_argument_and_a_remedy(cloud, module, parameters, cause, remedy):
    with pytest.raises(WorkshopError) as mistake:
        deploy(cloud, module, **parameters)
    assert cause in mistake.value.cause and remedy in mistake.value.remedy
    assert remaining(cloud) == []


def test_deploy_reports_missing_credentials_and_an_unreachable_target(cloud, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    anonymous = boto3.Session(region_name="us-east-1")
    with pytest.raises(WorkshopError, match="No AWS credentials"):
        deploy(Cloud(anonymous, cloud.account, "unit", cloud.endpoint), "1-capture")
    with pytest.raises(WorkshopError, match="does not answer"):
        deploy(Cloud(cloud.session, cloud.account, "unit", "http://127.0.0.1:9"), "1-capture")


def test_a_stack_on_which_others_depend_is_not_deleted(cloud):
    deploy(cloud, "1-capture")
    deploy(cloud, "1-frontend")
    with pytest.raises(WorkshopError, match="imported by stack unit-1-frontend"):
        delete_stack(cloud, "unit-1-capture")


def servers(cloud):
    client = cloud.client("autoscaling")
    groups = client.describe_auto_scaling_groups(AutoScalingGroupNames=["unit-fleet"])
    return groups["AutoScalingGroups"][0]["DesiredCapacity"]


def test_the_fleet_has_one_to_six_servers(cloud):
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
    deploy(cloud, "1-frontend")  # nothing to update: the learner's number does not change
    assert servers(cloud) == 3


def test_beacon_url_waits_for_a_server(cloud, capsys, monkeypatch):
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
    url = f"{cloud.endpoint}/beacon"  # the emulator listens there
    cloud.client("ssm").put_parameter(Name="/unit/beacon-url", Value=url, Overwrite=True)
    assert beacon_url(cloud) == url


def test_starting_and_stopping_the_application_twice_is_safe(cloud, code, capsys):
    with pytest.raises(WorkshopError, match="2-analyze"):
        start_analytics(cloud)
    deploy(cloud, "1-capture")
    deploy(cloud, "2-analyze")
    capsys.readouterr()
    for _ in range(2):
        start_analytics(cloud)
    printed = capsys.readouterr().out
    assert printed.count("Starting") == 1 and "at least 10 minutes" in printed
    assert printed.count("✓ unit-analytics is running.") == 2
    for _ in range(2):
        stop_analytics(cloud)
    assert capsys.readouterr().out.count("Stopping") == 1
    start_analytics(cloud)  # destroy(), at the end of this test, stops a running application


def test_progress_updates_one_display_in_jupyter_and_escapes_its_text(cloud):
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
    # (On a slow machine, a line of text comes first: the code is being zipped.)
    shown = [output for output in cells[0].outputs if "text/html" in output.get("data", {})]
    assert len(shown) == 1
    text = shown[0].data["text/html"]
    assert text.count("<tr>") == 8 and "✓ unit-1-capture is ready." in text and "…" not in text
    assert json.dumps(cells[0].outputs[-1].data["text/plain"]) == "\"'unit-clicks'\""
    (shown,) = cells[1].outputs
    text = shown.data["text/html"]
    assert "&lt;script&gt;" in text and "a &amp; b" in text and "&lt;i&gt;end" in text
    assert "<script>" not in text


def test_deploy_does_not_change_a_foreign_stack_of_the_same_name(cloud):
    topic = json.dumps({"Resources": {"Mine": {"Type": "AWS::SNS::Topic"}}})
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="unit-1-capture", TemplateBody=topic)
    formation.get_waiter("stack_create_complete").wait(StackName="unit-1-capture")
    with pytest.raises(WorkshopError, match="prefix unit is taken") as mistake:
        deploy(cloud, "1-capture")
    assert "Choose another" in mistake.value.remedy
    resources = formation.describe_stack_resources(StackName="unit-1-capture")["StackResources"]
    assert [resource["LogicalResourceId"] for resource in resources] == ["Mine"]
