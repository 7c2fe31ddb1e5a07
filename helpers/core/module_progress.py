"""Stores on this machine which modules' checks passed, by account, region and prefix."""

import html
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .cloud import Cloud
from .paths import REPOSITORY, home, read_json, write_json
from .text import day

NOTEBOOKS = REPOSITORY / "notebooks"
EXERCISE = "exercise"  # before an exercise's number, in the names of steps


@dataclass(frozen=True)
class Progress:
    """The modules and their checks; a cell whose last line it is shows them.

    Args:
        passed: each notebook's name -> when its check last passed, or None if it never did.
    """

    passed: dict[str, datetime | None]

    @property
    def sentence(self) -> str:
        """The number of passed checks, and the next module."""
        done = sum(at is not None for at in self.passed.values())
        words = f"{done} of {len(self.passed)} modules are checked."
        following = next((name for name, at in self.passed.items() if at is None), None)
        return (
            f"{words} Next: {title(following)}." if following else f"{words} All modules are done."
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'✓' if at else '…'}</td><td style='text-align:left'>"
            f"<a href='{name}.ipynb'>{html.escape(title(name))}</a></td>"
            f"<td>{f'{day(at)}, {at:%H:%M} UTC' if at else ''}</td></tr>"
            for name, at in self.passed.items()
        )
        return f"<table style='margin:0'>{rows}</table><div role='status'>{self.sentence}</div>"

    def __repr__(self) -> str:
        lines = [f"{'✓' if at else '…'} {title(name)}" for name, at in self.passed.items()]
        return "\n".join([*lines, self.sentence])


def progress(cloud: Cloud) -> Progress:
    """Return which modules' checks have passed in this account, region and prefix.

    A check that passes stores its time in `.workshop/progress/`; `make reset` deletes it.

    Args:
        cloud: the account, region and prefix.

    Returns:
        `.passed` and `.sentence`; a cell shows it as a list with links.

    Example:
        `progress(cloud).sentence` -> `"3 of 9 modules are checked. Next: 3 · Visualise."`
    """
    noted = noted_steps(cloud)
    return Progress(
        {
            name: datetime.fromtimestamp(noted[name], UTC) if name in noted else None
            for name in module_names()
        }
    )


def module_names() -> list[str]:
    """Return the names of the notebooks, e.g. `1-capture`, in their order.

    Example:
        >>> module_names()[1]
        '1-capture'
    """
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9]-*.ipynb"))


def noted_steps(cloud: Cloud) -> dict[str, float]:
    """Return each passed check and exercise -> the time, in seconds since 1970.

    Args:
        cloud: the account, region and prefix.

    Example:
        `noted_steps(cloud)` -> `{"1-capture": 1795564800.0, "exercise 1-1": 1795564900.0}`
    """
    return read_json(_path(cloud), default={})


def note_passed(cloud: Cloud, notebook: str) -> None:
    """Store that a notebook's check has passed now; `notebook` is e.g. `"1-capture"`."""
    now = datetime.now(UTC).timestamp()
    write_json(_path(cloud), noted_steps(cloud) | {notebook: now})


def note_exercise(cloud: Cloud, number: str) -> None:
    """Store that the work on an exercise is right; `number` is e.g. `"1-1"`."""
    note_passed(cloud, f"{EXERCISE} {number}")


def title(notebook: str) -> str:
    """Return a notebook's title, e.g. `1 · Capture`.

    Args:
        notebook: its name, e.g. `"1-capture"`.

    Example:
        >>> title("1-capture")
        '1 · Capture'
    """
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"]).split("\n")[0].removeprefix("# ").strip()


def _path(cloud: Cloud) -> Path:
    return home() / "progress" / f"{cloud.identity}.json"
