# ruff: noqa: F821
# Return the visits and the bounces of one visitor. `check` and `cloud` come from the notebook.


def visits(times):
    found = []
    for time in sorted(times):  # beacons come late
        if found and time - found[-1][-1] <= 1800:
            found[-1].append(time)
        else:
            found.append([time])
    return len(found), sum(len(visit) == 1 for visit in found)


check.exercise(cloud, "7-1", visits)
