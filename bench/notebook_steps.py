"""Runs a notebook's cells one by one in a kernel, without a browser, and times each."""

import ast
import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.stored_notebooks import cleared
from helpers.core.paths import REPOSITORY

FOLDER = REPOSITORY / "notebooks"
CELL_SECONDS = 45 * 60  # a stack may take 30 minutes, which its own wait reports
INTERRUPTS, INTERRUPTED_AGAIN_AFTER = 6, 10.0  # seconds
_PREPARES = (ast.Import, ast.ImportFrom, ast.FunctionDef)
# A cell for a front end, which replaces it by the solution: without one, nothing is run.
_LOADS = "# %load "


@dataclass(frozen=True)
class Step:
    """A cell that was run.

    Args:
        notebook: its notebook, e.g. `"2-analyze"`.
        cell: the cell, with its outputs.
        seconds: its duration.
    """

    notebook: str
    cell: Any
    seconds: float

    @property
    def code(self) -> str:
        """The cell's code."""
        return self.cell.source

    @property
    def outputs(self) -> list[str]:
        """The text of each output, a table or a picture as its text."""
        return [_text(output) for output in self.cell.outputs]

    @property
    def error(self) -> str:
        """The error's text, in one line, if the cell failed."""
        for output in self.cell.outputs:
            if output["output_type"] == "error":
                return " ".join(f"{output['ename']}: {output['evalue']}".split())[:500]
        return ""

    @property
    def is_expected(self) -> bool:
        """Whether the notebook marks it, by the tag `raises-exception`, as one that fails."""
        return "raises-exception" in self.cell.metadata.get("tags", [])

    @property
    def call(self) -> str:
        """The first line of its first statement that does something."""
        lines = self.code.splitlines()
        with suppress(SyntaxError):  # a cell with one of IPython's magics is no Python
            for node in ast.parse(self.code).body:
                if not isinstance(node, _PREPARES):
                    return lines[node.lineno - 1]
        return lines[0]

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
    notebook: str,
    connect: str,
    before: Callable[[str], None] = lambda code: None,
    last: str = "",
    kept: Path | None = None,
) -> Iterator[Step]:
    """Run a notebook in a kernel of its own; yield each cell of code once it has ended.

    The kernel ends with the iteration. After a cell that failed, the next one is run all the same
    if the caller continues.

    Args:
        notebook: its name without `.ipynb`.
        connect: the call that replaces the notebook's `connect("local")`.
        before: is called with the code of each cell before it is run.
        last: code that is run after the notebook's own cells.
        kept: the file that gets the notebook with its outputs and its widgets. The cells that load
            a solution are then run with it.
    """
    import nbformat
    from jupyter_core.utils import ensure_event_loop
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    # As it is on the disk: a learner's own edits are run, and their outputs are dropped.
    text = (FOLDER / f"{notebook}.ipynb").read_text(encoding="utf-8")
    parsed = nbformat.reads(cleared(text), as_version=4)
    if kept:
        _load_solutions(parsed)
    if last:
        parsed.cells.append(nbformat.v4.new_code_cell(last))
    client = NotebookClient(
        parsed,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        # Without its warnings, e.g. that other users of this machine could read the connection.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    # While a cell runs, asyncio turns Ctrl + C into a cancellation. Python's own KeyboardInterrupt
    # is lost if it is raised while an object is deleted, which happened in zmq's Socket.__del__.
    runner = asyncio.Runner(loop_factory=ensure_event_loop)
    # Jupyter's server sets it as well; `price_meter` names the notebook by it.
    with client.setup_kernel(env=os.environ | {"JPY_SESSION_NAME": f"{notebook}.ipynb"}):
        for index, cell in enumerate(parsed.cells):
            if cell.cell_type != "code" or _only_loads(cell.source):
                continue
            cell.source = cell.source.replace('connect("local")', connect)
            before(cell.source)
            began = time.monotonic()
            with suppress(CellExecutionError):  # its outputs have the error
                runner.run(_executed(client, cell, index))
            yield Step(notebook, cell, time.monotonic() - began)
        client.set_widgets_metadata()
    if kept:
        nbformat.write(parsed, kept)


def solution(code: str) -> Path | None:
    """Return the file of a solution that a cell loads; None for any other cell."""
    first = code.partition("\n")[0]
    return FOLDER / first.removeprefix(_LOADS).strip() if first.startswith(_LOADS) else None


def _only_loads(code: str) -> bool:
    return code.startswith(_LOADS) and "\n" not in code.rstrip()


def _load_solutions(notebook: Any) -> None:  # noqa: ANN401 - nbformat's own node
    """Add the solutions to the cells that load them, as JupyterLab does."""
    for cell in notebook.cells:
        if (cell.cell_type == "code") and (path := solution(cell.source)):
            cell.source = f"{cell.source.rstrip()}\n{path.read_text(encoding='utf-8')}"


async def _executed(client: Any, cell: Any, index: int) -> None:  # noqa: ANN401
    execution = asyncio.ensure_future(client.async_execute_cell(cell, index))
    try:
        await asyncio.shield(execution)
    except asyncio.CancelledError:
        await _interrupt(client, execution)
        raise


async def _interrupt(client: Any, execution: asyncio.Future) -> None:  # noqa: ANN401
    """Interrupt the cell; it ends as any other one, so that nothing is left half done."""
    from jupyter_core.utils import ensure_async

    # ipykernel ignores SIGINT between the message that the kernel is busy and the cell's first
    # line, and does not reply if the interrupt arrives after its last one (Kernel.dispatch_shell):
    # so it is repeated, and a cell that does not end is left to the kernel's end.
    for _ in range(INTERRUPTS):
        await ensure_async(client.km.interrupt_kernel())
        await asyncio.wait([execution], timeout=INTERRUPTED_AGAIN_AFTER)
        if execution.done():
            execution.exception()  # the cell's outputs have it
            return
    execution.cancel()


def _text(output: dict) -> str:
    if output["output_type"] == "stream":
        return output["text"]
    return output.get("data", {}).get("text/plain", "")
