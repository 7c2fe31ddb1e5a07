"""Preflight: does IAM allow the caller each action of policy/?

IAM simulates the caller's policies (iam:SimulatePrincipalPolicy), without making the calls. Each
statement of policy/ is asked about with a resource that it names and the conditions that it sets.
An action is allowed if it is on one of the statement's resources: a caller may have other policies
than ours, which allow an action on the kind of resource that it needs, and on no other.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY

from .preflight_identity import short_arn
from .preflight_probe import Probe
from .preflight_report import Line, State

MOST_DECISIONS = 250  # a call; all actions of it are simulated on all its resources
AT_ONCE = 4  # IAM throttles early
SHOWN = 4
_ATTACH = (
    "Attach the policies of policy/ to the role or user (docs/aws.md, Permissions), or ask the "
    "account's administrator for it."
)
_ORGANISATION = (
    "A policy of the organisation denies it: ask its administrator, or use another account."
)
# "*" in the parts of an ARN, and the prefix for which the policies are written.
_PREFIX = re.compile(r"\brwa(?=[-_/])")

Context = tuple[tuple[str, str, str], ...]  # key, type, value


@dataclass
class Question:
    """Actions to simulate on resources, with the values of their conditions."""

    context: Context
    actions: set[str] = field(default_factory=set)
    arns: set[str] = field(default_factory=set)


def permissions(probe: Probe) -> Line:
    """Return the line of the permissions.

    Args:
        probe: its clients are created, and it knows the caller.

    Raises:
        WorkshopError: the caller's policies can't be simulated.
    """
    who = short_arn(probe.arn)
    if who == "root":
        return Line("permissions", State.OK, "The account's root user has all permissions.")
    source = _principal(probe)
    asked = list(batches(questions(probe)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda question: _simulate(probe, source, question), asked))
    # One action may be in two statements, of which each must allow it.
    denied: dict[str, list[dict]] = {}
    for question, decisions in zip(asked, answers, strict=True):
        for action in question.actions - {a for a, d in decisions.items() if _is_allowed(d)}:
            denied.setdefault(action, []).extend(decisions.get(action, []))
    return _line(who, sum(len(question.actions) for question in asked), denied)


def _principal(probe: Probe) -> str:
    """Return the ARN of the user or the role whose policies are simulated."""
    kind, _, name = probe.arn.split(":", 5)[5].partition("/")
    if kind == "user":
        return probe.arn
    if kind == "assumed-role":
        # A session's ARN lacks the path of its role.
        role = name.split("/")[0]
        for page in probe.client("iam").get_paginator("list_roles").paginate():
            for found in page["Roles"]:
                if found["RoleName"] == role:
                    return found["Arn"]
    raise WorkshopError(
        f"IAM can't simulate the policies of {probe.arn}.",
        "Compare its permissions with policy/ yourself.",
    )


def questions(probe: Probe) -> Iterator[Question]:
    """Yield a question for each statement of policy/, and for each service in it.

    Args:
        probe: gives the account, region and prefix for the resources' names.
    """
    for path in sorted((REPOSITORY / "policy").glob("*.json")):
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            context = _context(probe, statement.get("Condition", {}))
            arns = [_concrete(probe, arn) for arn in _listed(statement["Resource"])]
            by_service: dict[str, Question] = {}
            for action in _listed(statement["Action"]):
                service = action.split(":")[0]
                own = {arn for arn in arns if arn.split(":")[2:3] == [service]}
                question = by_service.setdefault(service, Question(context))
                question.actions.add(action)
                question.arns |= own or set(arns)
            yield from by_service.values()


def batches(asked: Iterator[Question]) -> Iterator[Question]:
    """Yield the same questions, of which those with the same conditions are joined.

    No two of a batch have an action in common: then their answers could not be distinguished.

    Args:
        asked: as `questions` yields them.
    """
    open_: dict[Context, Question] = {}
    for question in asked:
        batch = open_.setdefault(question.context, Question(question.context))
        size = len(batch.actions | question.actions) * len(batch.arns | question.arns)
        if batch.actions and (size > MOST_DECISIONS or batch.actions & question.actions):
            yield batch
            batch = open_[question.context] = Question(question.context)
        batch.actions |= question.actions
        batch.arns |= question.arns
    yield from open_.values()


def _simulate(probe: Probe, source: str, question: Question) -> dict[str, list[dict]]:
    """Return IAM's decisions on each action."""
    entries = [
        {"ContextKeyName": key, "ContextKeyType": type_, "ContextKeyValues": [value]}
        for key, type_, value in question.context
    ]
    pages = (
        probe.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=source,
            ActionNames=sorted(question.actions),
            ResourceArns=sorted(question.arns),
            ContextEntries=entries,
        )
    )
    found: dict[str, list[dict]] = {}
    for page in pages:
        for result in page["EvaluationResults"]:
            # IAM gives the decision of each resource as a result of its own, or within one.
            own = [result] if "EvalDecision" in result else []
            each = own + result.get("ResourceSpecificResults", [])
            found.setdefault(result["EvalActionName"], []).extend(each)
    return found


def _is_allowed(decisions: list[dict]) -> bool:
    return any(
        decision.get("EvalDecision", decision.get("EvalResourceDecision")) == "allowed"
        for decision in decisions
    )


def _line(who: str, count: int, denied: dict[str, list[dict]]) -> Line:
    # A policy with a condition whose value is only known in a real call may allow it there.
    missing = {
        action: keys for action, decisions in denied.items()
        if (keys := sorted({k for d in decisions for k in d.get("MissingContextValues", [])}))
    }  # fmt: skip
    certain = sorted(set(denied) - set(missing))
    if certain:
        by_organisation = any(
            not decision.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
            for action in certain
            for decision in denied[action]
        )
        text = f"IAM does not allow {len(certain)} of {count} actions to {who}: {_some(certain)}."
        remedy = _ORGANISATION if by_organisation else _ATTACH
        return Line("permissions", State.FAILURE, text, remedy)
    if missing:
        keys = sorted({key for found in missing.values() for key in found})
        text = (
            f"could not be checked for {len(missing)} of {count} actions: {who}'s policies have "
            f"conditions that IAM can't simulate ({_some(keys)})."
        )
        remedy = "Go on; an action that is denied is named by the cell that needs it."
        return Line("permissions", State.UNKNOWN, text, remedy)
    return Line("permissions", State.OK, f"IAM allows all {count} actions of policy/ to {who}.")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _context(probe: Probe, conditions: dict[str, dict[str, Any]]) -> Context:
    """Return a value for each condition's key that meets the condition."""
    found = {("aws:RequestedRegion", "string", probe.cloud.region)}
    for operator, keys in conditions.items():
        for key, values in keys.items():
            value = _concrete(probe, str(_listed(values)[0]))
            if operator.startswith("Bool"):
                found.add((key, "boolean", value.lower()))
            elif not operator.startswith("Null"):
                several = operator.startswith(("ForAnyValue", "ForAllValues"))
                found.add((key, "stringList" if several else "string", value))
    return tuple(sorted(found))


def _concrete(probe: Probe, pattern: str) -> str:
    """Return the name of a resource that a pattern of policy/ matches."""
    own = _PREFIX.sub(probe.cloud.prefix, pattern)
    parts = own.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return own
    fill = (probe.cloud.partition, parts[2], probe.cloud.region, probe.cloud.account)
    known = [there if there and "*" not in there and "$" not in there else (value if there else "")
             for there, value in zip(parts[1:5], fill, strict=True)]  # fmt: skip
    return ":".join(["arn", *known, parts[5].replace("*", "x")])


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
