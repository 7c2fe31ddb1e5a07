-- Where visitors came from, in each ten seconds. Beacons without a referrer are '(direct)', so this
-- is the one metric in which every accepted beacon counts exactly once: its sum is their number.
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
