"""Times from epoch milliseconds or seconds, some of which may be missing."""

import pandas as pd


def times(values: pd.Series, unit: str = "ms") -> pd.Series:
    """Return the times of a column of whole numbers.

    pandas keeps the times of values that stand there often, and then takes a missing value among
    them for any place in that list: an error, or another value's time (2.2, nullable integers).

    Args:
        values: since 1970-01-01 UTC, as nullable integers: through floats, milliseconds would lose
            their last digits.
        unit: `ms` or `s`.

    Returns:
        Times in UTC; NaT for a missing value.

    Example:
        >>> times(pd.Series([1_700_000_000_000, None], dtype="Int64")).isna().tolist()
        [False, True]
    """
    return pd.to_datetime(values.astype("Int64"), unit=unit, utc=True, cache=False)
