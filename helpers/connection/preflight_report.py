"""What a preflight found: a line for each check, and the error for those that block."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from helpers.core.aws_errors import cause_and_remedy, explanation
from helpers.core.errors import TargetStopped, WorkshopError

CHECK_NETWORK = "Check the network (a proxy, a firewall), then run this cell again."


class State(Enum):
    """The result of a check; its value is the mark before the line."""

    OK = "✓"
    WARNING = "!"
    FAILURE = "✗"
    UNKNOWN = "?"


@dataclass(frozen=True)
class Line:
    """The result of one check.

    Args:
        name: of the check, e.g. `"zones"`.
        state: what it found; only a FAILURE blocks the workshop.
        text: one sentence.
        remedy: the next thing to do; empty if there is nothing to do.
    """

    name: str
    state: State
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        first = f"{self.state.value} {self.name:<12} {self.text}"
        return f"{first}\n  → {self.remedy}" if self.remedy else first


@dataclass(frozen=True)
class Report:
    """The lines of a preflight; a notebook shows them as text.

    Example:
        `[line.name for line in report if line.state is State.WARNING]`
    """

    lines: tuple[Line, ...]

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __repr__(self) -> str:
        return "\n".join(map(str, self.lines))

    def of(self, *states: State) -> list[Line]:
        """Return the lines in one of these states."""
        return [line for line in self.lines if line.state in states]

    def raise_if_blocked(self) -> None:
        """Raise one error with all checks that failed, each with its remedy.

        Raises:
            WorkshopError: a check failed.
        """
        failed = self.of(State.FAILURE)
        if len(failed) == 1:
            raise WorkshopError(failed[0].text, failed[0].remedy)
        if failed:
            causes = " ".join(f"{line.name}: {line.text}" for line in failed)
            remedies = " ".join(f"{line.name}: {line.remedy}" for line in failed)
            raise WorkshopError(f"{len(failed)} checks failed. {causes}", remedies)


def unknown(name: str, error: Exception) -> Line:
    """Return the line of a check that an error prevented.

    Args:
        name: of the check.
        error: what it raised.

    Example:
        `unknown("zones", error)` -> a line `? zones  could not be checked: ...`
    """
    cause, remedy = cause_and_remedy(error)
    if isinstance(explanation(error), TargetStopped):
        remedy = CHECK_NETWORK
    return Line(name, State.UNKNOWN, f"could not be checked: {cause}", remedy)
