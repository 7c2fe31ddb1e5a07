-- Counts the views of each page in each ten seconds. A beacon without a page is not a view.
INSERT INTO metrics
SELECT
  'top_pages'              AS MetricType,
  bucket                   AS EventTimestamp,
  page                     AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE page IS NOT NULL
GROUP BY bucket, page
