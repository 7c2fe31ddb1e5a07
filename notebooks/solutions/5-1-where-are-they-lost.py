# ruff: noqa: F821
# Return each lost beacon, and the first stage that it did not reach.
# `check` and `cloud` come from the notebook.


def lost(stages):
    found = {}
    for stage in ("archived", "counted", "stored"):
        missing = set(stages["sent"]["beacon_id"]) - set(stages[stage]["beacon_id"])
        for beacon in missing:
            found.setdefault(beacon, stage)  # an earlier stage stays
    return found


check.exercise(cloud, "5-1", lost)
