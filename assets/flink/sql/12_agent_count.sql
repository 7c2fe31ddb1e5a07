-- Counts the beacons of each User-Agent in each ten seconds, without those of bots. The item is the
-- whole text, so each version of a browser is an item of its own.
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
