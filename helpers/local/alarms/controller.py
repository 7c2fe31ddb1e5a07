"""Evaluates all metric alarms of the emulator."""

import logging
from collections.abc import Iterable
from typing import Any

from helpers.core.metric_math import Unsupported

from .definition import Alarm, Values, alarm
from .reason import reason, reason_data
from .rules import decide

log = logging.getLogger("workshop.alarms")

SECONDS_BETWEEN = 1
# A count is complete about two seconds after its period, when the last beacons have arrived.
# CloudWatch has a delay of its own here.
SETTLING_SECONDS = 3
# CloudWatch evaluates an alarm of less than a minute every 10 s and any other every minute. Here
# the same whole periods are evaluated more often, so that late data (a score waits for a
# watermark) changes the state soon; the state is set only when it changes.
EVALUATIONS_PER_PERIOD, LONGEST_PAUSE = 5, 5


class Controller:
    """Evaluates the alarms of one account and region."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
        self._client = client
        self._due: dict[tuple[str, object], float] = {}

    def step(self, now: float) -> None:
        """Evaluate each alarm that is due; a new or changed one is due at once."""
        pages = self._client.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
        known = {}
        for described in (each for page in pages for each in page["MetricAlarms"]):
            key = described["AlarmName"], described.get("AlarmConfigurationUpdatedTimestamp")
            known[key] = self._due.get(key, now)
            if known[key] <= now:
                known[key] = now + self._try(described, now)
        self._due = known  # an alarm that was deleted is forgotten

    def _try(self, described: dict[str, Any], now: float) -> float:
        try:
            watched = alarm(described)
            self._evaluate(watched, now)
        except Unsupported as error:
            log.warning("%s is not evaluated here: %s", described["AlarmName"], error)
            return float("inf")
        except self._client.exceptions.ResourceNotFound:
            return 0  # deleted a moment ago
        return min(watched.period / EVALUATIONS_PER_PERIOD, LONGEST_PAUSE)

    def _evaluate(self, watched: Alarm, now: float) -> None:
        end = int((now - SETTLING_SECONDS) // watched.period * watched.period)
        start = end - watched.range * watched.period
        values = watched.values(self._read(watched, start, end))
        decision = decide(
            watched.breaches(values), watched.periods, watched.needed, watched.missing
        )
        if decision.state in (None, watched.state):
            return
        words = reason(watched, decision, values, start)
        log.info("%s: %s -> %s. %s", watched.name, watched.state, decision.state, words)
        self._client.set_alarm_state(
            AlarmName=watched.name,
            StateValue=decision.state,
            StateReason=words[:1023],  # the API's limit
            StateReasonData=reason_data(watched, decision, values, start, now)[:4000],
        )

    def _read(self, watched: Alarm, start: int, end: int) -> dict[str, Values]:
        queries = [{"Id": name, "MetricStat": stat} for name, stat in watched.queries.items()]
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end
        )
        read: dict[str, Values] = {name: [None] * watched.range for name in watched.queries}
        for result in (each for page in pages for each in page["MetricDataResults"]):
            _place(read[result["Id"]], result, start, watched.period)
        return read


def _place(values: Values, result: dict[str, Any], start: int, period: int) -> None:
    points: Iterable = zip(result["Timestamps"], result["Values"], strict=True)
    for at, value in points:
        values[int((at.timestamp() - start) // period)] = float(value)
