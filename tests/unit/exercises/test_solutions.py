"""Each exercise has a cell, an empty one that raises nothing, and a solution that is right."""

import ast
import json
import re

import pandas as pd
import pytest

from docs.stored_notebooks import stored
from helpers import check
from helpers.core.module_progress import noted_steps
from helpers.core.paths import REPOSITORY
from helpers.exercises.all_exercises import EXERCISES

NOTEBOOKS = REPOSITORY / "notebooks"
# Those of module 4 need a running pipeline: tests/browser/test_module_4.py runs them.
ALONE = [number for number in EXERCISES if not number.startswith("4")]


def cells_of(number: str) -> list[str]:
    """Return the cells of code that check an exercise, in all notebooks."""
    found = []
    for notebook in sorted(NOTEBOOKS.glob("[0-9]-*.ipynb")):
        cells = json.loads(stored(notebook))["cells"]
        found += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [cell for cell in found if f'exercise(cloud, "{number}"' in cell]


@pytest.fixture
def variables(emulator, own_home) -> dict:
    from helpers import arrival_delays, broken_pipeline

    return {
        "check": check,
        "cloud": emulator,
        "pd": pd,
        "arrival_delays": arrival_delays,
        "broken_pipeline": broken_pipeline,
    }


@pytest.mark.parametrize("number", EXERCISES)
def test_an_empty_cell_says_so_and_raises_nothing(number, variables, capsys):
    (cell,) = cells_of(number)
    exec(cell, variables)
    printed = capsys.readouterr().out
    assert printed.startswith(f"… {number} ") and "There is no work yet." in printed
    assert noted_steps(variables["cloud"]) == {}


def solution(number: str) -> str:
    (file,) = NOTEBOOKS.glob(f"solutions/{number}-*.py")
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", ALONE)
def test_the_solution_is_right(number, variables, capsys):
    exec(solution(number), variables)
    assert f"✓ {number} " in capsys.readouterr().out
    assert list(noted_steps(variables["cloud"])) == [f"exercise {number}"]


@pytest.mark.parametrize("number", EXERCISES)
def test_the_solution_ends_with_its_check_and_names_what_it_needs(number):
    text = solution(number)
    assert f'check.exercise(cloud, "{number}", ' in text
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    needed = {"check", "cloud", "mine", "pd", "traffic"} & names
    said = re.search(r"^#.*come from the notebook", text, re.M)
    assert said and needed == set(re.findall(r"`(\w+)`", text[: said.end()].split(". ")[-1]))
