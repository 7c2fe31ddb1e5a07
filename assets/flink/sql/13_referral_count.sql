-- Counts the beacons from each referring page in each ten seconds. A beacon without a referrer
-- counts as '(direct)', so each accepted beacon is in this metric once: its sum is their number.
INSERT INTO metrics
SELECT
  'referral_count'         AS MetricType,
  bucket                   AS EventTimestamp,
  referrer                 AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
GROUP BY bucket, referrer
