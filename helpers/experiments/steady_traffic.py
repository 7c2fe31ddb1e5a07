"""Brings back the state in which a burst of clicks raises the alarm, whatever was tried before."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import poll_until
from helpers.stores.alarms import alarm_states
from helpers.stores.dynamodb import FINAL, metric_values
from helpers.traffic.traffic import Traffic

ALARM, EVENT = "click-anomaly", "click"
# The score's median is that of 18 counts (assets/flink/dep/forest.py): more than half must be new.
COUNTS, ENOUGH = 18, 10
DEVIATIONS = 4.0  # chance causes no larger ones
LONGEST_SECONDS = 360


def steady_traffic(cloud: Cloud, traffic: Traffic, rate: float = 30) -> datetime:
    """Set the traffic to a rate, wait until it is the usual one for the alarm; return the moment.

    Right after a change of the rate, every count is unusual: the alarm is raised, or it was raised
    before, and a burst changes nothing. About 100 seconds later the new rate is the usual one.

    Args:
        cloud: has the alarm of module 3-visualize.
        traffic: is started, or gets the rate; its other settings get their defaults.
        rate: beacons a second.

    Returns:
        An aware datetime: messages of a burst come later.

    Raises:
        NotDeployed: module 3-visualize is not deployed.
        WorkshopError: the alarm does not become OK.

    Example:
        `since = steady_traffic(cloud, traffic, rate=30)`
    """
    traffic.start(rate=rate)
    usual = poll_until(
        lambda: _is_usual(cloud),
        bool,
        f"{rate:g} beacons a second are usual for the alarm",
        LONGEST_SECONDS,
    )
    if not usual:
        raise WorkshopError(
            f"The alarm {ALARM} did not become OK within {LONGEST_SECONDS // 60} minutes.",
            "Look at alarm_states(cloud) and ledger(cloud): does the job count the beacons?",
        )
    return datetime.now(UTC)


def _is_usual(cloud: Cloud) -> bool:
    states = alarm_states(cloud).set_index("Alarm")["State"]
    if states.get(cloud.name(ALARM)) != "OK":
        return False
    finals = metric_values(cloud, FINAL, minutes=5)
    return at_one_level(list(finals[finals["Item"] == EVENT].sort_values("Time")["Samples"]))


def at_one_level(counts: Sequence[float]) -> bool:
    """Return whether most of the last three minutes' counts are at the level of the newest ones.

    Twice the square root of a count of independent beacons has a standard deviation of 1 (Anscombe
    1948, doi:10.2307/2332343).

    Args:
        counts: beacons in ten seconds each, the newest last.

    Example:
        >>> at_one_level([20] * 8 + [100] * 10), at_one_level([20] * 10 + [100] * 8)
        (True, False)
    """
    last = [2 * math.sqrt(count) for count in counts[-COUNTS:]]
    level = sum(last[-3:]) / max(1, len(last[-3:]))
    near = [value for value in last if abs(value - level) < DEVIATIONS]
    return level > 0 and len(near) >= ENOUGH
