"""The exercises of all modules, by their numbers."""

from helpers.core.errors import WorkshopError

from . import (
    analyze,
    break_it,
    capture,
    detectors,
    extend,
    reading,
    retries,
    scale,
    streaming_sql,
    visits,
    visualize,
)
from .exercise import Exercise

MODULES = (
    *(capture, reading, analyze, streaming_sql, visualize, detectors),
    *(extend, break_it, retries, scale, visits),
)
EXERCISES = {exercise.number: exercise for module in MODULES for exercise in module.EXERCISES}


def exercise_of(number: str) -> Exercise:
    """Return an exercise.

    Args:
        number: the module's and its own, e.g. `"1-1"`.

    Raises:
        WorkshopError: there is no such exercise.

    Example:
        >>> exercise_of("1-1").title
        'Which shard?'
    """
    if number not in EXERCISES:
        raise WorkshopError(
            f"There is no exercise {number!r:.20}.", f"Choose from {', '.join(EXERCISES)}."
        )
    return EXERCISES[number]
