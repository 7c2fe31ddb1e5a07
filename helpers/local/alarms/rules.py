"""From datapoints to a state: M of N, and missing data.

The source of every rule here is "Configuring how CloudWatch alarms treat missing data":
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# CloudWatch "attempts to retrieve a higher number of data points than the number specified as
# Evaluation Periods". The document does not name the number; its examples have 5 for 3 periods.
EXTRA_PERIODS = 2

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Decision:
    """A state, and the datapoints that led to it.

    Args:
        state: OK, ALARM or INSUFFICIENT_DATA; None keeps the current one.
        used: positions of the datapoints that were evaluated, oldest first.
        filled: how many missing ones were counted as well.
    """

    state: str | None
    used: tuple[int, ...]
    filled: int


def decide(
    breaches: Sequence[bool | None], periods: int, needed: int, missing: str = "missing"
) -> Decision:
    """Return the state that follows from the datapoints of an alarm's evaluation range.

    Args:
        breaches: for each period of the range, oldest first, whether its datapoint is breaching;
            None without a datapoint.
        periods: the alarm's EvaluationPeriods, N.
        needed: its DatapointsToAlarm, M.
        missing: its TreatMissingData: missing, ignore, breaching or notBreaching.

    Example:
        >>> decide([None, None, True, None, None], 3, 3, "missing").state
        'ALARM'
    """
    real = [position for position, breach in enumerate(breaches) if breach is not None]
    used = tuple(real[-periods:])
    bad, filled = sum(bool(breaches[position]) for position in used), periods - len(used)
    state: str | None = ALARM if bad >= needed else OK
    if filled and missing == "breaching":
        state = ALARM if bad + filled >= needed else OK
    elif filled and missing != "notBreaching" and state == OK and bad == len(used):
        # No datapoint supports OK, and too few support ALARM.
        state = _undecided(len(breaches) - used[0] if used else 0, needed, missing)
    return Decision(state, used, filled)


def _undecided(age: int, needed: int, missing: str) -> str | None:
    """Return the state if all datapoints are breaching, or there are none.

    "Alarms are designed to always go into ALARM state when the oldest available breaching datapoint
    [...] is at least as old as the value of Datapoints to Alarm, and all other more recent data
    points are breaching or missing." According to the document, a younger one is not ALARM yet,
    "because the next data point may be non-breaching": the state stays.

    Args:
        age: of the oldest datapoint in periods; 1 is the newest period, 0 without a datapoint.
        needed: DatapointsToAlarm.
        missing: "missing" or "ignore".
    """
    if missing == "ignore":
        return None
    if age == 0:
        return INSUFFICIENT_DATA
    return ALARM if age >= needed else None
