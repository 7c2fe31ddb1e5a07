"""The workshop's stacks: their names, their order, and their state in CloudFormation."""

import difflib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.core.waiting import wait_until, waiting

# In the order of deployment, each with the modules whose outputs it imports.
NEEDS = {
    "0-expiry": [],  # deployed with 1-capture, deleted last
    "1-capture": [],
    "1-network": [],
    "1-frontend": ["1-capture", "1-network"],
    "2-analyze": ["1-capture"],
    "3-visualize": ["1-capture", "2-analyze"],
}
MODULES = list(NEEDS)
# Deployed with the module that needs it: it is of no interest by itself, and costs nothing.
BROUGHT = "1-network"
EXPIRY = MODULES[0]

# After a failed creation: such a stack can be neither updated nor used.
FAILED_FIRST = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
_WAIT_SECONDS = 30 * 60


def stack_name(cloud: Cloud, module: str) -> str:
    """Return the stack's name, e.g. `rwa-1-capture`.

    Raises:
        WorkshopError: there is no such module.
    """
    if module not in NEEDS:
        near = difflib.get_close_matches(str(module), MODULES, n=1, cutoff=0.5)
        remedy = f'Did you mean "{near[0]}"?' if near else f"Use one of {', '.join(MODULES)}."
        raise WorkshopError(f"There is no module {module!r}.", remedy)
    return cloud.name(module)


def template(module: str) -> str:
    """Return the text of a module's template in `cfn/`.

    Raises:
        WorkshopError: the file is missing.
    """
    path = REPOSITORY / "cfn" / f"{module}.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise WorkshopError(
            f"The template cfn/{path.name} is missing.", "Restore it with `git checkout cfn`."
        ) from None


def describe(cloud: Cloud, stack: str) -> dict[str, Any] | None:
    """Return CloudFormation's description of a stack (by name or id); None if it is missing."""
    try:
        return cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def parameters_of(stack: dict[str, Any] | None) -> dict[str, str]:
    """Return a stack's parameters by name; none for a missing stack.

    Args:
        stack: its description, from `describe`.

    Example:
        >>> parameters_of({"Parameters": [{"ParameterKey": "A", "ParameterValue": "7"}]})
        {'A': '7'}
    """
    pairs = (stack or {}).get("Parameters", [])
    return {pair["ParameterKey"]: pair["ParameterValue"] for pair in pairs}


def outputs(cloud: Cloud, module: str) -> dict[str, str]:
    """Return a deployed module's outputs.

    Args:
        module: one of `MODULES`.

    Raises:
        NotDeployed: the module is not deployed.
        WorkshopError: the module is unknown.

    Example:
        `outputs(cloud, "1-capture")["ClicksStream"]` -> `"rwa-clicks"`
    """
    with explained():
        stack = describe(cloud, stack_name(cloud, module))
    if stack is None:
        raise NotDeployed(f"The stack {stack_name(cloud, module)}", module)
    return {pair["OutputKey"]: pair["OutputValue"] for pair in stack.get("Outputs", [])}


def is_usable(stack: dict[str, Any] | None) -> bool:
    """Return whether a stack was created completely, and its deletion has not begun."""
    if stack is None:
        return False
    status = stack["StackStatus"]
    return status not in FAILED_FIRST and status.startswith(("CREATE_COMPLETE", "UPDATE", "IMPORT"))


def wait_for_stack(cloud: Cloud, stack: str) -> dict[str, Any] | None:
    """Wait until no operation of a stack is in progress; return its description, None if deleted.

    Args:
        cloud: the target with the stack.
        stack: its name or id.

    Raises:
        WorkshopError: it is still busy after 30 minutes.
    """
    found = describe(cloud, stack)
    if found is None or not is_busy(found):
        return found
    print(f"{stack} is still busy ({found['StackStatus']}): waiting for the operation to end.")
    with waiting(f"Waiting for {stack}"):
        ended = wait_for_id(cloud, found["StackId"], lambda stack: not is_busy(stack))
    if is_busy(ended):
        raise WorkshopError(
            f"{stack} is still {ended['StackStatus']} after 30 minutes.",
            "Read its events in the CloudFormation console, then run this cell again.",
        )
    return None if ended["StackStatus"] == "DELETE_COMPLETE" else ended


def wait_for_id(
    cloud: Cloud, stack_id: str, is_over: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait until a stack's description meets a condition, 30 minutes at most; return the last one.

    It needs the id, because a deleted stack can't be described by its name.
    """
    deleted = {"StackStatus": "DELETE_COMPLETE"}  # AWS lists deleted stacks for 90 days
    return wait_until(lambda: describe(cloud, stack_id) or deleted, _WAIT_SECONDS, is_over)


def is_busy(stack: dict[str, Any]) -> bool:
    """Return whether CloudFormation is working on a stack, by its description."""
    return stack["StackStatus"].endswith("_IN_PROGRESS")
