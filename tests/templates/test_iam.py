"""Every permission in the templates and in policy/: who may do what, to what, and no more."""

import fnmatch
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.iam_needs import NOT_NEEDED, for_calls, for_stacks, known, named_by_schemas
from tests.template_files import (
    POLICIES,
    TEMPLATES,
    policies_as_template,
    read_template,
    texts,
    walk,
)

LARGEST = 6_144  # characters of a managed policy, white space not counted (IAM quotas)

# Actions that have a resource level of their own, and yet must be allowed on all: why.
ON_ALL = {
    "cloudformation:DescribeStacks": "the clean-up lists all stacks to find what is left",
    "cloudformation:GetTemplateSummary": "deploy() asks about a text, not about a stack",
    "cloudwatch:DescribeAlarms": "a list by prefix is a list of all",
    "cloudwatch:GetMetricData": "metrics have no ARN; a dataset is a newer thing, not ours",
    "cloudwatch:ListMetrics": "as GetMetricData",
    "cloudwatch:PutMetricData": "as GetMetricData; the namespace is limited instead",
    "ec2:RunInstances": "the group's network, images and disks have no names of ours; only a "
    "service may call it for the learner, as Auto Scaling does",
    "iam:SimulatePrincipalPolicy": "preflight() asks about the caller, whose name is not ours",
    "lambda:CreateEventSourceMapping": "has no id before; the function is limited instead",
    "lambda:DeleteEventSourceMapping": "its id is not known before; the function is limited",
    "lambda:GetEventSourceMapping": "as DeleteEventSourceMapping",
    "lambda:UpdateEventSourceMapping": "as DeleteEventSourceMapping",
    "servicequotas:GetServiceQuota": "a quota's ARN has no name of ours, and is no secret",
}
# What a statement about "*" has to limit instead: action -> a key of its conditions.
LIMITED_BY = {
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "ec2:RunInstances": "aws:ViaAWSService",
    **{a: "lambda:FunctionArn" for a in ON_ALL if "EventSourceMapping" in a},
}
# What another service checks in the learner's name, while CloudFormation makes a resource: why.
# (test_iam_of_stacks.py evaluates such a check, without aws:CalledVia.)
# CloudFormation is documented to set aws:CalledVia in its own calls. Behind Auto Scaling, Lambda or
# EC2 there may be another value or none: only aws:ViaAWSService is in every request of a service.
# It lets a further service call in, but none with more effect: a template can do all of this, too.
BEHIND_CLOUDFORMATION = {
    "ec2:RunInstances": "Auto Scaling checks that the group's creator may launch its servers",
    "ec2:CreateTags": "and tag them (Amazon EC2 Auto Scaling API permissions)",
    "ssm:GetParameters": "EC2 looks up the launch template's image (resolve:ssm:...)",
    "s3:GetObject": "Lambda fetches a function's zip",
    **dict.fromkeys(
        (
            "cloudwatch:DeleteAlarms",
            "cloudwatch:PutMetricAlarm",
            "dynamodb:DescribeTable",
            "dynamodb:UpdateTable",
        ),
        "Application Auto Scaling checks that the policy's creator may scale the table",
    ),
}
CALLED_VIA = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
VIA_SERVICE = {"Bool": {"aws:ViaAWSService": "true"}}


def statements() -> dict[str, tuple[Path, dict]]:
    """Return all statements: a unique name -> (file, statement)."""
    found = {}
    for path in [*TEMPLATES, *POLICIES]:
        content = json.loads(path.read_text()) if path in POLICIES else read_template(path)
        for node in walk(content):
            if isinstance(node, dict) and "Effect" in node:
                number = sum(key.startswith(path.stem) for key in found)
                name = f"{path.stem} {number} {node.get('Sid', '')} {node['Effect']}"
                found[f"{name}: {', '.join(texts(node['Action']))[:80]}"] = (path, node)
    return found


STATEMENTS = statements()
each = pytest.mark.parametrize(("path", "statement"), STATEMENTS.values(), ids=STATEMENTS)


def comment_near(path: Path, statement) -> bool:
    lines = path.read_text().splitlines()
    first, last = statement.lines
    return any("# " in line for line in lines[max(0, first - 3) : last])


@cache
def kinds(action: str) -> list[str] | None:
    """The kinds of resources an action can be limited to; None if IAM has no such action."""
    service, name = action.split(":")
    found = known().get(service, {}).get("Actions", {}).get(name.lower())
    return None if found is None else found.get("Resources", [])


@each
def test_no_action_has_a_wildcard(path, statement):
    if statement["Effect"] == "Allow" and "Principal" not in statement:
        assert not [action for action in texts(statement["Action"]) if "*" in action]
    # A Deny or a key's policy may have *, if a comment has the reason.
    elif any("*" in text for text in texts(statement["Action"])):
        assert comment_near(path, statement)


@each
def test_everything_is_allowed_only_where_iam_knows_nothing_smaller(path, statement):
    # A policy that hangs on a resource (a key's) has a Principal, and "*" means that resource.
    if statement["Effect"] != "Allow" or "Principal" in statement:
        return
    if "*" in texts(statement.get("Resource", [])):
        for action in texts(statement["Action"]):
            assert kinds(action) == [] or action in ON_ALL, action
            if action in LIMITED_BY:
                assert LIMITED_BY[action] in {
                    key for test in statement["Condition"].values() for key in test
                }
        assert path in POLICIES or comment_near(path, statement)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_wildcard_in_a_templates_resource_is_explained_beside_it(path):
    for at, statement in STATEMENTS.values():
        if at == path and any("*" in text for text in texts(statement.get("Resource", []))):
            assert comment_near(path, statement), statement.get("Sid")


def test_every_reason_is_still_needed():
    allowed = {a for path, s in STATEMENTS.values() for a in texts(s["Action"])
               if "*" in texts(s.get("Resource", []))}  # fmt: skip
    assert set(ON_ALL) <= allowed
    named = [f"{kind} {action}" for action, types in named_by_schemas().items() for kind in types]
    for patterns in NOT_NEEDED.values():
        for pattern in patterns:
            matching = re.compile(fnmatch.translate(pattern))
            assert any(map(matching.match, named)), f"{pattern} leaves nothing out"


def allowed_by(*files: str) -> set[str]:
    return {
        action
        for path, statement in STATEMENTS.values()
        if path.stem in files
        for action in texts(statement["Action"])
    }


@pytest.mark.parametrize(
    ("files", "needs"),
    [(("1-calls",), for_calls), (("2-data", "3-compute", "4-network"), for_stacks)],
    ids=["calls", "stacks"],
)
def test_the_policies_allow_what_is_needed_and_nothing_else(files, needs):
    needed, allowed = needs(), allowed_by(*files)
    missing = {action: why for action, why in needed.items() if action not in allowed}
    assert not missing, f"allow these in policy/{files[-1]}.json"
    assert not allowed - set(needed), "nobody needs these"


def test_the_policies_are_there_and_fit_into_iam():
    assert [path.stem for path in POLICIES] == ["1-calls", "2-data", "3-compute", "4-network"]
    for path in POLICIES:
        assert len("".join(path.read_text().split())) <= LARGEST, path.name


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_each_action_has_a_resource_of_its_own_kind(path):
    """An action that has only ARNs of other kinds would be allowed on no resource."""
    for at, statement in STATEMENTS.values():
        resources = texts(statement.get("Resource", []))
        if at != path or "*" in resources:
            continue
        for action in texts(statement["Action"]):
            service = action.split(":")[0]
            there = {name.lower(): kind for name, kind in known()[service]["Resources"].items()}
            formats = [
                re.sub(r"\$\{\w+\}", r"[^:]*", text)
                for kind in kinds(action)
                for text in there[kind.lower()]["ARNFormats"]
            ]
            assert any(re.fullmatch(f, r) for f in formats for r in resources), action


def test_a_resource_has_a_name_of_ours():
    """Where AWS gives the id, something else limits: who calls, a tag, or the creating call."""
    nameless = ("catalog", "/aws/service/ami-amazon-linux-latest/", ":role/aws-service-role/",
                ":instance/*", ":launch-template/*", ":volume/*", ":key/*",
                ":event-source-mapping:*", ":internet-gateway/*", ":route-table/*",
                ":scalable-target/*",
                ":security-group/*", ":subnet/*", ":vpc/*")  # fmt: skip
    for path, statement in STATEMENTS.values():
        if path not in POLICIES:
            continue
        for arn in texts(statement["Resource"]):
            if any(part in arn for part in nameless):
                assert "catalog" in arn or statement["Condition"]
            elif arn != "*":
                assert re.search(r"[:/]rwa[-_/]", arn), arn


def test_roles_are_passed_to_the_services_that_the_templates_roles_trust_and_to_no_other():
    trusted = {
        service
        for path, statement in STATEMENTS.values()
        if path in TEMPLATES and texts(statement["Action"]) == ["sts:AssumeRole"]
        for service in texts(statement["Principal"])
    }
    (passing,) = [s for _, s in STATEMENTS.values() if texts(s["Action"]) == ["iam:PassRole"]]
    assert passing["Resource"] == "arn:aws:iam::*:role/rwa-*"
    assert set(passing["Condition"]["StringEquals"]["iam:PassedToService"]) == trusted


def test_only_cloudformation_makes_changes_for_the_learner():
    for path, statement in STATEMENTS.values():
        if path.stem in ("2-data", "3-compute", "4-network"):
            actions, tests = texts(statement["Action"]), statement["Condition"]
            # These two are no calls of their own: IAM asks for them behind another one.
            if actions in (["iam:PassRole"], ["iam:CreateServiceLinkedRole"]):
                continue
            if VIA_SERVICE.items() <= tests.items():
                looks = [action for action in actions if ":Describe" in action]
                assert {*actions} <= {*looks, *BEHIND_CLOUDFORMATION}, statement["Sid"]
            else:
                assert CALLED_VIA.items() <= tests.items(), statement["Sid"]


def test_cfn_lint_knows_every_action_and_condition(tmp_path):
    """Put into a template, the policies are read by cfn-lint, which knows IAM's language."""
    template = policies_as_template(tmp_path)
    linter = Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([linter, template], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
