"""(b) Which rate is held for a minute without a loss, with p99 under 6 s, on these cores?"""

import time
from collections.abc import Callable

from bench.chain import chain, hold, is_held

LADDER = (500, 1000, 2000, 3000, 4000, 5000, 6000, 7000)
FIRST = 5000
BUDGET_SECONDS = 480  # after which no further rate is tried


def measure(seconds: float = 60, probe_seconds: float = 10) -> dict:
    """Return `highest_rate_held`, `highest_rate` (its run) and `highest_rate_tries`.

    Short runs find the highest rate that is held; it is then tried for the whole time, and if that
    fails, the next lower one.

    Args:
        seconds: duration for which it must be held.
        probe_seconds: duration of a short run.
    """
    began, tries, cloud = time.monotonic(), [], chain()

    def holds(rate: int, seconds: float, exact: bool = False) -> bool:
        tries.append(hold(cloud, rate, seconds, exact))
        return is_held(tries[-1])

    place = _highest(lambda rate: holds(rate, probe_seconds))
    while not (held := holds(LADDER[place], seconds, exact=True)) and place:
        if time.monotonic() - began > BUDGET_SECONDS:
            break
        place -= 1
    best = tries[-1] if held else None
    return {
        "highest_rate_held": best and best["rate"],
        "highest_rate": best,
        "highest_rate_tries": tries,
    }


def _highest(holds: Callable[[int], bool]) -> int:
    """Return the index in LADDER of the highest rate that is held in a short run."""
    place = LADDER.index(FIRST)
    if holds(LADDER[place]):
        while place + 1 < len(LADDER) and holds(LADDER[place + 1]):
            place += 1
    else:
        place -= 1
        while place and not holds(LADDER[place]):
            place -= 1
    return place
