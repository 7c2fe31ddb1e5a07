"""How good is the detector? Five detectors, judged on streams whose bursts and outages are known.

Definitions:

- An **alarm** is a run of buckets (10 s each) in which a watched event passes the detector's limit.
- A burst or an outage is **found** if there is an alarm within it or in the 20 s after it.
- An alarm at any other time is **false**, and so is the part of an alarm after those 20 s. A false
  alarm counts once for each minute; otherwise an alarm that never ends would be the best.
- **Recall** is the share of injections found, **precision** the share of alarms not false.
- **Seconds to detect** run from an injection's start to the end of the first bucket with an alarm:
  a bucket is scored when it ends. Flink's watermark (5 s) and the CloudWatch alarm add to this.
- Nothing is judged in the first ten minutes, in which the detectors learn the usual counts.

The streams' counts are as random as those of independent visitors, and have no other events. On
them, a limit on the forest's input is as good as the forest: a detector's input matters more than
its method.
"""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from helpers.core.errors import WorkshopError

from .synthetic_streams import BUCKET, EVENTS, SCENARIOS, stream

RATES = (10, 30, 100)  # beacons per second: a learner's laptop, a small shop, a larger one
GRACE_SECONDS = 20
UNJUDGED = 60  # buckets: ten minutes
ANOMALY = 2.0  # the score at which the workshop's alarm goes to ALARM (AnomalyThreshold)
Z_LIMIT, Z_BUCKETS = 4.0, 30
DEVIATION_LIMIT = 5.0
_FOREST = Path(__file__).parents[2] / "assets" / "flink" / "dep" / "forest.py"
# The code of each event in AWS' solution: its position in this list, from 1.
_CODED = ("click", "pageview", "conversion", "exception", "playvideo", "login", "logoff")


@dataclass(frozen=True)
class Judgement:
    """One detector's alarms on one stream, compared with the injections."""

    injected: int
    found: int
    alarms: int
    false_alarms: int
    calm_hours: float
    delays: tuple[int, ...]


def deployed_forest(counts: np.ndarray) -> np.ndarray:
    """Return the alarms of the Flink application's own Random Cut Forest: score 2 or more.

    Args:
        counts: buckets x EVENTS.

    Returns:
        True where an event passes the limit; buckets x EVENTS, as for every detector.

    Raises:
        WorkshopError: krcf is not installed.
    """
    forest = _forest_module().Forest()
    return _each(counts, forest.score) >= ANOMALY


def original_forest(counts: np.ndarray) -> np.ndarray:
    """Return the alarms with the settings of AWS' solution: points (event's code, count)."""
    _forest_module()  # raises an error with a remedy if krcf is missing
    from krcf import RandomCutForest

    options: Any = {"dimensions": 2, "shingle_size": 1, "num_trees": 100, "sample_size": 256}
    forest = RandomCutForest(options | {"random_seed": 7, "output_after": 1})

    def score(event: str, count: int) -> float:
        point = [_CODED.index(event) + 1.0, float(count)]
        value = float(forest.score(point)) if forest.entries_seen() else 0.0
        forest.update(point)
        return value

    return _each(counts, score) >= ANOMALY


def rolling_z_score(counts: np.ndarray) -> np.ndarray:
    """Return where a count is 4 standard deviations or more from the mean of the last 5 minutes."""
    before = pd.DataFrame(counts).rolling(Z_BUCKETS)
    mean, spread = before.mean().shift().to_numpy(), before.std().shift().to_numpy()
    # A constant stream has a spread of 0: use a standard deviation of 1 at least.
    return np.abs(counts - mean) >= Z_LIMIT * np.maximum(spread, 1)


def fixed_threshold(counts: np.ndarray) -> np.ndarray:
    """Return where a count is above twice, or below half, its mean in the first ten minutes."""
    mean = counts[:UNJUDGED].mean(axis=0)
    return (counts > 2 * mean) | (counts < mean / 2)


def deviation_alone(counts: np.ndarray) -> np.ndarray:
    """Return where a count deviates by 5 or more: the deployed forest's input, without a forest.

    See assets/flink/dep/forest.py for the deviation.
    """
    usual = pd.DataFrame(counts).rolling(18, min_periods=6).median().shift().to_numpy()
    return np.abs(2 * np.sqrt(counts + 3 / 8) - 2 * np.sqrt(usual + 3 / 8)) >= DEVIATION_LIMIT


DETECTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Random Cut Forest, as deployed": deployed_forest,
    "Random Cut Forest, AWS' settings": original_forest,
    "the forest's input, no forest": deviation_alone,
    "plain z-score of 5 minutes": rolling_z_score,
    "fixed: half to twice the usual": fixed_threshold,
}


def judge(alarms: np.ndarray, injections: Sequence[tuple[int, int]]) -> Judgement:
    """Judge alarms by the definitions above.

    Args:
        alarms: for each bucket of 10 s, whether a watched event passed the limit.
        injections: (start, end) of each burst and outage, seconds from the first bucket's start.

    Example:
        `judge(np.array([False] * 90 + [True]), [(900, 930)]).delays` -> `(10,)`
    """
    alarms = alarms & (np.arange(len(alarms)) >= UNJUDGED)
    near = near_injection(len(alarms), injections)
    delays = []
    for start, end in injections:
        first, last = _buckets(start, end)
        hits = np.flatnonzero(alarms[first:last])
        if len(hits):
            delays.append(int((first + hits[0] + 1) * BUCKET - start))
    false = sum(-(-(last - first) // 6) for first, last in _runs(alarms & ~near))
    right = len(_runs(alarms & near))
    calm = int((~near[UNJUDGED:]).sum()) * BUCKET / 3600
    return Judgement(len(injections), len(delays), right + false, false, calm, tuple(delays))


def _buckets(start: int, end: int) -> tuple[int, int]:
    """Return the first bucket in which an injection may be found, and the bucket after the last."""
    return start // BUCKET, -(-(end + GRACE_SECONDS) // BUCKET)


def near_injection(length: int, injections: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return for each of `length` buckets whether an alarm in it would be right.

    Example:
        `near_injection(8, [(25, 30)])` -> `[F, F, True, True, True, F, F, F]`
    """
    near = np.zeros(length, dtype=bool)
    for start, end in injections:
        near[slice(*_buckets(start, end))] = True
    return near


def _runs(alarms: np.ndarray) -> list[tuple[int, int]]:
    """Return the first bucket of each run of alarms, and the bucket after its last."""
    changes = np.flatnonzero(np.diff(np.r_[0, alarms.astype(int), 0]))
    return [(int(first), int(last)) for first, last in changes.reshape(-1, 2)]


def score_detectors(
    seed: int = 7, hours: float = 2.4, scenarios: Sequence[str] = tuple(SCENARIOS)
) -> pd.DataFrame:
    """Judge each detector on each scenario, for the alarm on clicks and for alarms on all events.

    Each scenario is played at 10, 30 and 100 beacons a second, for a third of the hours each. It
    takes about a second for each hour of a scenario, and prints each scenario's name.

    Args:
        seed: the same seed draws the same streams.
        hours: length of each scenario in hours, 1.5 to 72.
        scenarios: of "steady", "bursts", "outages", "slow drift", "daily rhythm".

    Returns:
        Detector, Scenario, Watched ("click" or "all events"), Injected, Found, Recall, Precision,
        FalseAlarmsPerHour, SecondsToDetect (the mean); NaN where the divisor is 0.

    Raises:
        WorkshopError: no such scenario, the hours are out of bounds, or krcf is not installed.

    Example:
        `score_detectors(hours=1.5, scenarios=["outages"])`
    """
    rows = []
    for scenario in scenarios:
        print(f"{scenario} …", end=" ", flush=True)
        streams = [stream(scenario, hours / len(RATES), rate, seed * 1000 + rate) for rate in RATES]
        for name, detector in DETECTORS.items():
            alarms = [detector(each.counts) for each in streams]
            for watched in ("click", "all events"):
                judged = [
                    judge(watched_alarms(each, watched), played.injections)
                    for each, played in zip(alarms, streams, strict=True)
                ]
                row = {"Detector": name, "Scenario": scenario, "Watched": watched}
                rows.append(row | _summary(judged))
    print("done")
    return pd.DataFrame(rows)


def watched_alarms(alarms: np.ndarray, watched: str) -> np.ndarray:
    """Return for each bucket whether `watched`, an event or "all events", passes the limit."""
    if watched == "all events":
        return alarms.any(axis=1)
    return alarms[:, EVENTS.index(watched)]


def _summary(judgements: Sequence[Judgement]) -> dict[str, float | int | None]:
    injected = sum(each.injected for each in judgements)
    found = sum(each.found for each in judgements)
    alarms = sum(each.alarms for each in judgements)
    false = sum(each.false_alarms for each in judgements)
    delays = [delay for each in judgements for delay in each.delays]
    return {
        "Injected": injected,
        "Found": found,
        "Recall": round(found / injected, 3) if injected else None,
        "Precision": round((alarms - false) / alarms, 3) if injected and alarms else None,
        "FalseAlarmsPerHour": round(false / sum(each.calm_hours for each in judgements), 2),
        "SecondsToDetect": round(float(np.mean(delays)), 1) if delays else None,
    }


def _each(counts: np.ndarray, score: Callable[[str, int], float]) -> np.ndarray:
    """Score bucket after bucket, event after event, as the Flink application does."""
    return np.array(
        [
            [score(event, int(count)) for event, count in zip(EVENTS, bucket, strict=True)]
            for bucket in counts
        ]
    )


@lru_cache
def _forest_module() -> ModuleType:
    """Import assets/flink/dep/forest.py, so that the deployed code itself is judged here."""
    spec = importlib.util.spec_from_file_location("workshop_forest", _FOREST)
    assert spec and spec.loader, _FOREST
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise WorkshopError(
            f"The Random Cut Forest's package, {error.name}, is not installed.",
            "Run `make setup` in a terminal, then restart the kernel.",
        ) from error
    return module
