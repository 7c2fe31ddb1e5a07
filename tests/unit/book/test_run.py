"""`make book`: which notebooks run, and what happens when one fails."""

import nbformat
import pytest

from bench.notebook_steps import Step
from docs.book import __main__ as command
from docs.book import by_hand, run
from docs.book.pages import page_name
from docs.stored_notebooks import stored
from helpers.core.errors import WorkshopError
from tests.running_notebooks import FOLDER
from tests.source_tree import cells_of


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Replace the runs by ones whose cells fail in module 2; return what was run, or ended."""
    done = []

    def steps(name, connect, before, kept):
        done.append(name)
        cell = nbformat.v4.new_code_cell("deploy(cloud)")
        if name == "2-analyze":
            error = {"ename": "WorkshopError", "evalue": "No stream.", "traceback": []}
            cell.outputs = [nbformat.v4.new_output("error", **error)]
        yield Step(name, cell, 1.0)
        kept.touch()

    monkeypatch.setenv("WORKSHOP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(run, "own_home", lambda folder: None)
    monkeypatch.setattr(run, "steps", steps)
    monkeypatch.setattr(run.supervisor, "stop", lambda: done.append("stop"))
    monkeypatch.setattr(command, "EXECUTED", tmp_path / "executed")
    monkeypatch.setattr(command, "HOME", tmp_path / "home")
    return done


def test_only_the_notebooks_that_are_named_run_and_the_others_keep_their_outputs(ran, tmp_path):
    (tmp_path / "executed").mkdir()
    (tmp_path / "executed" / "3-visualize.ipynb").touch()
    run.run_all(tmp_path / "home", tmp_path / "executed", ["0", "1"])
    assert ran == ["stop", "0-start-here", "1-capture", "stop"]
    assert len(list((tmp_path / "executed").iterdir())) == 3
    with pytest.raises(WorkshopError, match="no notebook of each of the numbers 0, 8"):
        run.run_all(tmp_path / "home", tmp_path / "executed", ["0", "8"])


def test_a_cell_that_fails_is_named_without_a_traceback_and_the_target_ends(
    ran, monkeypatch, capsys
):
    monkeypatch.setattr("sys.argv", ["book"])
    assert command.main() == 1
    assert ran == ["stop", "0-start-here", "1-capture", "2-analyze", "stop"]
    printed = capsys.readouterr()
    assert "0-start-here       ✓ 1 cells" in printed.out and "Traceback" not in printed.err
    assert "A cell of 2-analyze failed: `deploy(cloud)`: WorkshopError: No stream." in printed.err
    assert "`make book ONLY=...` runs only the notebooks" in printed.err


def test_a_site_without_a_run_is_refused(ran, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["book", "--site"])
    assert command.main() == 1 and ran == []
    assert "No notebook has run yet." in capsys.readouterr().err


def test_a_learners_acts_come_before_their_cells_alone(monkeypatch):
    acted = []
    monkeypatch.setattr(by_hand, "connect", lambda target: target)
    monkeypatch.setattr(by_hand, "_ACTS", {"show(": acted.append})
    for code in ("x = 1", "show(x)"):
        by_hand.act_before(code)
    assert acted == ["local"]


def test_the_cells_before_which_a_learner_acts_are_in_the_notebooks():
    code = [
        "".join(cell["source"]) for cell in cells_of(stored(FOLDER / "1-capture.ipynb"), "code")
    ]
    for beginning in by_hand._ACTS:
        assert any(cell.startswith(beginning) for cell in code), beginning


def test_each_file_has_a_page_and_an_image_has_none():
    assert page_name("notebooks/1-capture.ipynb") == "notebooks/1-capture.md"
    assert page_name("cfn/1-capture.yaml") == "cfn/1-capture.yaml.md"
    assert page_name("docs/aws.md") == "docs/aws.md" and page_name("a/b.svg") == "a/b.svg"
