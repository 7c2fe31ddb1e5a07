"""The exercise of module 3 that judges a detector: its precision and its recall."""

import math
from collections.abc import Sequence
from typing import Any

from .exercise import Exercise, NotYet, result_of

Incident = tuple[float, float]  # begin and end, seconds
# Times of alarms, and the incidents. One incident may have several alarms.
DAYS: tuple[tuple[list[float], list[Incident]], ...] = (
    ([110], [(100, 160)]),
    ([110, 130, 500], [(100, 160)]),
    ([110, 500], [(100, 160), (200, 260), (300, 360)]),
    ([100, 160], [(100, 160)]),
    ([], [(100, 160)]),
)


def precision_and_recall(
    alarms: Sequence[float], incidents: Sequence[Incident]
) -> tuple[float, float]:
    """Return the share of alarms that were right, and the share of incidents that had one.

    Args:
        alarms: their times, in seconds.
        incidents: begin and end of each, both included.

    Example:
        >>> precision_and_recall([110, 500], [(100, 160)])
        (0.5, 1.0)
    """
    right = [at for at in alarms if any(begin <= at <= end for begin, end in incidents)]
    found = [one for one in incidents if any(one[0] <= at <= one[1] for at in alarms)]
    return len(right) / len(alarms) if alarms else 1.0, len(found) / len(incidents)


def check_precision_and_recall(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from alarms and incidents to (precision, recall)."""
    for alarms, incidents in DAYS:
        pair = result_of(work, list(alarms), list(incidents))
        right = precision_and_recall(alarms, incidents)
        where = f"For alarms at {alarms} and the incidents {incidents}"
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise NotYet(f"{where}, it returns {pair!r:.40}. It should return a pair of numbers.")
        if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in pair):
            raise NotYet(f"{where}, it returns {pair!r:.60}. A share is between 0 and 1.")
        if all(math.isclose(found, share) for found, share in zip(pair, right, strict=True)):
            continue
        if math.isclose(pair[0], right[1]) and math.isclose(pair[1], right[0]):
            raise NotYet(f"{where}: precision comes first, recall second.")
        name = "the precision" if not math.isclose(pair[0], right[0]) else "the recall"
        raise NotYet(f"{where}, {name} is not {pair[name == 'the recall']:.3g}.")
    return f"{len(DAYS)} days have the right precision and recall"


EXERCISES = (Exercise("3-3", "How good is a detector?", check_precision_and_recall),)
