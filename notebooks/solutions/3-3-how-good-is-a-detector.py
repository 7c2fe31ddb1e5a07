# ruff: noqa: F821
# Return precision and recall. `check` and `cloud` come from the notebook.


def judge(alarms, incidents):
    right = [at for at in alarms if any(begin <= at <= end for begin, end in incidents)]
    found = [pair for pair in incidents if any(pair[0] <= at <= pair[1] for at in alarms)]
    precision = len(right) / len(alarms) if alarms else 1
    return precision, len(found) / len(incidents)


check.exercise(cloud, "3-3", judge)
