"""Module 4 with its solutions; module 6; and module 9 twice, which takes it all down."""

import json
import re

from playwright.sync_api import expect

from docs.stored_notebooks import stored
from tests.running_notebooks import FOLDER, run

LOADED = re.compile(r"# %load (solutions/.*)")


def with_solutions(text: str) -> tuple[str, list[str]]:
    """Return a notebook whose solutions are loaded, as `%load` does, and what names each."""
    notebook, names = json.loads(text), []
    for cell in notebook["cells"]:
        if found := LOADED.fullmatch("".join(cell["source"])):
            solution = (FOLDER / found[1]).read_text(encoding="utf-8")
            cell["source"] = f"{found[0]}\n{solution}"
            names.append(found[0])
    return json.dumps(notebook), names


def test_run_all_with_the_solutions(target_home, open_module):
    name = "4-extend.ipynb"
    text, solutions = with_solutions(stored(FOLDER / name))
    notebook = open_module(name, height=3000, text=text)
    notebook.run_all()
    notebook.finish()
    expect(notebook.output(notebook.cell("check.extended"))).to_contain_text("✓ avg_pg_ld")
    assert len(solutions) == len(list(FOLDER.glob("solutions/*.py")))
    for solution in solutions:
        shown = notebook.output(notebook.cell(solution)).inner_text()
        assert "✗" not in shown and "o rows yet" not in shown
        # The message of the alarm, or bars of more than one page or step.
        assert "Set by hand" in shown or re.search(r" in ([3-9]|\d\d) items", shown), shown
    notebook.screenshot("module-4")
    assert notebook.serious_findings() == []


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
