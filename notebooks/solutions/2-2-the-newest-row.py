# ruff: noqa: F821
# Return each page's newest number. `check` and `cloud` come from the notebook.


def newest(rows):
    found = {}
    for page, beacons in rows:
        # The number only grows, so the largest one is the newest, whatever the order.
        found[page] = max(beacons, found.get(page, 0))
    return found


check.exercise(cloud, "2-2", newest)
