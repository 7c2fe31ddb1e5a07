-- Counts the lines that were rejected, by reason, in each ten seconds.
-- The bucket is the time of arrival, because the time of the request may be what is wrong.
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
