"""Notebooks on a local target in AWS's pace, and what their outputs should not show.

Two minutes of AWS's become 15 seconds: longer than the notebooks' own waits (`wait(seconds=12)`),
which are not divided. So a cell that only waits, and does not ask whether the value is there, shows
an empty table here, as it would on AWS.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docs.stored_notebooks import stored
from helpers.local import pace, supervisor
from tests.running_notebooks import FOLDER, execute
from tests.source_tree import cells_of

DIVISOR = "8"
CELL_SECONDS = 900
# A table without rows; a picture or a live chart without values, in its sentence.
NOTHING = re.compile(
    r"Empty DataFrame|^\[\]$|no rows? yet|no values? (yet|in)|No record|no data yet →|"
    r"No beacon (was|on|for) |"
    r"no data yet: .*(Events every|Most visited|Browser versions|Where visitors|Average page|"
    r"Visits and bounces|First pages|Visits by source)",
    re.MULTILINE,
)
# Cells whose table is empty unless the learner has done something: the text around explains it.
MAY_BE_EMPTY = ('event="conversion"', '["rejected"]', "dead_letters(cloud)")


@contextmanager
def target_in_aws_pace(home: Path) -> Iterator[None]:
    """Let notebooks start and use a target in AWS's pace, with this `.workshop` folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_HOME", str(home))
        patch.setenv(pace.SETTING, DIVISOR)
        yield
        supervisor.stop()


def run(name: str, without: str | None = None) -> list[Any]:
    """Run a notebook; return its cells of code, with their outputs.

    Args:
        name: the notebook's file.
        without: a regular expression; cells in which it is found are left out.
    """
    assert os.environ[pace.SETTING] == DIVISOR
    text = stored(FOLDER / name)
    left_out = ["".join(cell["source"]) for cell in cells_of(text, "code")]
    skipped = {source for source in left_out if without and re.search(without, source)}
    cells = execute(text, seconds=CELL_SECONDS, skip=skipped)
    return [cell for cell in cells if cell.cell_type == "code"]


def faults(cells: list[Any]) -> list[str]:
    """Return what the outputs should not show: failed checks, and empty tables and charts."""
    found = []
    for cell in cells:
        text = text_of(cell)
        may_fail = "raises-exception" in cell.metadata.get("tags", ())
        if "✗" in text and not may_fail:
            found.append(f"{cell.source}\n-> {text[-500:]}")
        nothing = NOTHING.search(text)
        if nothing and not any(part in cell.source for part in MAY_BE_EMPTY):
            found.append(f"{cell.source}\n-> {nothing[0]}")
    return found


def text_of(cell: Any) -> str:
    """Return the text of a cell's outputs, without HTML's tags and pictures."""
    parts = []
    for output in cell.outputs:
        data = output.get("data", {})
        html = re.sub(r"<style.*?</style>|<[^>]*>", " ", data.get("text/html", ""), flags=re.DOTALL)
        parts += [output.get("text", ""), data.get("text/plain", ""), html]
    return "\n".join(parts)


def all_text(cells: list[Any]) -> str:
    """Return the text of all outputs."""
    return "\n".join(map(text_of, cells))
