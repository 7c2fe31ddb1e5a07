"""CloudWatch: drop metrics older than two weeks once a minute, not at every call.

MiniStack rewrites the list of every metric's points at each request, which makes a chart's
refresh slower with every point that was ever put.
"""

import time

from ministack.services import cloudwatch

SECONDS_BETWEEN = 60
_evict = cloudwatch._evict_old_metrics
_last = 0.0


def apply() -> None:
    """Replace the emulator's eviction by one that runs once a minute."""
    cloudwatch._evict_old_metrics = evict_now_and_then


def evict_now_and_then() -> None:
    """Run the emulator's own eviction if it last ran over a minute ago."""
    global _last
    if time.monotonic() - _last > SECONDS_BETWEEN:
        _last = time.monotonic()
        _evict()
