# ruff: noqa: F821
# Return how many shards accept twice the usual rate. `check` and `cloud` come from the notebook.
import math


def shards(rate, record_bytes):
    most = 2 * rate
    # A shard has two limits, and the tighter one decides.
    return max(1, math.ceil(most / 1000), math.ceil(most * record_bytes / 1e6))


check.exercise(cloud, "1-2", shards)
