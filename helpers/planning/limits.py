"""The measured capacity of one unit of each part (assets/measured.json), and AWS's limits."""

import json
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from helpers.core.paths import REPOSITORY

if TYPE_CHECKING:
    import pandas as pd


@cache
def measured() -> dict[str, Any]:
    """Return assets/measured.json: each figure with its unit, date and source.

    Example:
        `measured()["measured"]["record_bytes"]["source"]`
    """
    return json.loads((REPOSITORY / "assets" / "measured.json").read_text(encoding="utf-8"))


@cache
def units() -> SimpleNamespace:
    """Return the values of the measured and assumed figures, as attributes.

    Example:
        `units().record_bytes` -> `610`
    """
    found = measured()["measured"] | measured()["assumed"]
    return SimpleNamespace(**{name: figure["value"] for name, figure in found.items()})


def planner_figures() -> "pd.DataFrame":
    """Return the figures from which the planner computes, measured and assumed.

    Returns:
        A frame with a row per figure: Value, Unit, Measured (the day, or "assumed"), Source.

    Example:
        `planner_figures()`
    """
    # `connect` imports this module for prices, and does not need pandas.
    import pandas as pd

    found = measured()
    rows = {
        name.replace("_", " "): {
            "Value": figure["value"],
            "Unit": figure["unit"],
            "Measured": figure.get("date", "assumed"),
            "Source": figure["source"],
        }
        for name, figure in (found["measured"] | found["assumed"]).items()
    }
    # As objects, integers remain integers in a column with floats.
    return pd.DataFrame(list(rows.values()), list(rows), dtype=object)


# https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
SHARD_RECORDS = 1000  # put into a shard, a second
SHARD_BYTES = 1_000_000  # put into a shard, a second
SHARD_READ_BYTES = 2_000_000  # read from a shard, a second, by all readers without fan-out
# https://docs.aws.amazon.com/managed-flink/latest/java/how-scaling.html: by default, adjustable
KPUS = 64
READERS_A_KPU = 8  # ParallelismPerKPU, at most
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
# bp-partition-key-design.html: of a partition, and so of its shard in the table's stream
PARTITION_WRITES, PARTITION_READS = 1000, 3000  # a second
# https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
POLLS_OF_A_STREAM = 1  # a second, of each Kinesis shard
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
POLLS_OF_A_TABLE = 4  # a second, of each shard of a table's stream
CONCURRENCY = 1000  # invocations at once in an account, by default, adjustable
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html, us-east-1;
# by default, adjustable. (From memory: it was 150 for years, and is in other regions.)
PUT_METRIC_DATA = 500  # calls a second
# https://aws.amazon.com/elasticloadbalancing/pricing: one LCU is the first of these to be used up
LCU_CONNECTIONS, LCU_BYTES = 25, 1e9 / 3600  # new ones a second; processed a second
