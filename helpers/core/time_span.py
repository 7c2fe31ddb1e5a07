"""The time span that every function which reads a store takes."""

import time
from datetime import UTC, datetime

from .errors import WorkshopError


def span(
    minutes: float, start: datetime | None, end: datetime | None
) -> tuple[float, float | None]:
    """Return a span of time in epoch seconds.

    Args:
        minutes: its length until now, if `start` is None.
        start: an aware datetime.
        end: an aware datetime (exclusive), or None for no end.

    Raises:
        WorkshopError: the span is empty, or a datetime has no time zone.

    Example:
        >>> span(1, datetime(2026, 11, 25, tzinfo=UTC), None)
        (1795564800.0, None)
    """
    for moment in (start, end):
        if moment is not None and moment.tzinfo is None:
            raise WorkshopError(
                f"The time {moment} has no time zone.",
                "Create it with `datetime.now(UTC)` or `datetime(..., tzinfo=UTC)`.",
            )
    now = time.time()
    begins = now - minutes * 60 if start is None else start.timestamp()
    ends = None if end is None else end.timestamp()
    if begins >= (now if ends is None else ends):
        raise WorkshopError(
            f"The time span from {datetime.fromtimestamp(begins, UTC)} to {end or 'now'} is empty.",
            "Give a number of minutes above 0, or a start before the end.",
        )
    return begins, ends
