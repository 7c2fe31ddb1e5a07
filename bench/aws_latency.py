"""Computes the latency of a datapoint on AWS by stage, because no account is reachable here.

At each stage a record waits until the next poll, for a random time up to the longest wait, and is
then processed in a nearly constant time. The stages poll independently of each other, so the
latency is the sum of one random wait for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DRAWS, SEED = 200_000, 1


@dataclass(frozen=True)
class Stage:
    """One stage on AWS.

    Args:
        name: as in `latency(cloud)`.
        longest_wait: seconds between two polls.
        work: seconds of processing.
        source: of both values.
    """

    name: str
    longest_wait: float
    work: float
    source: str


STAGES = (
    Stage("agent", 0.1, 0.01, "reads the log ten times a second, as here"),
    Stage("Kinesis", 0, 0.03, "PutRecords within a region; assumed"),
    Stage("Flink", 0.5 + 0.2, 0.05, "five GetRecords a second a shard (Kinesis' limit), "
          "mini-batches of 500 ms (cfn/2-analyze.yaml)"),
    Stage("sink", 0.2, 0.03, "sink.flush-buffer.timeout (cfn/2-analyze.yaml); PutRecords as above"),
    Stage("DynamoDB", 1.0, 0.05,
          "Lambda polls each Kinesis shard once a second (its documentation)"),
    Stage("CloudWatch", 0.25, 0.05,
          "Lambda polls each shard of a table's stream four times a second (its documentation)"),
)  # fmt: skip


def computed() -> dict[str, tuple[float, float]]:
    """Return p50 and p99 in seconds by stage, and of all stages together as `end to end`.

    The end is when CloudWatch has the datapoint; AWS documents no time until a chart shows it.

    Example:
        >>> computed()["DynamoDB"]
        (0.55, 1.04)
    """
    random, whole, stages = np.random.default_rng(SEED), np.zeros(DRAWS), {}
    for stage in STAGES:
        whole += random.uniform(0, stage.longest_wait, DRAWS) + stage.work
        p50, p99 = (round(share * stage.longest_wait + stage.work, 2) for share in (0.5, 0.99))
        stages[stage.name] = p50, p99
    p50, p99 = np.percentile(whole, (50, 99))
    return stages | {"end to end": (round(float(p50), 2), round(float(p99), 2))}


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield a table row for each stage: name, p50, p99, source."""
    sources = {stage.name: stage.source for stage in STAGES}
    for name, (p50, p99) in computed().items():
        yield name, f"{p50:.2f} s", f"{p99:.2f} s", sources.get(name, "")
