"""`preflight` simulates every action of the policies, and names those that are denied."""

import json
import re
from dataclasses import replace

import pytest

from helpers.connection.preflight_permissions import MOST_DECISIONS, batches, questions
from helpers.connection.preflight_probe import Probe
from helpers.core.cloud import Cloud
from tests.template_files import POLICIES, texts
from tests.unit.connection.preflight_account import (
    FAILED,
    ROLE,
    SESSION,
    UNKNOWN,
    WELL,
    checked,
    simulated,
)


def test_all_actions_of_the_policies_are_simulated_with_what_the_statements_name(probe, aws):
    found = checked(probe, "permissions")
    forms = [form for operation, form in aws.seen if operation == "SimulatePrincipalPolicy"]
    asked = {v for form in forms for k, v in form.items() if k.startswith("ActionNames")}
    statements = [s for path in POLICIES for s in json.loads(path.read_text())["Statement"]]
    assert asked == {action for s in statements for action in texts(s["Action"])}
    assert len(asked) > 200 and found.state is WELL
    arns = {v for form in forms for k, v in form.items() if k.startswith("ResourceArns")}
    assert "arn:aws:kinesis:us-east-1:000000000000:stream/rwa-x" in arns
    assert not [arn for arn in arns if "*" in arn and arn != "*"]
    assert len(forms) < 30


def test_a_question_names_own_resources_and_the_conditions_of_its_statement(cloud):
    probe = Probe(Cloud(cloud.session, "111122223333", "ann"), SESSION)
    own = list(questions(probe))
    (points,) = [q for q in own if q.actions == {"cloudwatch:PutMetricData"}]
    assert ("cloudwatch:namespace", "string", "ByHand") in points.context
    streams = {arn for q in own if "kinesis:PutRecords" in q.actions for arn in q.arns}
    assert streams == {"arn:aws:kinesis:us-east-1:111122223333:stream/ann-x"}
    assert not [arn for q in own for arn in q.arns if re.search(r"\brwa[-_/]", arn)]


def test_batches_keep_each_action_and_its_conditions(probe):
    own = list(questions(probe))
    joined = list(batches(iter(own)))
    assert len(joined) < len(own)
    pairs = {(q.context, a, arn) for q in own for a in q.actions for arn in q.arns}
    there = {(q.context, a, arn) for q in joined for a in q.actions for arn in q.arns}
    assert pairs <= there
    alone = max(len(q.actions) * len(q.arns) for q in own)
    assert max(len(q.actions) * len(q.arns) for q in joined) <= max(MOST_DECISIONS, alone)
    # An action that two statements allow is asked about for each.
    assert sum(len(q.actions) for q in joined) == sum(len(q.actions) for q in own)


BY_ORGANISATION = (
    "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations>"
    "</OrganizationsDecisionDetail>"
)
MFA = "<MissingContextValues><member>aws:MultiFactorAuthPresent</member></MissingContextValues>"
SPECIFIC = (
    "<ResourceSpecificResults><member><EvalResourceName>x</EvalResourceName>"
    "<EvalResourceDecision>allowed</EvalResourceDecision></member></ResourceSpecificResults>"
)
DENY, FIRST, SECOND = "implicitDeny", "kinesis:PutRecords", "iam:CreateRole"


@pytest.mark.parametrize(
    ("decisions", "state", "text", "remedy"),
    [
        ({FIRST: {"decision": DENY}}, FAILED, f"to Learner/ann: {FIRST}.", "Attach the policies"),
        ({FIRST: {"decision": "explicitDeny"}, SECOND: {"decision": DENY}}, FAILED,
         f"{SECOND}, {FIRST}", "Attach"),
        ({FIRST: {"decision": DENY, "more": BY_ORGANISATION}}, FAILED, FIRST, "organisation"),
        ({FIRST: {"decision": "explicitDeny", "more": MFA}}, UNKNOWN,
         "(aws:MultiFactorAuthPresent)", "Go on"),
        ({FIRST: {"decision": "explicitDeny", "more": MFA}, SECOND: {"decision": DENY}}, FAILED,
         f"to Learner/ann: {SECOND}.", "Attach"),
        ({FIRST: {"decision": DENY, "more": SPECIFIC}}, WELL, "IAM allows all", ""),
    ],
    ids=["missing", "two", "organisation", "condition", "condition and missing", "on one resource"],
)  # fmt: skip
def test_a_denied_action_is_named(probe, aws, decisions, state, text, remedy):
    aws.answers["SimulatePrincipalPolicy"] = lambda form: simulated(form, **decisions)
    found = checked(probe, "permissions")
    assert found.state is state and text in found.text and remedy in found.remedy, found


def test_of_many_denied_actions_the_first_are_named(probe, aws):
    nothing = {action: {"decision": DENY} for q in questions(probe) for action in q.actions}
    aws.answers["SimulatePrincipalPolicy"] = lambda form: simulated(form, **nothing)
    found = checked(probe, "permissions")
    assert found.state is FAILED and re.search(r"and \d+ more\.$", found.text)
    assert len(found.text) < 300


@pytest.mark.parametrize(
    ("arn", "state", "text"),
    [
        ("arn:aws:iam::000000000000:root", WELL, "has all permissions"),
        ("arn:aws:sts::000000000000:federated-user/ann", UNKNOWN, "IAM can't simulate"),
        ("arn:aws:sts::000000000000:assumed-role/Gone/ann", UNKNOWN, "IAM can't simulate"),
    ],
)
def test_a_caller_whose_policies_can_not_be_simulated_is_no_failure(probe, aws, arn, state, text):
    found = checked(replace(probe, arn=arn), "permissions")
    assert found.state is state and text in found.text


def test_a_user_is_simulated_by_its_own_arn(probe, aws):
    user = "arn:aws:iam::000000000000:user/team/ann"
    asked = []

    def answer(form):
        asked.append(form["PolicySourceArn"])
        return simulated(form | {"PolicySourceArn": ROLE})

    aws.answers["SimulatePrincipalPolicy"] = answer
    assert checked(replace(probe, arn=user), "permissions").state is WELL
    assert set(asked) == {user}
