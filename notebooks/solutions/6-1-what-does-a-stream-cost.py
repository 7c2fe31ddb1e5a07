# ruff: noqa: F821
# Return what a stream costs a month. `check` and `cloud` come from the notebook.
import math


def dollars(rate, record_bytes, shards):
    units = rate * 730 * 3600 * math.ceil(record_bytes / 25_000)
    return shards * 730 * 0.015 + units / 1e6 * 0.014


check.exercise(cloud, "6-1", dollars)
