"""An exercise of a module: runs the learner's work, and reports what is right and what is not yet.

A check compares results on data, never the text of the work. It raises `NotYet` with a sentence
about the first difference. The sentence never contains the solution.
"""

import dis
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError

# The instructions of a function whose body is only `...` or a docstring.
_NO_WORK, _CONSTANT = ("RESUME", "RETURN_VALUE", "NOP"), ("LOAD_CONST", "RETURN_CONST")
READ_HINTS = "Open the hints above the cell, correct the work, then run the cell again."


class NotYet(WorkshopError):
    """The work of an exercise is not right yet.

    Args:
        cause: what the check found.
        remedy: what to look at.
    """

    def __init__(self, cause: str, remedy: str = READ_HINTS) -> None:
        super().__init__(cause, remedy)


class NoWork(NotYet):
    """The cell of an exercise is as the notebook gives it."""

    def __init__(self) -> None:
        super().__init__("There is no work yet.", "Fill in the cell, then run it.")


@dataclass(frozen=True)
class Exercise:
    """An exercise.

    Args:
        number: the module's and its own, e.g. `1-1`.
        title: a few words.
        check: is called with the learner's work; returns what is right, or raises `NotYet`.
        on_cloud: the check is called with the learner's account, region and prefix first.
    """

    number: str
    title: str
    check: Callable[..., str]
    on_cloud: bool = False


def run_check(exercise: Exercise, work: Any, cloud: Cloud | None = None) -> str:  # noqa: ANN401
    """Run an exercise's check over a learner's work; return what is right.

    Args:
        exercise: the exercise.
        work: whatever a learner passes: a value, or a function that the check calls.
        cloud: the learner's; an exercise with `on_cloud` needs it.

    Raises:
        NotYet: the work is missing, raises an error, or gives another result.
    """
    if is_empty(work):
        raise NoWork
    return exercise.check(cloud, work) if exercise.on_cloud else exercise.check(work)


def is_empty(work: Any) -> bool:  # noqa: ANN401 - whatever a learner passes
    """Return whether a cell is as the notebook gives it: a value is missing, or a function's body.

    Args:
        work: a value or a function.

    Example:
        >>> def shard_of(key): ...
        >>> is_empty(shard_of), is_empty("event = 'click'")
        (True, False)
    """
    if isinstance(work, FunctionType):
        return all(
            step.opname in _NO_WORK or (step.opname in _CONSTANT and step.argval is None)
            for step in dis.get_instructions(work)
        )
    return work is None or work is ... or (isinstance(work, str) and not work.strip())


def result_of(function: Any, *arguments: Any) -> Any:  # noqa: ANN401 - whatever a learner passes
    """Call a learner's function.

    Raises:
        NotYet: it is no function, it raises an error, or it returns None.
    """
    shown = ", ".join(f"{argument!r:.60}" for argument in arguments)
    if not callable(function):
        raise NotYet(f"This is no function, but {function!r:.60}.", "Pass the function itself.")
    try:
        result = function(*arguments)
    except NotYet:  # of what the check passes to it
        raise
    except Exception as error:
        raise NotYet(
            f"Your function raises {type(error).__name__} for ({shown}): {error}", "Correct it."
        ) from None
    if result is None or result is ...:
        raise NotYet(f"Your function returns nothing for ({shown}).", "Does it end with `return`?")
    return result
