# ruff: noqa: F821
# Return what must be put after each change. `check` and `cloud` come from the notebook.
import itertools


def puts(values):
    # The sum so far is the value before, so put the difference. It is negative if a value falls.
    return [new - old for old, new in itertools.pairwise([0, *values])]


check.exercise(cloud, "3-1", puts)
