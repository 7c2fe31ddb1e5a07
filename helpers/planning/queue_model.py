"""A flash crowd, simulated: ten times the visitors within a minute, and a queue at every stage.

A stage is a queue with a capacity and a delay. What came into it may leave after the delay, and no
faster than the capacity: with A(t) all that came and D(t) all that left by then,
D(t + step) = min(D(t) + capacity * step, A(t + step - delay)). What is in it is A - D, and how long
the newest one will be there is the time until D reaches A. (A fluid queue: Newell, "Applications
of Queueing Theory", 1971.)
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
    """A stage of the journey.

    Args:
        name: for the picture; what waits in it waits for this.
        capacity: beacons a second, or infinity.
        delay: seconds that a beacon takes when nobody is before it.
    """

    name: str
    capacity: float
    delay: float


AGENT, FLINK, FUNCTIONS = "agent, into the stream", "Flink", "functions, to CloudWatch"


def stages_of(plan: Plan) -> list[Stage]:
    """Return the stages of a plan.

    The agents' capacity is the stream's: what it does not take waits in the logs of the servers.
    Functions see rows, not beacons, and a crowd makes few rows more: they have no capacity here.

    Args:
        plan: as `bottlenecks.planned` returns it.

    Example:
        `stages_of(planned(1e6))[0].capacity` -> `1000.0`
    """
    one = units()
    return [
        Stage(AGENT, plan.shards * beacons_a_shard(plan.design), one.server_to_stream_seconds),
        Stage(FLINK, plan.kpus * one.flink_records_per_second, one.flink_seconds),
        Stage(FUNCTIONS, math.inf, one.functions_seconds),
    ]


def crowd_rates(
    base: float,
    factor: float = 10,
    before: float = 60,
    rise: float = 60,
    stays: float = 240,
    after: float = 5400,
) -> np.ndarray:
    """Return beacons a second for each step: as always, a rise, the crowd, as always again.

    Args:
        base: beacons a second without the crowd.
        factor: of the crowd.
        before, rise, stays, after: seconds. The crowd leaves as fast as it came.

    Example:
        >>> rates = crowd_rates(20, 10, before=1, rise=1, stays=1)
        >>> float(rates[0]), float(rates.max())
        (20.0, 200.0)
    """
    times = STEP * np.arange(round((before + 2 * rise + stays + after) / STEP))
    corners = np.cumsum([before, rise, stays, rise])
    return np.interp(times, corners, np.array([1, factor, factor, 1]) * float(base))


def simulate(rates: np.ndarray, stages: list[Stage], step: float = STEP) -> pd.DataFrame:
    """Return how many beacons have passed each stage, over time.

    Args:
        rates: beacons a second that are sent, for each step.
        stages: in the order of the journey.
        step: seconds.

    Returns:
        A frame with a row a step, indexed by its end in seconds; `sent` and a column a stage, all
        of them totals since the beginning.

    Example:
        `simulate(crowd_rates(20), stages_of(planned(1e6)))`
    """
    times = step * np.arange(1, len(rates) + 1)
    columns = {SENT: np.cumsum(np.asarray(rates, dtype=float)) * step}
    came = columns[SENT]
    for stage in stages:
        # Nothing is on its way at the beginning, and nothing waits.
        ready = np.interp(times - stage.delay, times, came, left=0.0)
        if math.isfinite(stage.capacity):
            # min(left + capacity * step, ready) for each step, without a loop: what is ready less
            # what the capacity would have taken has a running minimum.
            most = stage.capacity * times
            ready = np.minimum(most + np.minimum.accumulate(np.minimum(ready - most, 0)), ready)
        columns[stage.name] = came = ready
    return pd.DataFrame(columns, index=pd.Index(times, name="seconds"))


def waiting_at(passed: pd.DataFrame) -> pd.DataFrame:
    """Return how many beacons are inside each stage, over time.

    Args:
        passed: as `simulate` returns it, or measured alike.
    """
    inside = -passed.diff(axis=1)
    return inside.drop(columns=SENT).clip(lower=0)


def lag(passed: pd.DataFrame) -> pd.Series:
    """Return how old the newest beacon is that has passed every stage, in seconds, over time.

    Args:
        passed: as `simulate` returns it.
    """
    times, sent = passed.index.to_numpy(), passed[SENT].to_numpy()
    out = passed.iloc[:, -1].to_numpy()
    # When was as much sent as is out now? (Only where more than nothing is out.)
    when = np.interp(out, sent, times)
    return pd.Series(np.where(out > 0, times - when, np.nan), index=passed.index)
