# ruff: noqa: F821
# Leave health checks out. `check` and `cloud` come from the notebook.

# A comparison with NULL is neither true nor false, and WHERE keeps only what is true.
condition = "page IS NULL OR NOT (page = '/health' OR page LIKE '/health/%')"
check.exercise(cloud, "2-3", condition)
