"""Every notebook, one after the other, on a target that takes AWS's times.

`make test TESTS=tests/rerun` runs it, a quarter of an hour; `make test` itself runs three of them.
"""

import pytest

from docs.stored_notebooks import stored_notebooks
from tests.notebooks_in_aws_pace import all_text, faults, run, target_in_aws_pace

NOTEBOOKS = [path.name for path in stored_notebooks()]


@pytest.fixture(scope="module", autouse=True)
def target(tmp_path_factory):
    with target_in_aws_pace(tmp_path_factory.mktemp("pace") / "workshop"):
        yield


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_cell_shows_less_than_it_says(name):
    cells = run(name)
    assert faults(cells) == []
    assert "✓" in all_text(cells)
