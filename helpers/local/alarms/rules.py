"""From datapoints to a state: M of N, and what is missing.

The source of every rule here is "Configuring how CloudWatch alarms treat missing data":
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# CloudWatch "attempts to retrieve a higher number of data points than the number specified as
# Evaluation Periods"; how many more it does not say. Its examples have 5 for 3 periods.
EXTRA_PERIODS = 2

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Decision:
    """A state, and what it rests on.

    Args:
        state: OK, ALARM or INSUFFICIENT_DATA; None keeps the current one.
        used: positions of the datapoints that were evaluated, oldest first.
        filled: how many missing ones were counted beside them.
    """

    state: str | None
    used: tuple[int, ...]
    filled: int


def decide(
    breaches: Sequence[bool | None], periods: int, needed: int, missing: str = "missing"
) -> Decision:
    """Return the state that the datapoints of an alarm's evaluation range call for.

    Args:
        breaches: of each period in the range, oldest first: is its datapoint breaching? None where
            there is no datapoint.
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
        # No datapoint speaks for OK, and too few for ALARM.
        state = _undecided(len(breaches) - used[0] if used else 0, needed, missing)
    return Decision(state, used, filled)


def _undecided(age: int, needed: int, missing: str) -> str | None:
    """Decide where there is no datapoint but breaching ones, or none at all.

    "Alarms are designed to always go into ALARM state when the oldest available breaching datapoint
    [...] is at least as old as the value of Datapoints to Alarm, and all other more recent data
    points are breaching or missing." For a younger one the document says only that it is not ALARM
    yet, "because the next data point may be non-breaching": the state stays.

    Args:
        age: of the oldest datapoint in periods, the newest period being 1; 0 if there is none.
        needed: DatapointsToAlarm.
        missing: "missing" or "ignore".
    """
    if missing == "ignore":
        return None
    if age == 0:
        return INSUFFICIENT_DATA
    return ALARM if age >= needed else None
