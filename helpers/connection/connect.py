"""The first call of each notebook: which cloud the workshop runs in."""

import re

import boto3

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import waiting

from .aws_sign_in import sign_in
from .ipython_errors import explain_in_notebooks

_PREFIX = "[a-z][a-z0-9]{1,11}"  # as in every template: no hyphen, which ends it


def connect(target: str = "local", prefix: str = "rwa", *, confirm: bool = False) -> Cloud:
    """Connect to AWS, or to its stand-in on this machine. It never falls through to the other.

    On AWS it shows the account, the region, who you are there, what the modules cost an hour, and
    what is deployed already, and asks you to type yes before anything can cost. One yes holds for
    eight hours (for this account, region and prefix), so that the next notebook need not ask.

    Args:
        target: `"local"` (no account, costs nothing) or `"aws"` (the account of your credentials).
        prefix: what every name of this workshop begins with; another one is another workshop.
        confirm: True says yes to the costs in the cell itself, where nobody can be asked.

    Returns:
        The Cloud that the other helpers take.

    Raises:
        WorkshopError: an unknown target, a local target that does not start; on AWS: no
            credentials, no region or one without the services needed, or no yes.

    Example:
        `cloud = connect("local")`
    """
    if not re.fullmatch(_PREFIX, prefix):
        raise WorkshopError(
            f"{prefix!r} can't begin the names of AWS resources.",
            "A prefix has 2 to 12 lower-case letters and digits, a letter first.",
        )
    explain_in_notebooks()
    if target == "local":
        # Imported here, so that the AWS target needs nothing of the local one's packages.
        from helpers.local.client import connect_local

        cloud, price = connect_local(prefix), "It costs nothing."
    elif target == "aws":
        cloud, price = _connect_aws(prefix, confirm), "What you deploy costs until you delete it."
    else:
        raise WorkshopError(
            f"There is no target called {target!r}.", 'Use connect("local") or connect("aws").'
        )
    print(f"Connected ({target}): account {cloud.account}, region {cloud.region}. {price}")
    return cloud


def _connect_aws(prefix: str, confirm: bool) -> Cloud:
    with explained():
        session = boto3.Session()  # a profile that is not there is noticed here
    return sign_in(session, prefix, confirm)


def is_running() -> bool:
    """Return whether a local target runs on this machine (for this `.workshop` folder).

    Example:
        `is_running()` -> `False`
    """
    from helpers.local import state

    return state.holder() is not None


@waiting("Ending the local target")
def disconnect() -> None:
    """End what `connect("local")` started on this machine; on AWS nothing runs here to be ended.

    The emulator, the beacon servers and the stream job end, and with them everything that was
    deployed locally. Running it again does no harm.

    Example:
        `disconnect()`
    """
    from helpers.local.supervisor import stop

    print("The local target has ended." if stop() else "Nothing of the workshop runs here.")
