"""What reading from the workshop's stores has in common: spans of time, and errors that explain."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from botocore.exceptions import ClientError, EndpointConnectionError

from .errors import WorkshopError

# AWS's answers after which the same reading may succeed.
TRY_AGAIN = {
    "ExpiredIteratorException", "InternalError", "InternalFailure", "InternalServerError",
    "InternalServiceError", "LimitExceededException", "NoSuchKey",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ServiceUnavailable",
    "SlowDown", "Throttling", "ThrottlingException",
}  # fmt: skip
_MISSING = {"ResourceNotFoundException", "NoSuchBucket"}


class IncompleteError(WorkshopError):
    """A store gave only a part of what it was asked for: what is missing in it is not known.

    Example:
        `raise IncompleteError("CloudWatch gave a part of the values only.", "Run this again.")`
    """


@contextmanager
def reading(what: str, module: str) -> Iterator[None]:
    """Turn "it is not there" into a sentence that names the module which makes it.

    Args:
        what: what is read, e.g. `"The table rwa-Metrics"`.
        module: the module that makes it, e.g. `"2-analyze"`.

    Raises:
        WorkshopError: it does not exist, or nothing answers.

    Example:
        `with reading("The table rwa-Metrics", "2-analyze"): ...`
    """
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        raise WorkshopError(
            f"{what} does not exist (yet): module {module} is not deployed.",
            f'Run `deploy(cloud, "{module}")`, as notebook {module} does.',
        ) from error
    except EndpointConnectionError as error:
        raise WorkshopError(
            f"{what} can't be read: {error}",
            "Run the cell with `connect` again; on AWS, look at this machine's network.",
        ) from error


def span(
    minutes: float, start: datetime | None, end: datetime | None
) -> tuple[float, float | None]:
    """Return a span of time in epoch seconds.

    Args:
        minutes: how far back it begins, if `start` is None.
        start: when it begins; an aware datetime.
        end: when it ends (exclusive), or None for no end.

    Raises:
        WorkshopError: no time lies in it, or a datetime has no zone.

    Example:
        >>> span(1, datetime(2026, 11, 25, tzinfo=UTC), None)
        (1795564800.0, None)
    """
    for moment in (start, end):
        if moment is not None and moment.tzinfo is None:
            raise WorkshopError(
                f"{moment} says no zone, so it is no certain moment.",
                "Make it with `datetime.now(UTC)` or `datetime(..., tzinfo=UTC)`.",
            )
    now = time.time()
    begins = now - minutes * 60 if start is None else start.timestamp()
    ends = None if end is None else end.timestamp()
    if begins >= (now if ends is None else ends):
        raise WorkshopError(
            f"No time lies between {datetime.fromtimestamp(begins, UTC)} and {end or 'now'}.",
            "Give a number of minutes above 0, or a start that is earlier than the end.",
        )
    return begins, ends
