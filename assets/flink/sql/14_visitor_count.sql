-- Counts the different visitors in each minute. It counts clientids once for the whole minute,
-- because the counts of its six buckets can't be added: one visitor may be in all six.
--
-- So Flink keeps each clientid of a minute in its state. A late beacon changes the count only if
-- the minute did not have that clientid yet.
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
