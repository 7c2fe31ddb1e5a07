"""An executed notebook as a Markdown page: its text, its code, and what each cell has shown."""

import re
from pathlib import Path
from typing import Any

from bench.notebook_steps import solution
from docs.book.outputs import Outputs

_FOLDED = re.compile(r"<details>(?=<summary>(\w*))")
# The first word of what is folded -> its look.
_LOOKS = {"Hint": "tip"}
_RULE = re.compile(r"^# ruff: .*\n", re.M)


def page(notebook: Any, images: Path, home: Path) -> str:  # noqa: ANN401 - nbformat's node
    """Return a notebook's page.

    Args:
        notebook: nbformat's node.
        images: the folder that gets the pictures.
        home: the target's folder.
    """
    outputs = Outputs(notebook, images, home)
    parts = [
        _code(cell, outputs) if cell.cell_type == "code" else markdown(cell.source)
        for cell in notebook.cells
    ]
    return "\n\n".join(parts) + "\n"


def fenced(code: str, language: str) -> str:
    """Return a block of code, whose fence is longer than any that the code contains."""
    longest = max(map(len, re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def markdown(source: str) -> str:
    """Return a text in which Markdown is read also inside of what is folded."""
    return _FOLDED.sub(
        lambda found: f'<details class="{_LOOKS.get(found[1], "question")}" markdown="1">', source
    )


def _code(cell: Any, outputs: Outputs) -> str:  # noqa: ANN401 - nbformat's node
    source, shown = cell.source, outputs.of_cell(cell)
    path = solution(source)
    if path is None:
        language = "sql" if re.match(r"%%writefile .*\.sql", source) else "python"
        return f"{fenced(source, language)}\n\n{shown}"
    code = source.partition("\n")[2] or path.read_text(encoding="utf-8")
    code = _RULE.sub("", code)
    return (
        f'<details class="success" markdown="1"><summary>Solution</summary>\n\n'
        f"{fenced(code, 'python')}\n\n{shown}\n</details>"
    )
