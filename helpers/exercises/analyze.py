"""The exercises of module 2: how long to wait for late beacons, and whole values."""

import math
import random
from collections.abc import Sequence
from typing import Any

from .exercise import Exercise, NotYet, result_of

MOST_LATE = 0.01  # the share of beacons that may come after the final value
BEACONS = 10_000


def arrival_delays(seed: int = 1) -> list[float]:
    """Return the seconds from request to arrival of a site's beacons, as a final value meets them.

    Most arrive within two seconds. A few come from servers that had no connection.

    Args:
        seed: of the random numbers.

    Example:
        >>> sum(delay > 60 for delay in arrival_delays()) / len(arrival_delays())
        0.0056
    """
    chance = random.Random(seed)
    return [
        chance.lognormvariate(-0.3, 0.5) if chance.random() > 0.03 else chance.expovariate(1 / 35)
        for _ in range(BEACONS)
    ]


def late_share(watermark: float, arrivals: Sequence[float]) -> float:
    """Return the share of beacons that arrive after the final value.

    Args:
        watermark: how long the final value waits, in seconds.
        arrivals: of each beacon, the seconds from request to arrival.

    Example:
        >>> late_share(5, [1, 2, 3, 60])
        0.25
    """
    return sum(delay > watermark for delay in arrivals) / len(arrivals)


def check_watermark(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check the choice of a watermark, in whole seconds."""
    if isinstance(work, bool) or not isinstance(work, int | float):
        raise NotYet(f"{work!r:.40} is no number of seconds.")
    if not math.isfinite(work) or work != int(work):
        raise NotYet(f"{work:g} is no whole number of seconds.")
    delays = arrival_delays()
    share = late_share(work, delays)
    if share > MOST_LATE:
        raise NotYet(
            f"With {work:g} s, {share:.1%} of the beacons come after the final value. At most "
            f"{MOST_LATE:.0%} may."
        )
    if work >= 1 and late_share(work - 1, delays) <= MOST_LATE:
        raise NotYet(
            f"With {work:g} s, {share:.2%} come later. That is allowed, but so is a shorter wait, "
            "after which an alarm is raised earlier."
        )
    return f"with {work:g} s, {share:.2%} of the beacons come after the final value"


ROWS: tuple[list[tuple[str, int]], ...] = (
    [("/", 3), ("/", 7), ("/cart", 1)],
    [("/", 7), ("/", 3), ("/cart", 1), ("/cart", 1)],
    [("/cart", 2), ("/", 7), ("/cart", 5), ("/", 7), ("/cart", 4)],
    [],
)


def check_newest(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function that keeps, of rows in any order, the newest value of each page."""
    for rows in ROWS:
        found, right = result_of(work, list(rows)), {page: 0 for page, _ in rows}
        for page, samples in rows:
            right[page] = max(right[page], samples)
        if not isinstance(found, dict):
            raise NotYet(f"It returns {type(found).__name__}. The task asks for a dict.")
        if found == right:
            continue
        sums = {page: sum(n for other, n in rows if other == page) for page in right}
        if found == sums:
            raise NotYet("It adds the rows up. Each row is a whole value, not an increment.")
        if found == dict(rows):
            raise NotYet("It keeps the row that came last. Rows may come in any order.")
        only_one = found.keys() ^ right.keys()
        if only_one:
            raise NotYet(f"The page {min(only_one)!r:.40} is missing, or in no row.")
        page = next(page for page in right if found[page] != right[page])
        raise NotYet(f"Of {rows}, {page!r} has the value {found[page]!r:.40}.")
    return f"{len(ROWS)} lists of rows give the newest values"


EXERCISES = (
    Exercise("2-1", "How long to wait?", check_watermark),
    Exercise("2-2", "Which row is the newest?", check_newest),
)
