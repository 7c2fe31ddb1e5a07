# ruff: noqa: F821
# Return the three steps of a funnel. `check` and `cloud` come from the notebook.


def funnel(visits):
    viewed = second = bought = 0
    for visit in visits:
        views = sorted(time for time, event in visit if event == "pageview")
        conversions = [time for time, event in visit if event == "conversion"]
        viewed += len(views) >= 1
        if len(views) >= 2:
            second += 1
            bought += any(time >= views[1] for time in conversions)
    return viewed, second, bought


check.exercise(cloud, "7-2", funnel)
