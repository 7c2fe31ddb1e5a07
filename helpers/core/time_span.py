"""A span of time, as every reader of a store is given it."""

import time
from datetime import UTC, datetime

from .errors import WorkshopError


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
