"""Waits for values as long as they still change."""

from collections.abc import Callable
from typing import TypeVar

from helpers.core.waiting import poll_until

STALLED_SECONDS = 600  # values that change at all change within this time
LONGEST_SECONDS = 1500  # less than the hour after which `make test` ends a test
_T = TypeVar("_T")


def settled(
    read: Callable[[], _T],
    is_right: Callable[[_T], bool],
    compared: Callable[[_T], object] = lambda value: value,
) -> _T:
    """Read a value until it is right, or has not changed for ten minutes; return it.

    A short limit for the whole wait would depend on the machine's speed: at a load of 60, a
    function needs a quarter of an hour for rows that it usually stores within a minute. After 25
    minutes the wait ends even if the value still changes.

    Args:
        read: returns the current value.
        is_right: returns whether a value is as wanted.
        compared: returns what shows whether a value has changed: of a DataFrame its text, which
            `str` cuts if it has more than 60 rows, and `to_csv` does not.
    """
    what = "values are right"
    return poll_until(read, is_right, what, STALLED_SECONDS, compared, LONGEST_SECONDS)
