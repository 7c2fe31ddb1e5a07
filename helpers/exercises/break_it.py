"""The exercises of module 5: which beacons a broken pipeline has lost, and where."""

import random
from typing import Any

import pandas as pd

from .exercise import Exercise, NotYet, result_of

STAGES = ("sent", "archived", "counted", "stored")
BEACONS = 400


def broken_pipeline(seed: int = 1) -> dict[str, pd.DataFrame]:
    """Return the beacons at each stage of a pipeline that has lost some.

    Beacons come late, so they are in no order, and an agent has sent some of them twice.

    Args:
        seed: of the random numbers; each has other faults.

    Returns:
        By stage (`sent`, `archived`, `counted`, `stored`): a frame with `beacon_id` and `server`.

    Example:
        `broken_pipeline()["archived"].head()`
    """
    chance = random.Random(seed)
    rows = [(f"fleet-{chance.randint(1, 3)}", number) for number in range(BEACONS)]
    left, stages = rows, {}
    for stage in STAGES:
        if stage != "sent":
            left = [row for row in left if chance.random() > 0.02]
        shown = [*left, *chance.sample(left, 12)] if stage == "archived" else list(left)
        chance.shuffle(shown)
        frame = pd.DataFrame(shown, columns=["server", "number"])
        ids = frame["server"] + ":" + frame["number"].astype(str)
        stages[stage] = pd.DataFrame({"beacon_id": ids, "server": frame["server"]})
    return stages


def lost(stages: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return the first stage that each lost beacon did not reach, by its `beacon_id`.

    Args:
        stages: as `broken_pipeline` returns them.
    """
    found: dict[str, str] = {}
    for stage in STAGES[1:]:
        missing = set(stages["sent"]["beacon_id"]) - set(stages[stage]["beacon_id"])
        found = {name: stage for name in missing} | found
    return found


def check_lost(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from the stages to the lost beacons, each with its missing stage."""
    for seed in (1, 2, 3):
        stages = broken_pipeline(seed)
        found, right = (
            result_of(work, {name: frame.copy() for name, frame in stages.items()}),
            lost(stages),
        )
        if not isinstance(found, dict):
            raise NotYet(f"It returns {type(found).__name__}. It should return a dict.")
        if found == right:
            continue
        extra, missing = found.keys() - right.keys(), right.keys() - found.keys()
        if extra:
            raise NotYet(
                f"{len(extra)} beacons are not lost, e.g. {min(extra)!r:.40}: they are stored."
            )
        if missing:
            stage = right[min(missing)]
            raise NotYet(
                f"{len(missing)} lost beacons are not found, e.g. one that was not {stage}."
            )
        wrong = min(name for name in right if found[name] != right[name])
        stage = found[wrong]
        if stage not in STAGES[1:]:
            raise NotYet(
                f"{wrong} has {stage!r:.20}. A beacon is lost at one of {', '.join(STAGES[1:])}."
            )
        raise NotYet(f"{wrong} has {stage!r}, which is not the first stage without it.")
    return "the lost beacons of three pipelines are found, each with its stage"


EXERCISES = (Exercise("5-1", "Where are they lost?", check_lost),)
