-- Selects the lines that count, and numbers the copies of each.
--
-- An agent sends a line again when it does not know whether the line arrived, for example after a
-- crash. All copies have the same beacon_id: copy = 1 is the first, and only that one is counted.
-- For this, Flink keeps one small counter for each beacon_id, and nothing else of the row.
-- It deletes a counter after three hours without a copy (table.exec.state.ttl in main.py).
--
-- Requests that are not beacons (the site's own pages, the browser's OPTIONS requests, the load
-- balancer's health checks) are archived like all others, but no metric counts them. The same
-- definition in Python is helpers/core/beacon_definition.py. The servers answer 404 to any other
-- spelling (//beacon, /%62eacon), so no request is answered with 200 and then not counted.
CREATE VIEW copies AS
SELECT
  *,
  COUNT(*) OVER (
    PARTITION BY beacon_id ORDER BY arrived ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS copy
FROM (
  SELECT
    beacon_id, event, page, agent, referrer, clientid, source, campaign,
    browser, `system`, device, bot, rejected,
    custom_metric_name, custom_metric_int_value, custom_metric_float_value,
    custom_metric_string_value, requested_at, received_at, shipped_at, arrived
  FROM clicks
  WHERE beacon_id IS NOT NULL
    AND shipped_at IS NOT NULL
    AND (
      rejected IS NOT NULL
      OR (
        REGEXP(request || ' ', '^(GET|POST) /beacon[? ]')
        AND response = 200
        AND (agent IS NULL OR agent NOT LIKE 'ELB-HealthChecker%')
      )
    )
)
