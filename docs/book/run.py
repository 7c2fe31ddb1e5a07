"""Runs all notebooks, in the order of their numbers, on a local target of the book's own.

Each executed copy, with its outputs and the state of its widgets, is kept in a folder. The
notebooks of the repository and a learner's own target stay as they are.
"""

import os
import shutil
import time
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from bench.chain import own_home
from bench.notebook_steps import Step, steps
from docs.book.by_hand import act_before
from docs.stored_notebooks import stored_notebooks
from helpers.core.errors import WorkshopError
from helpers.local import supervisor

CONNECT = 'connect("local")'


def run_all(home: Path, folder: Path, only: Collection[str] = ()) -> float:
    """Run the notebooks; return the number of seconds.

    Args:
        home: of the target, which ends with the run, also with one that fails. It is emptied first.
        folder: gets the executed copies. It is emptied first if all notebooks run.
        only: the numbers of the notebooks that run, e.g. `["5", "9"]`; all by default.

    Raises:
        WorkshopError: a cell failed, or there is no notebook of such a number.
    """
    notebooks = [path for path in stored_notebooks() if not only or path.name[0] in only]
    if len(notebooks) < len(set(only)):
        raise WorkshopError(
            f"There is no notebook of each of the numbers {', '.join(only)}.",
            "Name them by their first digit, for example `make book ONLY=5,9`.",
        )
    own_home(str(home))
    supervisor.stop()  # one of a run that was killed
    for each in [home] if only else [home, folder]:
        shutil.rmtree(each, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        for path in notebooks:
            _run(path.stem, folder / path.name)
    finally:
        supervisor.stop()
    return time.monotonic() - began


def _run(name: str, kept: Path) -> None:
    print(f"{name:<18}", end=" ", flush=True)
    began, cells = time.monotonic(), 0
    with closing(steps(name, CONNECT, act_before, kept=kept)) as running:
        for step in running:
            if step.has_failed:
                print("✗", flush=True)
                raise _failed(step)
            cells += 1
    print(f"✓ {cells} cells in {time.monotonic() - began:.0f} s", flush=True)


def _failed(step: Step) -> WorkshopError:
    shown = step.error or "It should have failed, and did not."
    return WorkshopError(
        f"A cell of {step.notebook} failed: `{step.call[:80]}`: {shown}",
        f"Run notebooks/{step.notebook}.ipynb in JupyterLab to see the whole error "
        f"(the target's logs are in {os.environ['WORKSHOP_HOME']}). `make book ONLY=...` runs only "
        "the notebooks that you name by their numbers.",
    )
