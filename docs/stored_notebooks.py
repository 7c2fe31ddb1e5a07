"""Notebooks as git stores them: without outputs and without the editor's metadata.

    python docs/stored_notebooks.py < notebooks/1-capture.ipynb

is git's filter for notebooks (.gitattributes; `make setup` adds it to the clone's .git/config). So,
for git, a notebook that was run and saved is unchanged: there is nothing to commit, and an update
has no conflict. It also restores the kernel's name, which JupyterLab may have changed. It uses the
standard library only, so that it works before anything is installed.
"""

from __future__ import annotations  # git may run the filter with any Python 3

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
    """Write the stored form of the notebook on stdin to stdout; other input stays unchanged."""
    given = sys.stdin.buffer.read()
    try:
        kept = cleared(given.decode("utf-8")).encode("utf-8")
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = given  # incomplete, or in the middle of a merge: git must store it anyway
    sys.stdout.buffer.write(kept)
    return 0


def cleared(text: str) -> str:
    """Return a notebook's text as git stores it."""
    notebook = json.loads(text)
    cells = notebook["cells"]
    # Shift + Enter in the last cell adds another one.
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
    """Run `git add` on a notebook that JupyterLab has saved, if its contents are unchanged.

    For git, a file with another size is changed, whatever the filter returns, until `git add`
    compares the contents. A notebook whose cells were edited is not staged.

    Args:
        os_path: the path of the file.
        model: Jupyter's description of the file.
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
    """Return a notebook from git's index, without a learner's edits.

    Args:
        path: the notebook's path. Without git, or if it is not in the index: its file, cleared.
    """
    name = path.relative_to(REPOSITORY).as_posix()
    text = _git("show", f":{name}")
    return cleared(path.read_text(encoding="utf-8")) if text is None else text


@functools.cache
def stored_notebooks() -> list[Path]:
    """Return the workshop's notebooks, without those that a learner has added."""
    listed = _git("ls-files", "-z", "notebooks/*.ipynb")
    if listed:
        return sorted(REPOSITORY / name for name in listed.split("\0") if name)
    return sorted((REPOSITORY / "notebooks").glob("[0-9]-*.ipynb"))


def _git(*arguments: str) -> str | None:
    """Return git's output; None without git, and if this folder is not a clone."""
    if not (REPOSITORY / ".git").exists():
        return None
    # In a git hook, these variables refer to another repository or index.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, env=environment, capture_output=True
        )
    except OSError:
        return None
    return result.stdout.decode("utf-8") if result.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
