-- How many different visitors, in each minute.
--
-- Counts of different things can't be added up: the same visitor may be in all six buckets of a
-- minute. So Flink remembers every clientid of a minute, and a late beacon changes the count only
-- if nobody had seen its visitor.
INSERT INTO metrics
SELECT
  'visitor_count'          AS MetricType,
  bucket / 60 * 60         AS EventTimestamp,
  'All Visitors'           AS MetricItem,
  COUNT(DISTINCT clientid) AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE clientid IS NOT NULL
GROUP BY bucket / 60 * 60
