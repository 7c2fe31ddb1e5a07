"""StateReason and StateReasonData of an alarm, in CloudWatch's words."""

import json
from datetime import UTC, datetime

from .definition import Alarm, Values
from .rules import ALARM, INSUFFICIENT_DATA, Decision

_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


def reason(alarm: Alarm, decision: Decision, values: Values, start: int) -> str:
    """Return the StateReason of a new state, as CloudWatch words it.

    Args:
        alarm: in its old state.
        decision: its new one.
        values: of each period of the range.
        start: when the range begins, epoch seconds.
    """
    if decision.state == INSUFFICIENT_DATA:
        return f"Insufficient Data: {_count(decision.filled)} unknown."
    treated = ""
    if decision.filled and alarm.missing in _TREATED:
        treated = f"{_count(decision.filled, ' missing')} treated as [{_TREATED[alarm.missing]}]"
    if not decision.used:
        return (
            f"Threshold Crossed: no datapoints were received for {decision.filled} "
            f"period{'s' * (decision.filled != 1)} and {treated}."
        )
    in_alarm = decision.state == ALARM
    # Only the datapoints that support the new state are listed.
    listed = [p for p in decision.used if alarm.breaches(values)[p] is in_alarm]
    listed = listed or list(decision.used)
    points = ", ".join(_point(values[p], start + p * alarm.period) for p in reversed(listed))
    least = alarm.needed if in_alarm else alarm.periods - alarm.needed + 1
    return (
        f"Threshold Crossed: {len(listed)} out of the last {len(decision.used)} "
        f"datapoint{'s' * (len(decision.used) != 1)} [{points}] "
        f"{'was' if len(listed) == 1 else 'were'} {'' if in_alarm else 'not '}"
        f"{_WORDS[alarm.operator]} the threshold ({alarm.threshold})"
        f"{' and ' + treated if treated else ''} (minimum {least} "
        f"datapoint{'s' * (least != 1)} for {alarm.state} -> {decision.state} transition)."
    )


def reason_data(alarm: Alarm, decision: Decision, values: Values, start: int, now: float) -> str:
    """Return the StateReasonData as JSON: the datapoints, newest first, and the threshold."""
    data = {
        "version": "1.0",
        "queryDate": _iso(now),
        "statistic": alarm.statistic,
        "period": alarm.period,
        "recentDatapoints": [values[p] for p in decision.used],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [
            {"timestamp": _iso(start + p * alarm.period), "value": values[p]}
            for p in reversed(decision.used)
        ],
    }
    if decision.used:
        data["startDate"] = _iso(start + decision.used[0] * alarm.period)
    return json.dumps({name: value for name, value in data.items() if value is not None})


def _count(number: int, kind: str = "") -> str:
    return f"{number}{kind} datapoint{' was' if number == 1 else 's were'}"


def _point(value: float | None, at: float) -> str:
    return f"{value} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})"


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).isoformat(timespec='milliseconds')[:-6]}+0000"
