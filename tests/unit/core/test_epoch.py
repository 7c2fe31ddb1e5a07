"""Times from epoch milliseconds, with many equal values and a missing one."""

import pandas as pd
import pytest

from helpers.core.epoch import times
from helpers.core.paths import REPOSITORY

NOW = 1_795_950_000_000


@pytest.mark.parametrize("count", [0, 40, 157, 1000, 5000])
def test_a_missing_value_among_many_equal_ones_is_nat(count):
    values = [NOW + n // 7 * 1000 for n in range(count)]
    found = times(pd.Series([*values, pd.NA], dtype="Int64"))
    assert found.isna().tolist() == [False] * count + [True]
    assert [round(time.timestamp() * 1000) for time in found[:-1]] == values


def test_no_other_module_converts_milliseconds_to_times():
    files = [file for file in REPOSITORY.glob("helpers/**/*.py") if file.name != "epoch.py"]
    assert [file for file in files if 'unit="ms"' in file.read_text(encoding="utf-8")] == []
