"""The class page: a row for each learner, a column for each module. All names are escaped."""

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from helpers.core.module_progress import EXERCISE, module_names, title
from helpers.core.text import day, quoted, shorten
from helpers.exercises.all_exercises import EXERCISES
from helpers.sharing.learner_file import Learner

_LEFT = "text-align:left"


@dataclass(frozen=True)
class ClassProgress:
    """The learners of a class and their passed steps; a cell whose last line it is shows a table.

    Args:
        learners: in the order shown.
        broken: a line for each file that could not be read.
        source: where the files are.
    """

    learners: tuple[Learner, ...]
    broken: tuple[str, ...]
    source: str

    @property
    def names(self) -> list[str]:
        """Each learner's name; equal ones have the beginning of their file's key, too."""
        same = Counter(learner.name.lower() for learner in self.learners)
        return [
            f"{learner.name} ({learner.key[:4]})" if same[learner.name.lower()] > 1
            else learner.name
            for learner in self.learners
        ]  # fmt: skip

    @property
    def passed(self) -> dict[str, int]:
        """Each module's name -> how many learners have passed its check."""
        return {
            module: sum(module in learner.steps for learner in self.learners)
            for module in module_names()
        }

    @property
    def sentence(self) -> str:
        """The number of learners, the module that most have passed last, and the broken files."""
        count = len(self.learners)
        words = f"{count} learner{'s' * (count != 1)} in {shorten(self.source, 80)}."
        reached = [module for module, learners in self.passed.items() if learners]
        if reached:
            last = reached[-1]
            words += f" {self.passed[last]} of {count} have passed {title(last)}, the furthest."
        if self.broken:
            files = "file" if len(self.broken) == 1 else "files"
            shown = ", ".join(shorten(line, 80) for line in self.broken[:5])
            more = f" and {len(self.broken) - 5} more" if len(self.broken) > 5 else ""
            words += f" {len(self.broken)} {files} could not be read: {shown}{more}."
        return words

    def _rows(self) -> Iterator[list[str]]:
        for name, learner in zip(self.names, self.learners, strict=True):
            modules = [_cell(learner, module) for module in module_names()]
            yield [quoted(name), *modules, _last(learner)]
        if self.learners:
            yield ["passed", *map(str, self.passed.values()), ""]

    def _repr_html_(self) -> str:
        titles = ["learner", *map(title, module_names()), "last step"]
        head = "".join(f"<th scope='col'>{html.escape(each)}</th>" for each in titles)
        rows = "".join(
            f"<tr><th scope='row' style='{_LEFT}'>{html.escape(row[0])}</th>"
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self._rows()
        )
        # Without the class, JupyterLab shows what is between two $ of names as a formula.
        return (
            f"<div class='mathjax_ignore'><table style='margin:0'><tr>{head}</tr>{rows}</table>"
            f"<div role='status'>{html.escape(self.sentence)}</div></div>"
        )

    def __repr__(self) -> str:
        rows = [["learner", *(name[0] for name in module_names()), "last step"], *self._rows()]
        return "\n".join([*_aligned(rows), self.sentence])

    def page(self) -> str:
        """Return the table as a whole HTML page."""
        style = "body{font-family:sans-serif} td{text-align:center} td,th{padding:.2em .6em}"
        return (
            "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Class</title>"
            f"<style>{style}</style></head><body>{self._repr_html_()}</body></html>\n"
        )


def in_order(learners: Sequence[Learner]) -> tuple[Learner, ...]:
    """Return learners by name, those of equal names by key."""
    return tuple(sorted(learners, key=lambda each: (each.name.lower(), each.key)))


def _cell(learner: Learner, module: str) -> str:
    """Return a tick if the check has passed, and how many exercises are solved."""
    mark = "✓" if module in learner.steps else "…"
    own = [number for number in EXERCISES if number.split("-")[0] == module[0]]
    solved = sum(f"{EXERCISE} {number}" in learner.steps for number in own)
    return f"{mark} {solved}/{len(own)}" if own else mark


def _last(learner: Learner) -> str:
    if not learner.steps:
        return "–"
    at = datetime.fromtimestamp(max(learner.steps.values()), UTC)
    return f"{day(at)}, {at:%H:%M} UTC"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
