"""How old would a datapoint be on AWS? Computed by stage: no account is reachable from here.

A record waits at each stage for the next time that somebody looks, which is any moment between none
and the longest wait, and is then worked on for a time that hardly varies. The stages look
independently of each other, so the whole is the sum of one wait of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DRAWS, SEED = 200_000, 1


@dataclass(frozen=True)
class Stage:
    """One stage on AWS.

    Args:
        name: as `latency(cloud)` calls it.
        longest_wait: seconds until it looks again.
        work: seconds that it takes then.
        source: of both.
    """

    name: str
    longest_wait: float
    work: float
    source: str


STAGES = (
    Stage("agent", 0.1, 0.01, "reads the log ten times a second, as here"),
    Stage("Kinesis", 0, 0.03, "PutRecords within a region; assumed"),
    Stage(
        "Flink",
        0.5 + 0.2,
        0.05,
        "five GetRecords a second a shard (Kinesis' limit), mini-batches of 500 ms "
        "(cfn/2-analyze.yaml)",
    ),
    Stage("sink", 0.2, 0.03, "sink.flush-buffer.timeout (cfn/2-analyze.yaml); PutRecords as above"),
    Stage(
        "DynamoDB", 1.0, 0.05, "Lambda polls each Kinesis shard once a second (its documentation)"
    ),
    Stage(
        "CloudWatch",
        0.25,
        0.05,
        "Lambda polls each shard of a table's stream four times a second (its documentation)",
    ),
)


def computed() -> dict[str, tuple[float, float]]:
    """Return p50 and p99 in seconds by stage, and of all stages together as `end to end`.

    A datapoint is then in CloudWatch; until a chart shows it, AWS names no time.

    Example:
        >>> computed()["DynamoDB"]
        (0.55, 1.04)
    """
    random, whole, found = np.random.default_rng(SEED), np.zeros(DRAWS), {}
    for stage in STAGES:
        whole += random.uniform(0, stage.longest_wait, DRAWS) + stage.work
        waits = (share * stage.longest_wait + stage.work for share in (0.5, 0.99))
        found[stage.name] = tuple(round(wait, 2) for wait in waits)
    p50, p99 = np.percentile(whole, (50, 99))
    return found | {"end to end": (round(float(p50), 2), round(float(p99), 2))}


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield a row of a table for each stage: name, p50, p99, source."""
    sources = {stage.name: stage.source for stage in STAGES}
    for name, (p50, p99) in computed().items():
        yield name, f"{p50:.2f} s", f"{p99:.2f} s", sources.get(name, "")
