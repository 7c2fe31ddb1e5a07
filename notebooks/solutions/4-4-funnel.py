# ruff: noqa: F821
# Of the visitors who viewed a page today, how many clicked after that? And how many of those bought
# something after that? `check` and `cloud` come from the notebook.
from datetime import UTC, datetime

from helpers import bar_chart, query_archive

today = datetime.now(UTC)
funnel = query_archive(
    cloud,
    f"""
    WITH beacons AS (
      SELECT clientid, event, received_at
      FROM clicks
      WHERE year = {today.year} AND month = {today.month} AND day = {today.day}
        AND clientid IS NOT NULL AND response = 200 AND bot IS NULL
    ),
    viewed AS (
      SELECT clientid, MIN(received_at) AS moment
      FROM beacons WHERE event = 'pageview' GROUP BY clientid
    ),
    clicked AS (
      SELECT beacons.clientid, MIN(received_at) AS moment
      FROM beacons JOIN viewed ON beacons.clientid = viewed.clientid
      WHERE event = 'click' AND received_at >= viewed.moment GROUP BY beacons.clientid
    ),
    bought AS (
      SELECT beacons.clientid, MIN(received_at) AS moment
      FROM beacons JOIN clicked ON beacons.clientid = clicked.clientid
      WHERE event = 'conversion' AND received_at >= clicked.moment GROUP BY beacons.clientid
    )
    SELECT '1 viewed a page' AS step, COUNT(*) AS visitors FROM viewed
    UNION ALL SELECT '2 then clicked', COUNT(*) FROM clicked
    UNION ALL SELECT '3 then bought', COUNT(*) FROM bought
    ORDER BY step
    """,
)
check.exercise(cloud, "4-4", list(funnel["visitors"]))
bar_chart(funnel, "step", "visitors", title="Visitors today, step by step")
