"""Policies and roles against AWS's Service Authorization Reference, a second source about IAM."""

import pytest

from tests.iam_reference import Statement, findings, policies

# What the reference names and our policies do not need: reason -> findings.
NOT_NEEDED = {
    "a call names one resource, of one of these kinds; ours is another one": {
        *(
            f"athena:{action}: no statement has a {kind}, which is required"
            for action in ("ListTagsForResource", "TagResource")
            for kind in ("capacity-reservation", "datacatalog")
        ),
        *(
            f"elasticloadbalancing:{action}: no statement has a listener/{kind}, which is required"
            for action in ("DeleteListener", "ModifyListener", "ModifyListenerAttributes")
            for kind in ("gwy", "net")
        ),
    },
    "AWS's errors name the topic: 'not authorized to perform: SNS:Unsubscribe on resource: arn:aws:"
    "sns:...:topic'; newer pages of the reference and cfn-lint's data have it, too": {
        f"sns:{action}: has no resources in IAM, so only * allows it"
        for action in ("GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe")
    },
    "only for a key in several regions, or in another key store": {
        "kms:CreateKey: may need iam:CreateServiceLinkedRole, too"
    },
    "only for a topic that logs its deliveries": {
        "sns:CreateTopic: may need iam:PassRole, too",
        "sns:SetTopicAttributes: may need iam:PassRole, too",
    },
    "preflight() asks for no quota of these services": {
        f"servicequotas:GetServiceQuota: may need {action}, too"
        for action in (
            "autoscaling:DescribeAccountLimits", "cloudformation:DescribeAccountLimits",
            "dynamodb:DescribeLimits", "elasticloadbalancing:DescribeAccountLimits",
            "iam:GetAccountSummary", "rds:DescribeAccountAttributes", "route53:GetAccountLimit",
        )
    },
    "only for a function on instances of one's own": {
        "lambda:CreateFunction: may need lambda:PassCapacityProvider, too"
    },
}  # fmt: skip
# The same for one policy or role alone.
NOT_NEEDED_THERE = {
    "ExpiryRole": {
        "it names each stack": "cloudformation:DescribeStacks: may need "
        "cloudformation:ListStacks, too",
        "CloudFormation sets the group's size to 0, and passes no launch template": "autoscaling:"
        "UpdateAutoScalingGroup: may need iam:PassRole, too",
    }
}


def excused(name: str) -> set[str]:
    return set().union(*NOT_NEEDED.values(), NOT_NEEDED_THERE.get(name, {}).values())


@pytest.mark.parametrize("name", policies())
def test_the_reference_has_nothing_against_a_policy(name):
    assert set(findings(policies()[name])) - excused(name) == set()


def test_all_policies_are_read():
    everything = policies()
    roles = {name for name in everything if f"{name} trust" in everything}
    assert {"1-calls", "2-data", "3-compute", "4-network", "AlarmsKey", "QueuePolicy"} <= set(
        everything
    )
    assert len(roles) == 7 and sum(map(len, everything.values())) > 90


def test_every_reason_is_still_needed():
    found = {name: set(findings(its)) for name, its in policies().items()}
    used = {action for its in policies().values() for one in its for action in one.actions}
    for reason, its in NOT_NEEDED.items():
        its = {one for one in its if one.split(": ")[0] in used}
        assert its <= set().union(*found.values()), reason
    for name, reasons in NOT_NEEDED_THERE.items():
        assert set(reasons.values()) <= found[name], name


STREAM, KEY = "arn:aws:kinesis:*:*:stream/rwa-*", "arn:aws:kms:*:*:key/*"
TAG = ("aws:ResourceTag/workshop",)


@pytest.mark.parametrize(
    ("actions", "resources", "keys", "expected"),
    [
        ("kinesis:StartStreamEncryption", (STREAM, KEY), (), []),
        ("kinesis:StartStreamEncryption", ("*",), (), []),
        ("kinesis:StartStreamEncryption", (STREAM,), (),
         ["no statement has a kmsKey, which is required"]),
        # A key has no tags there, so that a condition on one refuses every key.
        ("kinesis:StartStreamEncryption", (STREAM, KEY), TAG,
         ["no statement has a kmsKey, which is required"]),
        ("kinesis:CreateStrem", (STREAM,), (), ["there is no such action"]),
        ("kinesi:CreateStream", (STREAM,), (), ["there is no such action"]),
        ("kinesis:ListStreams", (STREAM,), (), ["has no resources in IAM, so only * allows it"]),
        ("kinesis:PutRecord", (KEY,), (),
         ["no statement has a resource of its kinds",
          "no statement has a stream, which is required"]),
        ("kinesis:PutRecord", (STREAM,), ("kinesis:Colour",),
         ["has no condition key kinesis:Colour"]),
        ("kinesis:PutRecord", (STREAM,), ("aws:CalledVia",), []),
        ("cloudformation:DescribeStacks", ("*",), (),
         ["may need cloudformation:ListStacks, too"]),
        # An object is no bucket, and the other way round.
        ("s3:ListBucket", ("arn:aws:s3:::rwa-code-*/*",), (),
         ["no statement has a resource of its kinds"]),
        ("s3:GetObject", ("arn:aws:s3:::rwa-code",), (),
         ["no statement has a resource of its kinds"]),
    ],
)  # fmt: skip
def test_each_kind_of_fault_is_found(actions, resources, keys, expected):
    found = findings([Statement("s", (actions,), resources, keys)])
    assert [one for one in found if one.startswith(actions)] == [
        f"{actions}: {what}" for what in expected
    ]


def test_a_resource_that_none_of_the_actions_has_is_found():
    one = Statement("s", ("kinesis:PutRecord",), (STREAM, KEY), ())
    assert list(findings([one])) == [f"s: none of its actions has a resource {KEY}"]


def test_required_resources_may_be_in_different_statements():
    halves = [Statement("s", ("kinesis:StartStreamEncryption",), (r,), ()) for r in (STREAM, KEY)]
    assert list(findings(halves)) == []
