"""Module 4, then its solutions; module 6; and module 9 twice, which takes it all down."""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from tests.running_notebooks import FOLDER, execute, run

SOLUTIONS = sorted(path.name for path in (FOLDER / "solutions").glob("*.py"))
# What module 4's notebook has when a learner loads a solution.
BEFORE_A_SOLUTION = """
from helpers import Traffic, connect, statements_folder
cloud = connect("local")
traffic, mine = Traffic(cloud), statements_folder()
"""


def test_run_all(target_home, open_module):
    notebook = open_module("4-extend.ipynb", height=3000)
    notebook.run_all()
    notebook.finish()
    expect(notebook.output(notebook.cell("check.extended"))).to_contain_text("✓ avg_pg_ld")
    notebook.screenshot("module-4")
    assert notebook.serious_findings() == []


@pytest.mark.parametrize("name", SOLUTIONS)
def test_solutions_run_after_their_module(target_home, name):
    cells = [BEFORE_A_SOLUTION, (FOLDER / "solutions" / name).read_text()]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    printed = "".join(execute(notebook))
    shown = notebook.cells[-1].outputs[-1]["data"]["text/html"]
    assert "✗" not in printed and "o rows yet" not in shown
    # The message of the alarm, or bars of more than one page or step.
    assert "Rung by hand" in shown or re.search(r" in ([3-9]|\d\d) items", shown)


def test_module_6_all_of_it_then_its_planner_by_hand(target_home, open_module):
    notebook = open_module("6-scale-and-cost.ipynb", height=3000)
    notebook.run_all()
    notebook.finish()
    checked = notebook.output(notebook.cell("check.scaled"))
    expect(checked).to_contain_text("beacons of the crowd at every stage")
    planner = notebook.output(notebook.cell("scale_planner("))
    number = planner.get_by_label("Events a day", exact=True)
    number.fill("116000000")
    number.press("Enter")
    said = planner.get_by_role("status")
    expect(said).to_contain_text("116 million events a day need")
    expect(said).to_contain_text("Your own run: 200 beacons a second")
    planner.get_by_role("slider").press("PageUp")
    expect(said).not_to_contain_text("116 million events a day need")
    notebook.screenshot("module-6")
    assert notebook.serious_findings() == []


def test_the_last_one_takes_everything_down_and_may_run_again(target_home, open_module):
    assert "Nothing of rwa is left" in "".join(run("9-clean-up.ipynb"))
    notebook = open_module("9-clean-up.ipynb")
    notebook.run_all()
    notebook.finish()
    assert "✗" not in notebook.page.locator(".jp-Notebook").inner_text()
