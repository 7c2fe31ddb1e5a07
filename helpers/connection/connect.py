"""`connect`, the first call of each notebook, and `disconnect`."""

import re

import boto3

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import waiting

from .aws_sign_in import sign_in
from .ipython_errors import explain_in_notebooks

_PREFIX = "[a-z][a-z0-9]{1,11}"  # as in every template; names have a hyphen after it


def connect(
    target: str = "local", prefix: str = "rwa", *, confirm: bool = False, check: bool = True
) -> Cloud:
    """Connect to AWS, or to the local target on this machine; never to the other one instead.

    On AWS it shows the account, the region, your identity, what `preflight` warns of, the costs of
    an hour and the deployed modules, and asks you to confirm the costs. A confirmation is valid for
    eight hours, for this account, region and prefix.

    Args:
        target: `"local"` (no account, costs nothing) or `"aws"` (the account of your credentials).
        prefix: the first part of every resource's name; another prefix is another workshop.
        confirm: True confirms the costs without a question, e.g. in a script.
        check: False leaves out `preflight`, if you know better than one of its checks.

    Returns:
        The Cloud that the other helpers take.

    Raises:
        WorkshopError: an unknown target, a local target that does not start; on AWS: no
            credentials, no region or one without the services needed, checks of `preflight` that
            failed (all are named, with their remedies), or no confirmation.

    Example:
        `cloud = connect("local")`
    """
    if not re.fullmatch(_PREFIX, prefix):
        raise WorkshopError(
            f"The prefix {prefix!r} is not valid in the names of AWS resources.",
            "Use 2 to 12 lower-case letters and digits, beginning with a letter.",
        )
    explain_in_notebooks()
    if target == "local":
        # Imported here: the AWS target does not need the packages of the local one.
        from helpers.local.client import connect_local

        cloud, price = connect_local(prefix), "It costs nothing."
    elif target == "aws":
        cloud, price = _connect_aws(prefix, confirm, check), "Resources cost until you delete them."
    else:
        raise WorkshopError(
            f"There is no target {target!r}.", 'Use connect("local") or connect("aws").'
        )
    print(f"Connected ({target}): account {cloud.account}, region {cloud.region}. {price}")
    return cloud


def _connect_aws(prefix: str, confirm: bool, check: bool) -> Cloud:
    with explained():
        session = boto3.Session()  # raises an error if the profile does not exist
    return sign_in(session, prefix, confirm, check=check)


def is_running() -> bool:
    """Return whether a local target runs on this machine (for this `.workshop` folder).

    Example:
        `is_running()` -> `False`
    """
    from helpers.local import state

    return state.holder() is not None


@waiting("Stopping the local target")
def disconnect() -> None:
    """Stop the local target that `connect("local")` started; on AWS there is nothing to stop.

    The emulator, the beacon servers and the stream job end, and everything that was deployed
    locally is deleted. Running it again does no harm.

    Example:
        `disconnect()`
    """
    from helpers.local.supervisor import stop

    print("The local target has ended." if stop() else "No local target is running.")
