# ruff: noqa: F821
# Which pages have the longest load times today? `check` and `cloud` come from the notebook.
from datetime import UTC, datetime

from helpers import bar_chart, query_archive

# Athena reads only the folders that WHERE selects: those of today.
today = datetime.now(UTC)
slowest = query_archive(
    cloud,
    f"""
    -- Two copies of a beacon are one page view. DISTINCT keeps one row for each beacon_id.
    WITH timed AS (
      SELECT DISTINCT beacon_id, page, custom_metric_int_value AS ms
      FROM clicks
      WHERE year = {today.year} AND month = {today.month} AND day = {today.day}
        AND custom_metric_name = 'page_load_time' AND response = 200 AND bot IS NULL
    )
    SELECT page, COUNT(*) AS views, AVG(ms) AS mean_ms, MAX(ms) AS longest_ms
    FROM timed
    GROUP BY page
    ORDER BY mean_ms DESC
    """,
)
check.exercise(cloud, "4-3", list(slowest["page"]))
print(slowest.round().to_string(index=False))
bar_chart(slowest, "page", "mean_ms", title="Mean load time today, ms")
