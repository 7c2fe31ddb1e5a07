"""Runs a notebook's cells one by one in a kernel, without a browser, and times each."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from docs.stored_notebooks import cleared
from helpers.core.paths import REPOSITORY

FOLDER = REPOSITORY / "notebooks"
CELL_SECONDS = 45 * 60  # a stack may take 30 minutes, which its own wait reports
_NO_CALL = re.compile(r"\s*(#|from |import |$)")
# A cell for a front end, which replaces it by the solution: without one, nothing is run.
_LOADS = "# %load "
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Step:
    """A cell that was run.

    Args:
        notebook: its notebook, e.g. `"2-analyze"`.
        code: the cell's code.
        seconds: its duration.
        outputs: the text of each of its outputs, a table or a picture as its text.
        error: the error's text if the cell failed, else empty.
        is_expected: the notebook marks this cell, by the tag `raises-exception`, as one that fails.
    """

    notebook: str
    code: str
    seconds: float
    outputs: list[str]
    error: str = ""
    is_expected: bool = False

    @property
    def call(self) -> str:
        """The cell's first line that is no import and no comment."""
        lines = [line for line in self.code.splitlines() if not _NO_CALL.match(line)]
        return (lines or self.code.splitlines())[0].strip()

    @property
    def has_failed(self) -> bool:
        """Whether it failed, and should not have; or did not fail, and should have."""
        return bool(self.error) != self.is_expected

    @property
    def checks(self) -> list[str]:
        """The lines in which a check reports its result."""
        lines = [line for text in self.outputs for line in text.splitlines()]
        return [line for line in lines if line.startswith(("✓", "✗"))]


def steps(
    notebook: str, connect: str, before: Callable[[str], None] = lambda code: None
) -> Iterator[Step]:
    """Run a notebook in a kernel of its own; yield each cell of code once it has ended.

    The kernel ends with the iteration. After a cell that failed, the next one is run all the same
    if the caller continues.

    Args:
        notebook: its name without `.ipynb`.
        connect: the call that replaces the notebook's `connect("local")`.
        before: is called with the code of each cell before it is run.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    # As it is on the disk: a learner's own edits are run, and their outputs are dropped.
    text = (FOLDER / f"{notebook}.ipynb").read_text(encoding="utf-8")
    parsed = nbformat.reads(cleared(text), as_version=4)
    client = NotebookClient(
        parsed,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        # Without its warnings, e.g. that other users of this machine could read the connection.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    with client.setup_kernel():
        for index, cell in enumerate(parsed.cells):
            if cell.cell_type != "code" or cell.source.startswith(_LOADS):
                continue
            cell.source = cell.source.replace('connect("local")', connect)
            before(cell.source)
            began = time.monotonic()
            with suppress(CellExecutionError):  # its outputs have the error
                client.execute_cell(cell, index)
            yield Step(
                notebook,
                cell.source,
                time.monotonic() - began,
                [_text(output) for output in cell.outputs],
                error=_error(cell.outputs),
                is_expected="raises-exception" in cell.metadata.get("tags", []),
            )


def _text(output: dict) -> str:
    if output["output_type"] == "stream":
        return output["text"]
    return output.get("data", {}).get("text/plain", "")


def _error(outputs: list[dict]) -> str:
    """Return the traceback's last lines: of a WorkshopError its two sentences."""
    for output in outputs:
        if output["output_type"] == "error":
            text = _COLOR.sub("", f"{output['ename']}: {output['evalue']}")
            return " ".join(text.split())[:500]
    return ""
