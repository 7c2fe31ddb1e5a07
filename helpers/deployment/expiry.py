"""When the workshop expires: reads and makes the parameters of cfn/0-expiry.yaml."""

from datetime import UTC, datetime, timedelta
from typing import Any

from helpers.core.cloud import Cloud

from .stacks import EXPIRY, MODULES, is_usable, parameters_of, stack_name

HOURS = 8  # a day's work
LONGEST_HOURS = 7 * 24
# The expiry function tries for so long to delete what it could not delete at once.
_TRIES = timedelta(hours=24)
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def expires_at(stack: dict[str, Any] | None) -> datetime | None:
    """Return when the workshop expires; None if no expiry is set.

    Args:
        stack: the description of module 0-expiry's stack, from `describe`.

    Example:
        `expires_at(describe(cloud, stack_name(cloud, EXPIRY)))`
    """
    if stack is None or not is_usable(stack):
        return None
    return datetime.strptime(parameters_of(stack)["ExpiresAt"], _FORMAT).replace(tzinfo=UTC)


def is_over(stack: dict[str, Any] | None) -> bool:
    """Return whether the expiry must be set: there is none, or its time is over."""
    end = expires_at(stack)
    return end is None or end <= datetime.now(UTC)


def times(hours: float) -> dict[str, str]:
    """Return the template's parameters for an expiry so many hours from now.

    Example:
        `times(8)` -> `{"ExpiresAt": "2026-11-25T14:00:00Z", "GivesUpAt": "2026-11-26T14:00:00Z"}`
    """
    end = datetime.now(UTC) + timedelta(hours=hours)
    return {"ExpiresAt": end.strftime(_FORMAT), "GivesUpAt": (end + _TRIES).strftime(_FORMAT)}


def parameters(cloud: Cloud, stack: dict[str, Any] | None) -> dict[str, str]:
    """Return the template's parameters: the stacks to delete; the times if none are set."""
    last_first = [stack_name(cloud, module) for module in reversed(MODULES) if module != EXPIRY]
    return {"Stacks": ",".join(last_first)} | (times(HOURS) if is_over(stack) else {})
