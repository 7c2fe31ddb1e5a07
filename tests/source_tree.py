"""The repository's Python, parsed once a process: files, and the notebooks' code."""

import ast
import json
import re
from functools import cache

from docs.stored_notebooks import stored, stored_notebooks
from helpers.core.paths import REPOSITORY

FOLDERS = ("helpers", "assets", "tests", "bench", "docs", "notebooks")


@cache
def trees(*folders: str) -> dict[str, ast.Module]:
    """Return what is parsed of each file: its path in the repository -> its tree.

    Args:
        folders: those that are looked at; all by default. With `"notebooks"`, the notebooks too, as
            git has them: the cells of each as one module.
    """
    found = {}
    for folder in folders or FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            name = path.relative_to(REPOSITORY).as_posix()
            found[name] = _parsed(path.read_text(encoding="utf-8"))
    if "notebooks" in (folders or FOLDERS):
        for path in stored_notebooks():
            cells = ["".join(cell["source"]) for cell in cells_of(stored(path), "code")]
            python = "\n".join(text for text in cells if not text.startswith("%%"))
            # Magics are no Python.
            code = re.sub(r"^\s*[%!].*$", "pass", python, flags=re.MULTILINE)
            found[path.relative_to(REPOSITORY).as_posix()] = _parsed(code)
    return found


_parsed = cache(ast.parse)


def cells_of(notebook: str, kind: str) -> list[dict]:
    """Return the cells of one kind, `"code"` or `"markdown"`, of a notebook's text."""
    return [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == kind]
