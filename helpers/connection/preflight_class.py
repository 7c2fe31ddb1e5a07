"""Preflight for a class: is there room for so many learners in one account?

Of networks, servers and shards, those that exist already are counted; of the others only the quota
is read, because each count would be one more permission.
"""

from collections.abc import Callable
from functools import partial

from botocore.exceptions import ClientError

from helpers.core.errors import check_number
from helpers.core.text import number
from helpers.deployment.class_quotas import QUOTAS, ClassQuota, largest_fleets, not_created
from helpers.deployment.quotas import VCPUS, VPCS, quota, servers_that_fit

from .preflight_probe import Probe
from .preflight_report import Line, State

MOST_LEARNERS = 1000
AT_ONCE = 4  # Service Quotas throttles early
_MARGIN = 1.2  # some learners destroy and deploy again at the same time as others
_DEFAULT = "AWS's default, because this target does not know its own"


def check_learners(learners: int) -> None:
    """Raise an error unless this can be a number of learners.

    Args:
        learners: in one account and region.

    Raises:
        WorkshopError: it is no whole number from 1 to 1,000.

    Example:
        `check_learners(30)`
    """
    check_number("learners", learners, 1, MOST_LEARNERS, whole=True)


def class_checks(learners: int) -> dict[str, Callable[[Probe], Line]]:
    """Return the checks of a class: the name of the line -> its check, which asks AWS.

    Args:
        learners: in one account and region.
    """
    return {f"class: {each.what}": partial(_checked, each, learners) for each in QUOTAS}


def default_lines(learners: int) -> list[Line]:
    """Return the same lines for an account with AWS's defaults, without asking AWS.

    Args:
        learners: in one account and region.

    Example:
        `default_lines(30)[0].state` -> `State.FAILURE`
    """
    return [_line(each, learners, each.default, 0, "AWS's default") for each in QUOTAS]


def closing_line() -> Line:
    """Return the line of what the templates do not create."""
    text = f"{not_created()} Each learner needs a prefix of their own."
    return Line("class", State.OK, text)


def _checked(each: ClassQuota, learners: int, probe: Probe) -> Line:
    if each.code in _IN_USE:
        return _line(each, learners, *_IN_USE[each.code](probe))
    client = probe.quotas_at_home if each.at_home else probe.client
    if not each.code[1]:
        return _line(each, learners, each.default, 0, "AWS's default; it can't be read")
    try:
        most = int(quota(client, *each.code))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        return _line(each, learners, each.default, 0, _DEFAULT)
    return _line(each, learners, most, 0)


def _servers(probe: Probe) -> tuple[int, int]:
    _, most, used = servers_that_fit(probe.client, probe.cloud.name("fleet"))
    return most, used


def _networks(probe: Probe) -> tuple[int, int]:
    pages = probe.client("ec2").get_paginator("describe_vpcs").paginate()
    found = sum(len(page["Vpcs"]) for page in pages)
    return int(quota(probe.client, *VPCS)), found


def _shards(probe: Probe) -> tuple[int, int]:
    limits = probe.client("kinesis").describe_limits()
    return limits["ShardLimit"], limits["OpenShardCount"]


def _functions(probe: Probe) -> tuple[int, int]:
    limit = probe.client("lambda").get_account_settings()["AccountLimit"]
    return limit["UnreservedConcurrentExecutions"], 0


# The quotas of which the account is asked how many are in use: their code -> a function that
# returns the quota, and the number in use.
_IN_USE: dict[tuple[str, str], Callable[[Probe], tuple[int, int]]] = {
    VCPUS: _servers,
    VPCS: _networks,
    ("kinesis", ""): _shards,
    ("lambda", ""): _functions,
}


def _line(each: ClassQuota, learners: int, most: int, used: int, source: str = "") -> Line:
    needed = each.needed(learners)
    others = f", of which {number(used)} are in use" if used else ""
    origin = f" ({source})" if source else ""
    text = (
        f"{each.what}: {number(needed)} for {_learners(learners)}; the quota is "
        f"{number(most)}{others}{origin}."
    )
    wanted = number(round(_MARGIN * (needed + used)))
    request = f"Request {wanted} in AWS's Service Quotas console ({each.console}), a week before."
    if needed + used > most:
        return Line("class", State.FAILURE, text, request)
    if each.code == VCPUS and largest_fleets(learners) + used > most:
        text += f" If all fleets scale to their maximum, {number(largest_fleets(learners))}."
        return Line("class", State.WARNING, text, "Deploy as usual; few fleets scale in a class.")
    return Line("class", State.OK, text)


def _learners(learners: int) -> str:
    return "1 learner" if learners == 1 else f"{learners:,} learners"
