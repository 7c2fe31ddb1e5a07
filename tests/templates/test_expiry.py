"""The expiry: its function deletes everything, its role may, and a learner can put it off."""

import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import helpers.deployment.deploy
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.deploy import deploy, extend_expiry
from helpers.deployment.destroy import destroy
from helpers.deployment.expiry import expires_at, is_over, times
from helpers.deployment.leftover_resources import remaining
from helpers.deployment.stacks import EXPIRY, MODULES, describe
from tests.iam_needs import permissions
from tests.small_code import small_code
from tests.template_files import read_template, texts

RESOURCES = read_template(EXPIRY)["Resources"]
# Actions of CloudFormation's schemas that this workshop's resources don't need.
NOT_NEEDED = {
    "autoscaling:Describe*": "its three calls that matter here are named one by one",
    "ec2:DeleteTags": "the tags go with the launch template",
    "ec2:DescribeVpnGateways": "no VPN gateway",
    "ec2:DetachVpnGateway": "no VPN gateway",
    "glue:CreateTable": "deletes only",
    "glue:DeleteConnection": "no Glue connection",
    "glue:GetConnection": "no Glue connection",
    "iam:TagRole": "deletes only",
    "iam:UntagRole": "deletes only",
    "athena:UntagResource": "the tags go with the workgroup",
    "kinesis:UntagResource": "the tags go with the stream",
    "kms:Decrypt": "no event source has filter criteria, which a key could encrypt",
    "kms:RevokeGrant": "Firehose uses no key of ours",
    "logs:DeleteDataProtectionPolicy": "no log group has one",
    "ssm:RemoveTagsFromResource": "the tags go with the parameter",
}
NOT_USED = ("lakeformation:", "managed-fleets:")  # services that the workshop does not use


@pytest.fixture
def cloud(emulator, tmp_path, monkeypatch) -> Cloud:
    monkeypatch.setattr(helpers.deployment.deploy, "CODE", small_code(tmp_path))
    cloud = Cloud(emulator.session, emulator.account, "over", emulator.endpoint)
    yield cloud
    destroy(cloud)


def function_code() -> str:
    return RESOURCES["ExpiryFunction"]["Properties"]["Code"]["ZipFile"]


def policy() -> dict:
    (policy,) = RESOURCES["ExpiryRole"]["Properties"]["Policies"]
    return policy["PolicyDocument"]


def test_the_functions_code_is_clean_and_short_enough_to_stand_in_a_template(tmp_path):
    assert len(function_code()) <= 4096
    (tmp_path / "index.py").write_text(textwrap.dedent(function_code()))
    linter = Path(sys.executable).with_name("ruff")
    for options in (["check", "--ignore", "ANN,D"], ["format", "--check"]):
        command = [linter, *options, "--config", REPOSITORY / "pyproject.toml", tmp_path]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout


def test_it_deletes_every_stack_also_one_that_runs_and_buckets_that_hold_something(cloud):
    for module in MODULES:
        deploy(cloud, module)
    s3, archive = cloud.client("s3"), cloud.bucket("archive")
    s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket=archive, Key="beacons/a.gz", Body=body)
    s3.delete_object(Bucket=archive, Key="beacons/a.gz")
    cloud.client("kinesisanalyticsv2").start_application(
        ApplicationName=cloud.name("analytics"), RunConfiguration={}
    )
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.name("expiry"), Payload=json.dumps({"pause": 0.2})
    )
    assert json.loads(answer["Payload"].read()) == {"left": []}
    # It stays itself, and the log of what it has done; they cost nothing.
    kinds = [entry.split(" ")[0] for entry in remaining(cloud)]
    assert sorted(kinds) == ["function", "log", "role", "role", "schedule", "stack"]
    assert describe(cloud, cloud.name(EXPIRY))["StackStatus"] == "CREATE_COMPLETE"


def test_the_schedule_begins_at_the_expiry_and_calls_the_function(cloud, capsys):
    deploy(cloud, "1-capture")
    stack = describe(cloud, cloud.name(EXPIRY))
    wanted = datetime.now(UTC) + timedelta(hours=8)
    assert abs(expires_at(stack) - wanted) < timedelta(minutes=2)
    assert f"deleted at {expires_at(stack):%H:%M} UTC" in capsys.readouterr().out
    given = {pair["ParameterKey"]: pair["ParameterValue"] for pair in stack["Parameters"]}
    assert given["Stacks"] == (
        "over-3-visualize,over-2-analyze,over-1-frontend,over-1-network,over-1-capture"
    )
    schedule = cloud.client("scheduler").get_schedule(Name=cloud.name("expiry"))
    assert schedule["Target"]["Arn"].endswith(":function:over-expiry")
    properties = RESOURCES["Schedule"]["Properties"]
    assert properties["StartDate"] == {"Ref": "ExpiresAt"}
    assert properties["EndDate"] == {"Ref": "GivesUpAt"}


def test_it_is_put_off_kept_and_set_anew_once_it_is_over(cloud, capsys):
    deploy(cloud, "1-capture")
    extend_expiry(cloud, 20)
    later = expires_at(describe(cloud, cloud.name(EXPIRY)))
    assert abs(later - datetime.now(UTC) - timedelta(hours=20)) < timedelta(minutes=2)
    capsys.readouterr()
    deploy(cloud, "1-capture")
    deploy(cloud, EXPIRY)
    assert expires_at(describe(cloud, cloud.name(EXPIRY))) == later
    deploy(cloud, EXPIRY, **times(-1))
    assert is_over(describe(cloud, cloud.name(EXPIRY)))
    deploy(cloud, "1-capture")
    assert not is_over(describe(cloud, cloud.name(EXPIRY)))


def test_extend_expiry_names_the_module_to_deploy_and_the_bounds_of_hours(cloud):
    with pytest.raises(WorkshopError, match="1-capture"):
        extend_expiry(cloud)
    for hours in (0, -1, 169):
        with pytest.raises(WorkshopError, match="from 0.25 to 168"):
            extend_expiry(cloud, hours)


@pytest.mark.parametrize("module", [module for module in MODULES if module != EXPIRY])
def test_the_role_may_delete_whatever_a_template_makes(module):
    allowed = {
        action for statement in policy()["Statement"] for action in texts(statement["Action"])
    }
    for resource in read_template(module)["Resources"].values():
        asked = permissions(resource["Type"], "delete")
        needed = {action for action in asked if not action.startswith(NOT_USED)}
        assert needed - set(NOT_NEEDED) <= allowed, resource["Type"]


def test_the_role_fits_into_what_iam_takes():
    text = json.dumps(policy(), separators=(",", ":"))
    longest = {"Partition": "aws", "Region": "ap-southeast-1", "AccountId": "123456789012"}
    for name, value in longest.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    text = text.replace("${Prefix}", "a23456789012")
    assert len(text.replace('{"Fn::Sub":', "").replace(" ", "")) < 10_240


def test_the_local_target_notes_a_schedule_and_never_fires_it(emulator):
    from helpers.local.emulator import scheduler

    schedules = emulator.client("scheduler")
    schedules.create_schedule(
        Name="due",
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:lambda:us-east-1:000000000000:function:none", "RoleArn": "a" * 20},
    )
    assert schedules.get_schedule(Name="due")["State"] == "ENABLED"
    schedules.delete_schedule(Name="due")
    before = scheduler.scheduler._tick_schedules
    try:
        scheduler.apply()
        assert scheduler.scheduler._tick_schedules() is None
        assert scheduler.scheduler._tick_schedules is scheduler.fire_none
    finally:
        scheduler.scheduler._tick_schedules = before
