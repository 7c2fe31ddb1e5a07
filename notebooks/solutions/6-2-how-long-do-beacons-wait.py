# ruff: noqa: F821
# Return how long beacons wait after a crowd. `check` and `cloud` come from the notebook.
import math


def backlog(usual, crowd, seconds, capacity):
    waiting = max(0, (crowd - capacity) * seconds)
    if not waiting:
        return 0
    if capacity <= usual:
        return math.inf  # as many arrive as are accepted
    return waiting / (capacity - usual)


check.exercise(cloud, "6-2", backlog)
