-- The lines that count, each with the number of its copy.
--
-- Agents send a line again when they are not sure that it arrived (and after a crash they never
-- are). Each copy has the same beacon_id: copy = 1 is the first, and the only one to be counted.
-- For that Flink keeps one small counter for each beacon_id and nothing else of the row.
-- main.py lets it forget what nobody touched for three hours (table.exec.state.ttl).
--
-- Requests that are no beacons (the site's own pages, the browser's OPTIONS question, the load
-- balancer's health checks) are archived like all the others, but no metric speaks of them. In
-- Python the same is said once, in helpers/core/beacon_definition.py; the servers answer 404 to another
-- spelling (//beacon, /%62eacon), so that nothing is answered 200 and not counted.
CREATE VIEW copies AS
SELECT
  *,
  COUNT(*) OVER (
    PARTITION BY beacon_id ORDER BY arrived ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS copy
FROM (
  SELECT
    beacon_id, event, page, agent, referrer, clientid, rejected,
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
