# ruff: noqa: F821
# Which page is the slow one? A second metric, whose item is the page.
# `check`, `cloud`, `mine` and `traffic` come from the notebook.
from helpers import add_metric, bar_chart, metric_values, poll_until, update_analytics, wait

# First add its row. `max_items` is larger than the number of pages in the shop. It is also a limit:
# beacons with invented pages can't create more CloudWatch metrics than this.
add_metric(
    cloud,
    "page_load_time",
    title="Average load time of a page",
    unit="Milliseconds",
    statistic="Average",
    max_items=20,
)

# Then write the statement. Its item is the page, so it groups by bucket and page.
(mine / "21_page_load_time.sql").write_text(
    """\
INSERT INTO metrics
SELECT
  'page_load_time' AS MetricType, bucket AS EventTimestamp, page AS MetricItem,
  CAST(NULL AS BIGINT) AS UnitValueInt,
  AVG(CAST(custom_metric_int_value AS DOUBLE)) AS UnitValueFloat,
  COUNT(*) AS Samples, MAX(received_at) AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE custom_metric_name = 'page_load_time' AND custom_metric_int_value IS NOT NULL
  AND page IS NOT NULL
GROUP BY bucket, page
""",
    encoding="utf-8",
)
update_analytics(cloud)
traffic.start(rate=30)
wait(seconds=30)
traffic.stop()


def page_load_times():
    return metric_values(cloud, "page_load_time", minutes=15)


def has_pages(values):
    return values["Item"].nunique() >= 3


# The mean over several buckets: weight each bucket by its number of beacons.
values = poll_until(page_load_times, has_pages, "three pages are counted", seconds=300)
values["Total"] = values["Value"] * values["Samples"]
pages = values.groupby("Item")[["Total", "Samples"]].sum()
pages["ms"] = pages["Total"] / pages["Samples"]
check.exercise(cloud, "4-1", "page_load_time")
bar_chart(pages.reset_index(), "Item", "ms", title="Average load time of a page, ms")
