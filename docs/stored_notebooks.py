"""Notebooks as git keeps them: without what a run, or the editor, leaves in them.

    python docs/stored_notebooks.py < notebooks/1-capture.ipynb

is git's filter for notebooks (.gitattributes; `make setup` names it in the clone's .git/config). So
a notebook that was run and saved is unchanged to git: nothing to commit, no conflict with an
update. It is the standard library alone, so that it works before anything is installed, and it
also puts back the kernel that JupyterLab wrote into the file.
"""

from __future__ import annotations  # any Python 3 that is at hand may run the filter

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
KERNEL = {
    "kernelspec": {
        "display_name": "Python (realtime web analytics)",
        "language": "python",
        "name": "realtime-web-analytics",
    },
    "language_info": {"name": "python"},
}


def main() -> int:
    """Write to stdout what git keeps of the notebook on stdin; as it is, if it is none."""
    given = sys.stdin.buffer.read()
    try:
        kept = cleared(given.decode("utf-8")).encode("utf-8")
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = given  # half written, or in the middle of a merge: git shall keep it all the same
    sys.stdout.buffer.write(kept)
    return 0


def cleared(text: str) -> str:
    """Return a notebook's text as it is kept in git."""
    notebook = json.loads(text)
    cells = notebook["cells"]
    # Shift + Enter in the last cell makes another one.
    while len(cells) > 1 and not "".join(cells[-1]["source"]).strip():
        cells.pop()
    for cell in cells:
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    kept = {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def after_save(os_path: str, model: dict, **_: object) -> None:
    """Let git look at a notebook that JupyterLab has saved, so that it finds it unchanged.

    A file of another size is changed to git, whatever the filter makes of it, until `git add`
    compares the contents. One whose cells were edited is left as it is: nothing is staged.

    Args:
        os_path: of the file.
        model: what Jupyter knows of it.
    """
    path = Path(os_path).resolve()
    if model.get("type") != "notebook" or not path.is_relative_to(REPOSITORY):
        return
    name = path.relative_to(REPOSITORY).as_posix()
    try:
        unchanged = cleared(path.read_text(encoding="utf-8")) == _git("show", f":{name}")
    except (OSError, ValueError, KeyError):
        return
    if unchanged:
        _git("add", "--", name)


@functools.cache
def stored(path: Path) -> str:
    """Return a notebook as git's index has it, so that a learner's edits are not looked at.

    Args:
        path: of the notebook. One that git does not know, or without git: its file, cleared.
    """
    name = path.relative_to(REPOSITORY).as_posix()
    text = _git("show", f":{name}")
    return cleared(path.read_text(encoding="utf-8")) if text is None else text


@functools.cache
def stored_notebooks() -> list[Path]:
    """Return the workshop's notebooks, without those that a learner has put beside them."""
    listed = _git("ls-files", "-z", "notebooks/*.ipynb")
    if listed:
        return sorted(REPOSITORY / name for name in listed.split("\0") if name)
    return sorted((REPOSITORY / "notebooks").glob("[0-9]-*.ipynb"))


def _git(*arguments: str) -> str | None:
    """Return what git says; None without git, and where this folder is no clone."""
    if not (REPOSITORY / ".git").exists():
        return None
    # Within a git hook these name another repository, or another index.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        said = subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, env=environment, capture_output=True
        )
    except OSError:
        return None
    return said.stdout.decode("utf-8") if said.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
