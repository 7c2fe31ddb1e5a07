"""A notebook from top to bottom, in a kernel of its own."""

import nbformat
from nbclient import NotebookClient

from docs.stored_notebooks import stored
from helpers.home import REPOSITORY

FOLDER = REPOSITORY / "notebooks"


def run(name: str) -> list[str]:
    """Run all of a notebook in a kernel of its own; return what its cells printed."""
    return execute(nbformat.reads(stored(FOLDER / name), as_version=4))


def execute(notebook: nbformat.NotebookNode) -> list[str]:
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    return [
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
