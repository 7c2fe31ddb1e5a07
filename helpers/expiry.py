"""More time before everything is deleted."""

from .cloud import Cloud
from .deployment import deploy
from .errors import WorkshopError
from .lifetime import HOURS, times
from .stacks import EXPIRY, describe, explained, is_usable, stack_name

_LONGEST = 7 * 24


def extend_expiry(cloud: Cloud, hours: float = HOURS) -> None:
    """Let the workshop stand for so many hours from now; shorter than before is possible too.

    On AWS a schedule deletes all its stacks then, even if this machine is off. (The local target
    ends by itself; there the schedule is only noted.)

    Args:
        cloud: where module 1 is deployed.
        hours: from now on, 0.25 to 168 (a week).

    Raises:
        WorkshopError: nothing is deployed, or the hours are out of bounds.

    Example:
        `extend_expiry(cloud, 4)` prints `On AWS, all of rwa is deleted at 18:00 UTC ...`
    """
    if not 0.25 <= hours <= _LONGEST:
        raise WorkshopError(
            f"The workshop can't expire {hours} hours from now.",
            f"Give hours between 0.25 and {_LONGEST}; destroy(cloud) deletes it at once.",
        )
    with explained():
        stack = describe(cloud, stack_name(cloud, EXPIRY))
    if not is_usable(stack):
        raise WorkshopError("Nothing is deployed.", 'Run `deploy(cloud, "1-capture")` first.')
    deploy(cloud, EXPIRY, **times(hours))
