"""Times from epoch milliseconds or seconds, some of which may be missing."""

import pandas as pd


def times(values: pd.Series, unit: str = "ms") -> pd.Series:
    """Return the times of a column of whole numbers.

    It turns off pandas' cache of repeated values, which gives a missing value among nullable
    integers an error, or another value's time (pandas 2.2).

    Args:
        values: time since 1970-01-01 UTC, as nullable integers (floats would lose the last digits
            of milliseconds).
        unit: `ms` or `s`.

    Returns:
        Times in UTC; NaT for a missing value.

    Example:
        >>> times(pd.Series([1_700_000_000_000, None], dtype="Int64")).isna().tolist()
        [False, True]
    """
    return pd.to_datetime(values.astype("Int64"), unit=unit, utc=True, cache=False)
