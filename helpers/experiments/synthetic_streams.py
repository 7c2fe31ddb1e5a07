"""Simulated counts of the demo shop's events, with bursts and outages at known times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.core.errors import WorkshopError
from helpers.generator.settings import DEFAULT_MIX

BUCKET = 10  # seconds, as in event_count and event_anomaly
WARM_SECONDS = 900  # no injection before; alarms are judged after 600 s
_APART = 450, 600  # seconds from one injection's start to the next one's
BURST, OUTAGE = (3.0, 30), (0.0, 60)  # the rate's factor, and for how many seconds
EVENTS = tuple(DEFAULT_MIX)

# The injections, and the rate's own course within an hour.
SCENARIOS: dict[str, tuple[tuple[tuple[float, int], ...], str]] = {
    "steady": ((), "level"),
    "bursts": ((BURST,), "level"),
    "outages": ((OUTAGE,), "level"),
    "slow drift": ((BURST, OUTAGE), "drift"),
    "daily rhythm": ((BURST, OUTAGE), "rhythm"),
}


@dataclass(frozen=True)
class Stream:
    """Counts for each bucket of 10 s and each event, and the injections.

    Args:
        counts: buckets x EVENTS.
        injections: (start, end) of each burst and outage, seconds from the stream's start.
    """

    counts: np.ndarray
    injections: Sequence[tuple[int, int]]


def stream(scenario: str, hours: float, rate: float, seed: int) -> Stream:
    """Draw a stream like that of the generator's simulated visitors.

    Each second's beacons are Poisson-distributed around the rate, and are shared out among the
    events by the generator's mix. In a "slow drift" the rate doubles within an hour; in a
    "daily rhythm" it swings by half in one hour, as a day's traffic does in 24. One burst (3 times
    the rate for 30 s) or outage (none for 60 s) follows another after 450 to 600 s.

    Args:
        scenario: "steady", "bursts", "outages", "slow drift" or "daily rhythm".
        hours: its length in hours, 0.5 to 24.
        rate: beacons per second, before drift and rhythm.
        seed: the same seed draws the same stream.

    Raises:
        WorkshopError: there is no such scenario, or the hours or the rate are out of bounds.

    Example:
        `stream("bursts", hours=1, rate=20, seed=7).counts.shape` -> `(360, 7)`
    """
    if scenario not in SCENARIOS:
        names = ", ".join(map(repr, SCENARIOS))
        raise WorkshopError(f"There is no scenario {scenario!r}.", f"Use one of: {names}.")
    if not (0.5 <= hours <= 24 and 0 < rate <= 10_000):
        raise WorkshopError(
            f"A stream can't have {hours} hours and {rate} beacons a second.",
            "Use 0.5 to 24 hours and a rate above 0, at most 10,000.",
        )
    injected, course = SCENARIOS[scenario]
    chance = np.random.default_rng(seed)
    seconds = np.arange(int(hours * 360) * BUCKET)
    rates = rate * _course(course, seconds / 3600)
    injections: list[Any] = []
    start = WARM_SECONDS + int(chance.integers(BUCKET))
    while injected and start + _APART[0] < len(seconds):
        factor, length = injected[len(injections) % len(injected)]
        rates[start : start + length] *= factor
        injections.append((start, start + length))
        start += int(chance.integers(*_APART))
    weights = np.array(list(DEFAULT_MIX.values()))
    means = rates.reshape(-1, BUCKET).sum(axis=1)
    counts = chance.poisson(np.outer(means, weights / weights.sum()))
    return Stream(counts, injections)


def _course(name: str, hours: np.ndarray) -> np.ndarray:
    if name == "drift":
        return 1 + np.minimum(hours, 1)
    if name == "rhythm":
        return 1 + 0.5 * np.sin(2 * np.pi * hours)
    return np.ones(len(hours))
