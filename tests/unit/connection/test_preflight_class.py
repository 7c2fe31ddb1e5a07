"""`preflight(cloud, learners=30)`: a class's quotas, an account's own or AWS's defaults."""

import json

import pytest

from helpers.connection import preflight as module
from helpers.connection import preflight_probe
from helpers.connection.preflight import class_quotas, preflight
from helpers.connection.preflight_report import Report, State
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment.class_quotas import QUOTAS
from tests.unit.connection.aws_stand_in import StandIn, caller, refused, xml
from tests.unit.connection.preflight_account import PATIENT

SESSION = "arn:aws:sts::000000000000:assumed-role/Teacher/ada"
FAILED, WELL, UNKNOWN = State.FAILURE, State.OK, State.UNKNOWN


@pytest.fixture
def aws(emulator):
    stand_in = StandIn(emulator)
    stand_in.answers = {"GetCallerIdentity": caller(SESSION)}
    yield stand_in
    stand_in.close()


@pytest.fixture
def cloud(emulator, aws, own_home, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 300)  # on a busy machine
    monkeypatch.setattr(preflight_probe, "_CONFIG", PATIENT)
    return Cloud(emulator.session, emulator.account, "rwa", aws.url)


def of_class(report: Report) -> dict[str, tuple[State, str]]:
    """Return the state and the sentence of each quota."""
    lines = [line for line in report if line.name.startswith("class")][:-1]
    assert len(lines) == len(QUOTAS)
    return {line.text.split(":")[0]: (line.state, line.text) for line in lines}


def test_a_target_that_knows_few_quotas_gives_awss_defaults_and_says_so(cloud):
    found = of_class(class_quotas(cloud, 30))
    assert found["networks (VPCs)"][0] is FAILED and "default" not in found["networks (VPCs)"][1]
    assert found["vCPUs of servers"] == (
        FAILED, "vCPUs of servers: 120 for 30 learners; the quota is 32."
    )  # fmt: skip
    state, text = found["load balancers"]
    assert state is WELL and "50 (AWS's default, because this target does not know" in text
    assert "can't be read" in found["CloudWatch alarms"][1]


def test_an_account_with_high_quotas_has_room(cloud, aws):
    aws.answers |= {
        "GetServiceQuota": {"Quota": {"Value": 400.0}},
        "DescribeLimits": {"ShardLimit": 70, "OpenShardCount": 10},
        "GetAccountSettings": {"AccountLimit": {"UnreservedConcurrentExecutions": 90}},
    }
    found = of_class(class_quotas(cloud, 30))
    assert {state for state, _ in found.values()} == {WELL}, found
    assert "the quota is 70, of which 10 are in use" in found["shards of streams"][1]


def test_what_is_in_use_is_counted(cloud, aws):
    vpcs = "".join(f"<item><vpcId>vpc-{n}</vpcId><tagSet/></item>" for n in range(3))
    aws.answers |= {
        "GetServiceQuota": {"Quota": {"Value": 32.0}},
        "DescribeVpcs": xml("DescribeVpcs", f"<vpcSet>{vpcs}</vpcSet>", wrapped=False),
        "DescribeLimits": {"ShardLimit": 60, "OpenShardCount": 1},
        "GetAccountSettings": {"AccountLimit": {"UnreservedConcurrentExecutions": 89}},
    }
    report = class_quotas(cloud, 30)
    found = of_class(report)
    for what in ("networks (VPCs)", "shards of streams", "functions that run at once", "stacks"):
        assert found[what][0] is FAILED, what
    (networks,) = [line for line in report if "(VPCs)" in line.text]
    assert "Request 40 in AWS's Service Quotas console (Amazon VPC" in networks.remedy


def test_a_refusal_makes_lines_unknown_and_hides_no_other(cloud, aws):
    aws.answers["GetServiceQuota"] = refused("AccessDenied", "not authorized", 403)
    report = class_quotas(cloud, 30)
    unknown = {line.name for line in report.of(UNKNOWN)}
    assert "class: load balancers" in unknown and "class: stacks" in unknown
    assert [line.state for line in report if line.text.startswith("shards")] == [WELL]


def test_refused_credentials_are_one_failure_and_nothing_else_is_asked(cloud, aws):
    aws.answers["GetCallerIdentity"] = refused("InvalidClientTokenId", "bad", 403)
    report = class_quotas(cloud, 30)
    assert report.lines[0].state is FAILED
    assert len(report.of(UNKNOWN)) >= len(QUOTAS)
    assert {operation for operation, _ in aws.seen} == {"GetCallerIdentity"}


def test_preflight_adds_the_class_only_when_asked(cloud, aws):
    aws.answers["SimulatePrincipalPolicy"] = refused("AccessDenied", "no", 403)
    assert not [line for line in preflight(cloud) if line.name.startswith("class")]
    assert of_class(preflight(cloud, learners=30))
    asked = [json.dumps(form) for operation, form in aws.seen if operation == "GetServiceQuota"]
    assert len(asked) < 30
    with pytest.raises(WorkshopError, match="learners can't be 0"):
        preflight(cloud, learners=0)
