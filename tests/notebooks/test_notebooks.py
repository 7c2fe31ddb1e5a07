"""The notebooks as they are stored. What they do when they run: see tests/browser."""

import json
import re
import runpy
import statistics
import subprocess
import sys

import pytest

from docs.stored_notebooks import stored, stored_notebooks
from tests.running_notebooks import FOLDER
from tests.source_tree import cells_of

NOTEBOOKS = [path.name for path in stored_notebooks()]
SOLUTIONS = sorted(path.name for path in (FOLDER / "solutions").glob("*.py"))


def code_cells(name: str) -> list[dict]:
    return cells_of(stored(FOLDER / name), "code")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_cells_are_thin_and_stored_without_outputs(name):
    for cell in code_cells(name):
        assert cell["outputs"] == [] and cell["execution_count"] is None
        assert len(cell["source"]) <= 12
        assert set(cell["metadata"]) <= {"tags"}


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("rule", [["check"], ["format", "--check"]], ids=["linter", "formatter"])
def test_their_code_is_what_ruff_wants(name, rule):
    command = [sys.executable, "-m", "ruff", *rule, "--stdin-filename", f"notebooks/{name}", "-"]
    ended = subprocess.run(
        command, input=stored(FOLDER / name), capture_output=True, text=True, cwd=FOLDER.parent
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_median_cell_has_three_lines_or_less():
    lengths = [len(cell["source"]) for name in NOTEBOOKS for cell in code_cells(name)]
    assert statistics.median(lengths) <= 3


def test_every_solution_has_a_cell_that_loads_it():
    cells = ["".join(cell["source"]) for name in NOTEBOOKS for cell in code_cells(name)]
    loading = [cell for cell in cells if "%load" in cell]
    assert loading == [f"# %load solutions/{name}" for name in SOLUTIONS]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_begins_with_its_time_and_drawing_and_ends_with_a_question_and_the_link_on(name):
    cells = json.loads(stored(FOLDER / name))["cells"]
    first, last = ("".join(cells[end]["source"]) for end in (0, -1))
    assert cells[0]["cell_type"] == "markdown" and " minutes" in "".join(cells[0]["source"][:4])
    assert f"(../assets/images/architecture-{name[0]}.svg)" in first
    assert "Before it, you should know " in first or name[0] in "09"
    assert "<details><summary>" in last
    assert re.search(r"\*\*(Next|To begin again):\*\* \[[^]]+\]\((\d-[^)]+\.ipynb)\)", last)


def test_the_drawings_are_what_their_script_writes():
    script = runpy.run_path(str(FOLDER.parent / "assets" / "images" / "make_architecture.py"))
    for module in script["MODULES"]:
        drawn = FOLDER.parent / "assets" / "images" / f"architecture-{module}.svg"
        assert drawn.read_text() == script["drawing"](module)
