"""The settings of the live run: defaults, bounds, and the folder of their file."""

import time
from pathlib import Path
from typing import Any

from helpers.core.errors import WorkshopError, check_number
from helpers.core.paths import home

from .shop import EVENTS

DEFAULT_MIX = dict(zip(EVENTS, (60.0, 20.0, 5.0, 4.0, 6.0, 3.0, 2.0), strict=True))

DEFAULTS: dict[str, Any] = {
    "rate": 20.0,
    # Few of many come twice within half an hour: with 200, no visit would ever end.
    "visitors": 100_000,
    "late_percent": 0.0,
    "late_seconds": 30.0,
    "duplicates_percent": 0.0,
    "malformed_percent": 0.0,
    "bots_percent": 0.0,
    "mix": DEFAULT_MIX,
}

# More than 20% of malformed beacons shows nothing new; one core can send about 10,000/s.
BOUNDS = {
    "rate": (0, 10_000),
    "visitors": (1, 1_000_000),
    "late_percent": (0, 20),
    "late_seconds": (1, 7_200),
    "duplicates_percent": (0, 20),
    "malformed_percent": (0, 20),
    "bots_percent": (0, 50),
}


def folder() -> Path:
    """Return the folder of settings, status and journals, creating it if needed."""
    path = home() / "traffic"
    path.mkdir(exist_ok=True)
    return path


def checked(changes: dict[str, Any]) -> dict[str, Any]:
    """Return settings with their numbers within bounds.

    Args:
        changes: settings by name, as in `DEFAULTS`.

    Raises:
        WorkshopError: a name is unknown, or a value is not a number or out of bounds.

    Example:
        >>> checked({"rate": 5})
        {'rate': 5}
    """
    for name, value in changes.items():
        if name == "mix":
            _check_mix(value)
        elif name not in BOUNDS:
            raise WorkshopError(
                f"Traffic has no setting {name!r}.", f"Use one of: {', '.join(DEFAULTS)}."
            )
        else:
            check_number(name, value, *BOUNDS[name])
    return changes


def _check_mix(mix: object) -> None:
    if not isinstance(mix, dict) or not mix or not set(mix) <= set(EVENTS):
        raise WorkshopError(
            f"The event mix can't be {mix!r}.",
            f'Give weights by event, e.g. {{"pageview": 60}}. Events: {", ".join(EVENTS)}.',
        )
    for event, weight in mix.items():
        check_number(f"the weight of {event}", weight, 0, 1_000_000)
    if not sum(mix.values()):
        raise WorkshopError(
            "Every event of the mix has weight 0.", "Give at least one event a weight above 0."
        )


def rate_now(settings: dict[str, Any], now: float | None = None) -> float:
    """Return the current rate, including a burst or an outage, in beacons per second.

    Args:
        settings: may contain `factor`, which multiplies the rate until `factor_until` (epoch s).
        now: epoch seconds; the current time by default.

    Example:
        >>> rate_now({"rate": 20, "factor": 3, "factor_until": 100.0}, now=99.0)
        60.0
    """
    now = time.time() if now is None else now
    boosted = now < settings.get("factor_until", 0)
    return float(settings["rate"]) * (settings["factor"] if boosted else 1)
