-- Computes how long pages take to load: the mean in milliseconds, in each ten seconds.
-- It uses GROUP BY, as event_count does, so that a late beacon corrects the mean.
--
-- The browser measures the time and sends it with the beacon, as a custom metric. Flink keeps the
-- sum and the number of values in each bucket, so the mean is exact; Samples is that number.
INSERT INTO metrics
SELECT
  'avg_pg_ld'              AS MetricType,
  bucket                   AS EventTimestamp,
  'All Pages'              AS MetricItem,
  CAST(NULL AS BIGINT)     AS UnitValueInt,
  AVG(CAST(custom_metric_int_value AS DOUBLE)) AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE custom_metric_name = 'page_load_time' AND custom_metric_int_value IS NOT NULL
GROUP BY bucket
