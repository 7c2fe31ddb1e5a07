-- Counts the second and later copies of lines in each ten seconds, by the time of their arrival.
-- The count is zero on a quiet day, and high after an agent crashed. No other metric counts copies.
INSERT INTO metrics
SELECT
  'duplicate_count'        AS MetricType,
  shipped_at / 10000 * 10  AS EventTimestamp,
  'All Beacons'            AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM copies
WHERE copy > 1
GROUP BY shipped_at / 10000 * 10
