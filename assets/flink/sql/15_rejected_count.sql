-- How many lines were not counted as beacons, and why, in each ten seconds.
--
-- By the time of their arrival: the time of the request may be what is wrong with them.
INSERT INTO metrics
SELECT
  'rejected_count'         AS MetricType,
  shipped_at / 10000 * 10  AS EventTimestamp,
  reason                   AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM firsts
WHERE reason IS NOT NULL
GROUP BY shipped_at / 10000 * 10, reason
