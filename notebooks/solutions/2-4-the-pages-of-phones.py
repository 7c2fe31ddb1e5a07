# ruff: noqa: F821
# Count the page views of phones, by page. `check` and `cloud` come from the notebook.
statement = """
INSERT INTO metrics
SELECT 'phone_pages', bucket, page,
  COUNT(*), CAST(NULL AS DOUBLE), COUNT(*), MAX(received_at), MAX(received_at)
FROM beacons
WHERE event = 'pageview' AND device = 'mobile' AND page IS NOT NULL
GROUP BY bucket, page
"""
check.exercise(cloud, "2-4", statement)
