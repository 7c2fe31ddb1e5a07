"""A learner's clone: git sees no change after a run, and edits do not block an update."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import stored_notebooks
from docs.stored_notebooks import cleared
from helpers import install
from helpers.core.paths import REPOSITORY

ALONE = {
    # Without the settings of a user or of a hook.
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "HOME": os.devnull,
    "LC_ALL": "C",
}
PERSON = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
NAMES = [path.name for path in sorted((REPOSITORY / "notebooks").glob("[0-9]-*.ipynb"))]


def git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    ended = subprocess.run(
        ["git", *PERSON, *arguments],
        cwd=folder, env=environment | ALONE, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def upstream(tmp_path):
    """A repository that has the notebooks as git keeps them, and what filters them."""
    folder = tmp_path / "up stream"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "docs").mkdir()
    for name in (".gitattributes", ".gitignore", "Makefile", "docs/stored_notebooks.py"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in NAMES:
        text = cleared((REPOSITORY / "notebooks" / name).read_text(encoding="utf-8"))
        (folder / "notebooks" / name).write_text(text, encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def clone(upstream, tmp_path, monkeypatch):
    """A learner's clone after set-up, in a folder whose name has a space."""
    folder = tmp_path / "my clone"
    git(tmp_path, "clone", "-q", str(upstream), str(folder))
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / ".venv" / ".ready").touch()
    monkeypatch.setattr(install, "ROOT", str(folder))
    monkeypatch.setattr(stored_notebooks, "REPOSITORY", folder)
    install.filter_notebooks()
    return folder


def run_and_save(path: Path) -> None:
    """Leave in a notebook what JupyterLab does when all its cells are run and it is saved."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] |= {"scrolled": True, "trusted": True, "execution": {"iopub": "now"}}
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["ran\n"]}]
    empty = {"cell_type": "code", "id": "new", "metadata": {}, "outputs": [], "source": []}
    notebook["cells"].append(empty | {"execution_count": None})
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    save(path, notebook)


def save(path: Path, notebook: dict) -> None:
    """Save a notebook as JupyterLab does, with the hook that set-up gives it."""
    # Imported here: every process of a run reads this file, and JupyterLab's server takes seconds.
    from jupyter_server.services.contents.filemanager import FileContentsManager

    manager = FileContentsManager(
        root_dir=str(path.parents[1]), post_save_hook=stored_notebooks.after_save
    )
    model = {"type": "notebook", "format": "json", "content": notebook}
    manager.save(model, f"notebooks/{path.name}")


def change_a_cell(path: Path, words: str) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][0]["source"] = [words]
    path.write_text(cleared(json.dumps(notebook)), encoding="utf-8")


def publish(upstream: Path, words: str) -> None:
    change_a_cell(upstream / "notebooks" / NAMES[1], words)
    git(upstream, "commit", "-q", "-a", "-m", words)


def test_notebooks_that_were_run_and_saved_are_unchanged_and_stop_no_update(upstream, clone):
    for name in NAMES:
        run_and_save(clone / "notebooks" / name)
    assert git(clone, "status", "--porcelain", "--untracked-files=no") == ""
    publish(upstream, "A new first cell")
    git(clone, "pull", "--ff-only")
    assert "A new first cell" in (clone / "notebooks" / NAMES[1]).read_text(encoding="utf-8")
    # A notebook that the update did not change keeps its outputs.
    assert "ran" in (clone / "notebooks" / NAMES[0]).read_text(encoding="utf-8")
    assert git(clone, "status", "--porcelain", "--untracked-files=no") == ""


def test_an_edited_cell_is_the_learners_work_and_is_what_git_sees(clone):
    path = clone / "notebooks" / NAMES[1]
    run_and_save(path)
    change = json.loads(path.read_text(encoding="utf-8"))
    change["cells"][0]["source"] = "My own words"
    save(path, change)
    assert git(clone, "status", "--porcelain", "-uno") == f" M notebooks/{NAMES[1]}\n"
    difference = git(clone, "diff")
    assert "My own words" in difference and "ran" not in difference


def test_make_update_keeps_an_edited_notebook_beside_the_new_one(upstream, clone, monkeypatch):
    path = clone / "notebooks" / NAMES[1]
    change_a_cell(path, "My own words")
    monkeypatch.setattr(stored_notebooks, "after_save", lambda **_: None)  # another JupyterLab
    run_and_save(clone / "notebooks" / NAMES[2])
    (clone / "notebooks" / NAMES[3]).unlink()
    publish(upstream, "A new first cell")
    environment = os.environ | ALONE
    ended = subprocess.run(
        ["make", "update", "READY=", "PYTHON=true"],
        cwd=clone, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "A new first cell" in path.read_text(encoding="utf-8")
    (mine,) = (clone / "notebooks").glob("my-*.ipynb")
    assert "My own words" in mine.read_text(encoding="utf-8") and mine.name in ended.stdout
    assert git(clone, "status", "--porcelain", "-uno") == ""
    assert git(clone, "status", "--porcelain", "notebooks") == ""  # git ignores what is mine


def test_set_up_twice_says_it_once_and_to_this_clone_alone(clone):
    before = (clone / ".git" / "config").read_text()
    install.filter_notebooks()
    assert (clone / ".git" / "config").read_text() == before
    assert before.count("stored-notebooks") == 1 and str(clone) not in before


def test_set_up_without_git_or_outside_a_clone_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "ROOT", str(tmp_path))
    install.filter_notebooks()
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    install.filter_notebooks()
    assert list((tmp_path / ".git").iterdir()) == []


def test_jupyterlab_is_given_the_hook(tmp_path):
    install.write_server_settings(tmp_path)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "own"),
        "JUPYTER_CONFIG_PATH": str(tmp_path / "etc" / "jupyter"),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", "jupyter", "server", "--allow-root", "--show-config"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "post_save_hook = <function after_save" in ended.stdout, ended.stderr


def test_jupyterlab_does_not_ask_about_news(tmp_path):
    """Its own default would be a question over the first notebook (tests/browser/test_news.py)."""
    install.write_lab_settings(tmp_path)
    install.write_lab_settings(tmp_path)  # a second set-up does no harm
    folder = tmp_path / "etc" / "jupyter" / "labconfig"
    (file,) = folder.iterdir()
    (settings,) = json.loads(file.read_text(encoding="utf-8")).values()
    assert settings == {"fetchNews": "false", "checkForUpdates": False}


def test_what_is_no_notebook_passes_the_filter_as_it_is():
    for given in (b"<<<<<<< HEAD\n{}", b"{}", b"[]", b"\xff", b""):
        command = [sys.executable, "docs/stored_notebooks.py"]
        ended = subprocess.run(command, input=given, capture_output=True, cwd=REPOSITORY)
        assert (ended.returncode, ended.stdout) == (0, given)
