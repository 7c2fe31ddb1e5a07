# ruff: noqa: F821
# Is more than a tenth of the page views an exception? `check` and `cloud` come from the notebook.

# A division would have no value in a minute without page views.
formula = "IF(exceptions * 10 > views, 1, 0)"
check.exercise(cloud, "3-2", formula)
