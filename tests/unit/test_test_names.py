"""Every process of a run gives the same tests the same names, whenever it collects them."""

import time

import pytest

from tests.conftest import pytest_make_parametrize_id


@pytest.mark.parametrize("moment", [time.time, lambda: int(time.time()) - 3600], ids=["now", "ago"])
def test_a_moment_is_no_name(moment):
    with pytest.raises(pytest.UsageError, match="start=.* give this test's `ids`"):
        pytest_make_parametrize_id(moment(), "start")


@pytest.mark.parametrize("value", [0, 2.5, True, "now", None, 10**18])
def test_other_values_keep_the_names_that_pytest_gives(value):
    assert pytest_make_parametrize_id(value, "value") is None
