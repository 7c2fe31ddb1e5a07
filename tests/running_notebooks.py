"""Notebooks and cells from top to bottom, each in a kernel of its own.

nbformat and nbclient are imported where they are used: every process of a run reads this file, and
few run a notebook.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from docs.stored_notebooks import stored
from helpers.core.paths import REPOSITORY

FOLDER = REPOSITORY / "notebooks"


def run(name: str) -> list[str]:
    """Run all of a notebook in a kernel of its own; return what its cells printed."""
    return printed(execute(stored(FOLDER / name)))


def run_cells(*cells: str) -> list[Any]:
    """Run cells in a kernel of their own, in the repository; return them with their outputs."""
    return execute(notebook_of(*cells), REPOSITORY)


def notebook_of(*cells: str) -> str:
    """Return a notebook's text.

    Args:
        cells: their code.
    """
    code = [
        {"cell_type": "code", "id": f"cell-{number}", "metadata": {}, "source": cell}
        | {"outputs": [], "execution_count": None}
        for number, cell in enumerate(cells)
    ]
    # Without a kernel's name JupyterLab would ask for one.
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": code})


def execute(
    text: str, folder: Path = FOLDER, seconds: int = 900, skip: Collection[str] = ()
) -> list[Any]:
    """Run a notebook's text; return its cells with their outputs.

    Args:
        text: the notebook's.
        folder: where its kernel runs.
        seconds: the longest that a cell may take.
        skip: the sources of cells that are left out.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.reads(text, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.source not in skip]
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=seconds, kernel_name="python3", resources=place)
    client.execute()
    return notebook.cells


def printed(cells: list[Any]) -> list[str]:
    """Return what each output of the cells of code printed."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    return [output.get("text", "") for cell in code for output in cell.outputs]
