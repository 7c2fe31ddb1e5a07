"""Simulates a flash crowd: ten times the visitors within a minute, and a queue at every stage.

A stage is a queue with a capacity and a delay. A beacon leaves it after the delay, and beacons
leave no faster than the capacity. With A(t) all arrivals until t and D(t) all departures,
D(t + step) = min(D(t) + capacity * step, A(t + step - delay)). The queue contains A - D; the newest
beacon stays until D reaches A. (A fluid queue: Newell, "Applications of Queueing Theory", 1971.)
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .capacity import Plan, beacons_a_shard
from .limits import units

STEP = 0.1  # seconds
SENT = "sent"


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline.

    Args:
        name: its label in the picture.
        capacity: beacons a second, or infinity.
        delay: seconds that a beacon takes without a queue.
    """

    name: str
    capacity: float
    delay: float


AGENT, FLINK, FUNCTIONS = "agent, into the stream", "Flink", "functions, to CloudWatch"


def stages_of(plan: Plan) -> list[Stage]:
    """Return the stages of a plan.

    The agents' capacity is the stream's: other beacons wait in the servers' logs. Functions process
    rows, not beacons, and a crowd adds few rows: their capacity is infinite here.

    Args:
        plan: the result of `bottlenecks.planned`.

    Example:
        `stages_of(planned(1e6))[0].capacity` -> `1000.0`
    """
    unit = units()
    return [
        Stage(AGENT, plan.shards * beacons_a_shard(plan.design), unit.server_to_stream_seconds),
        Stage(FLINK, plan.kpus * unit.flink_records_per_second, unit.flink_seconds),
        Stage(FUNCTIONS, math.inf, unit.functions_seconds),
    ]


def crowd_rates(
    base: float,
    factor: float = 10,
    before: float = 60,
    rise: float = 60,
    stays: float = 240,
    after: float = 5400,
) -> np.ndarray:
    """Return beacons a second for each step: the base rate, a rise, the crowd, a fall, the base.

    Args:
        base: beacons a second without the crowd.
        factor: of the crowd.
        before, rise, stays, after: seconds. The fall takes as long as the rise.

    Example:
        >>> rates = crowd_rates(20, 10, before=1, rise=1, stays=1)
        >>> float(rates[0]), float(rates.max())
        (20.0, 200.0)
    """
    times = STEP * np.arange(round((before + 2 * rise + stays + after) / STEP))
    corners = np.cumsum([before, rise, stays, rise])
    return np.interp(times, corners, np.array([1, factor, factor, 1]) * float(base))


def simulate(rates: np.ndarray, stages: list[Stage], step: float = STEP) -> pd.DataFrame:
    """Return the number of beacons that have passed each stage, over time.

    Args:
        rates: beacons a second that are sent, for each step.
        stages: in the order of the pipeline.
        step: seconds.

    Returns:
        A frame with a row per step, indexed by its end in seconds; `sent` and a column per stage,
        all of them totals since the beginning.

    Example:
        `simulate(crowd_rates(20), stages_of(planned(1e6)))`
    """
    times = step * np.arange(1, len(rates) + 1)
    columns = {SENT: np.cumsum(np.asarray(rates, dtype=float)) * step}
    came = columns[SENT]
    for stage in stages:
        # All stages are empty at the beginning.
        ready = np.interp(times - stage.delay, times, came, left=0.0)
        if math.isfinite(stage.capacity):
            # min(left + capacity * step, ready) for each step, without a loop: use the running
            # minimum of (ready - the capacity's total).
            most = stage.capacity * times
            ready = np.minimum(most + np.minimum.accumulate(np.minimum(ready - most, 0)), ready)
        columns[stage.name] = came = ready
    return pd.DataFrame(columns, index=pd.Index(times, name="seconds"))


def waiting_at(passed: pd.DataFrame) -> pd.DataFrame:
    """Return the number of beacons inside each stage, over time.

    Args:
        passed: the result of `simulate`, or a measurement with the same columns.
    """
    inside = -passed.diff(axis=1)
    return inside.drop(columns=SENT).clip(lower=0)


def lag(passed: pd.DataFrame) -> pd.Series:
    """Return the age of the newest beacon that has passed every stage, in seconds, over time.

    Args:
        passed: the result of `simulate`.
    """
    times, sent = passed.index.to_numpy(), passed[SENT].to_numpy()
    out = passed.iloc[:, -1].to_numpy()
    # The time at which as many were sent as have left now (NaN while none has left).
    when = np.interp(out, sent, times)
    return pd.Series(np.where(out > 0, times - when, np.nan), index=passed.index)
