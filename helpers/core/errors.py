"""Errors for learners: a cause and a remedy in place of a traceback.

Example:
    >>> print(WorkshopError("No credentials were found.", "Run `aws configure`."))
    No credentials were found.
    → Run `aws configure`.
"""

from typing import Any


class WorkshopError(Exception):
    """A problem the learner can fix. Jupyter shows its two lines without a traceback.

    Args:
        cause: one sentence: what happened, and why.
        remedy: one sentence: the next thing to do.

    Example:
        `raise WorkshopError("The rate is negative.", "Give a number greater than 0.")`
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}\n→ {remedy}")
        self.cause, self.remedy = cause, remedy

    def _render_traceback_(self) -> list[str]:
        # IPython calls this instead of formatting a traceback.
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


def check_number(
    name: str,
    value: Any,  # noqa: ANN401 - whatever a learner passes
    least: float = 0,
    most: float = float("inf"),
    *,
    whole: bool = False,
) -> None:
    """Raise a `WorkshopError` unless a value is a number (NaN and bool are none) within bounds.

    Args:
        name: of the value, for the message, e.g. `"height"`.
        value: the value.
        least, most: the bounds, both allowed.
        whole: the value must be an `int`.

    Raises:
        WorkshopError: `height can't be 20.` → `Give a whole number from 200 to 4,000.`

    Example:
        `check_number("height", height, 200, 4000, whole=True)`
    """
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        kind = "whole number" if whole else "number"
        bounds = f"from {least:,} to {most:,}" if most < float("inf") else f"of {least:,} or more"
        raise WorkshopError(f"{name} can't be {value!r}.", f"Give a {kind} {bounds}.")


class NotDeployed(WorkshopError):
    """A resource does not exist: the module that creates it is not deployed.

    Args:
        what: the resource, e.g. `"The stream rwa-clicks"`.
        module: the module that creates it, e.g. `"1-capture"`.

    Example:
        `raise NotDeployed("The stream rwa-clicks", "1-capture")`
    """

    def __init__(self, what: str, module: str) -> None:
        super().__init__(
            f"{what} does not exist (yet): module {module} is not deployed.",
            f'Run `deploy(cloud, "{module}")` first.',
        )


class TargetStopped(WorkshopError):
    """The target does not respond: the local one has ended, or AWS can't be reached."""


class NotSignedIn(WorkshopError):
    """There are no AWS credentials, they have expired, or AWS refuses them."""


class TemporaryFailure(WorkshopError):
    """AWS is throttling requests, or had an internal error: the same call may succeed soon."""


class IncompleteError(WorkshopError):
    """A store returned only a part of the requested data; the rest is unknown."""
