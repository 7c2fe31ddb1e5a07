"""AWS's pace, for tests only: AWS takes minutes for what the local target does at once.

If WORKSHOP_AWS_PACE is set, the emulator and the fleet controller take the times that AWS takes,
each divided by its value: `WORKSHOP_AWS_PACE=20` makes two minutes six seconds. Rates stay as on
AWS (five GetRecords a second a shard), because traffic, charts and the job are not faster, either.
No notebook sets it. Every process of the target inherits it.

`helpers.local.emulator.pace` has one module for each manner of AWS's, with its source.
"""

import os

SETTING = "WORKSHOP_AWS_PACE"
# An instance of our fleet boots, installs its packages, and passes two health checks (estimated).
SECONDS_UNTIL_A_SERVER_SERVES = 150


def is_set() -> bool:
    """Return whether the target takes AWS's times."""
    return bool(os.environ.get(SETTING))


def scaled(seconds: float) -> float:
    """Return how long the target takes for what takes AWS so many seconds; 0 without the setting.

    Args:
        seconds: AWS's time.

    Example:
        >>> scaled(0)
        0.0
    """
    return seconds / float(os.environ[SETTING]) if is_set() else 0.0
