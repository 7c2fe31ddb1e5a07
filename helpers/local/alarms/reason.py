"""Why an alarm is in its state: CloudWatch's StateReason and StateReasonData."""

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
    """Return the sentence that goes with a new state, as CloudWatch would put it.

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
        as_what = _TREATED[alarm.missing]
        treated = f"{_count(decision.filled, ' missing')} treated as [{as_what}]"
    if not decision.used:
        return (
            f"Threshold Crossed: no datapoints were received for {decision.filled} "
            f"period{'s' * (decision.filled != 1)} and {treated}."
        )
    in_alarm = decision.state == ALARM
    # The datapoints that speak for the new state are the ones to show.
    told = [p for p in decision.used if alarm.breaches(values)[p] is in_alarm]
    told = told or list(decision.used)
    points = ", ".join(_point(values[p], start + p * alarm.period) for p in reversed(told))
    least = alarm.needed if in_alarm else alarm.periods - alarm.needed + 1
    return (
        f"Threshold Crossed: {len(told)} out of the last {len(decision.used)} "
        f"datapoint{'s' * (len(decision.used) != 1)} [{points}] "
        f"{'was' if len(told) == 1 else 'were'} {'' if in_alarm else 'not '}"
        f"{_WORDS[alarm.operator]} the threshold ({alarm.threshold})"
        f"{' and ' + treated if treated else ''} (minimum {least} "
        f"datapoint{'s' * (least != 1)} for {alarm.state} -> {decision.state} transition)."
    )


def reason_data(alarm: Alarm, decision: Decision, values: Values, start: int, now: float) -> str:
    """Return the same as JSON: the datapoints, newest first, and what they were compared with."""
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
