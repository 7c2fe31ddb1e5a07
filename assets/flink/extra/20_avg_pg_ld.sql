-- How long pages take to load: the mean in milliseconds, in each ten seconds.
--
-- The browser measures it and sends it with the beacon, as a custom metric. A mean can't be amended
-- by adding to it; but Flink keeps the sum and the number of what it has seen of each bucket, so
-- that a late beacon gives the exact mean of all, and Samples says of how many.
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
