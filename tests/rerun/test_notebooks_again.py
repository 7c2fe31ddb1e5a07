"""Every notebook twice in a row, each time in a new kernel: `make test TESTS=tests/rerun`.

It takes half an hour, most of which is waiting, so `make test` leaves it out: there, each notebook
runs in a browser, and the quick ones twice.
"""

import pytest

from docs.stored_notebooks import stored_notebooks
from tests.running_notebooks import run

NOTEBOOKS = [path.name for path in stored_notebooks()]


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_run_all(target_home, name, turn):
    printed = "".join(run(name))
    assert "✓" in printed and "✗" not in printed
