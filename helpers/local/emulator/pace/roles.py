"""IAM: a service can't assume a new role for some seconds.

D: IAM's changes are "eventually consistent" (IAM User Guide, "Changes that I make are not always
immediately visible"). M: Lambda, Firehose and Managed Flink refuse a role for about ten seconds
after its creation. CloudFormation retries by itself: there a stack takes longer (stacks.py), and
only who calls these services directly gets the error.
"""

from collections.abc import Callable

from ministack.core.responses import error_response_json
from ministack.services import firehose, iam, lambda_svc
from ministack.services import kinesisanalyticsv2 as analytics

from helpers.local.pace import scaled

from .observed import age, observe

SECONDS_UNTIL_KNOWN = 10
_REFUSED = {
    "lambda": (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    "firehose": (
        "InvalidArgumentException",
        "Firehose is unable to assume role {}. Please check the role provided.",
    ),
    "analytics": (
        "InvalidArgumentException",
        "Kinesis Analytics service doesn't have sufficient privileges to assume the role {}.",
    ),
}


def apply() -> None:
    """Refuse new roles in the three services' own calls."""
    observe(iam._roles)
    lambda_svc._create_function = known("lambda", lambda_svc._create_function)
    for service, handlers, operation in (
        ("firehose", firehose._HANDLERS, "CreateDeliveryStream"),
        ("analytics", analytics._HANDLERS, "CreateApplication"),
    ):
        handlers[operation] = known(service, handlers[operation])


def known(service: str, create: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    """Return a call that refuses the roles that are not known yet."""
    code, message = _REFUSED[service]

    def create_with_known_role(data: dict) -> tuple:
        for role in roles_of(data):
            if age(iam._roles, role.rsplit("/", 1)[-1]) < scaled(SECONDS_UNTIL_KNOWN):
                return error_response_json(code, message.format(role), 400)
        return create(data)

    return create_with_known_role


def roles_of(request: object) -> list[str]:
    """Return the ARNs of all roles in a request.

    Args:
        request: a dict of a request, or a part of one.

    Example:
        >>> roles_of({"Destination": {"RoleARN": "arn:aws:iam::1:role/a"}})
        ['arn:aws:iam::1:role/a']
    """
    if isinstance(request, dict):
        return [role for part in request.values() for role in roles_of(part)]
    if isinstance(request, list):
        return [role for part in request for role in roles_of(part)]
    is_role = isinstance(request, str) and request.startswith("arn:") and ":role/" in request
    return [str(request)] if is_role else []
