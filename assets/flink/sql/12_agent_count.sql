-- How many beacons from each browser (its User-Agent), in each ten seconds.
INSERT INTO metrics
SELECT
  'agent_count'            AS MetricType,
  bucket                   AS EventTimestamp,
  agent                    AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE agent IS NOT NULL
GROUP BY bucket, agent
