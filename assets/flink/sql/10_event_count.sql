-- Counts the beacons of each event in each ten seconds. It uses GROUP BY instead of a window, so
-- that a late beacon is counted too.
--
-- A window waits until its ten seconds are probably over, and then emits its count once: a beacon
-- that arrives later is lost. GROUP BY emits a count as soon as a bucket has its first beacon (half
-- a second later, together with all others that arrived meanwhile), and again after each further
-- one, even an hour late. Each row is the whole count, not an increment: a reader that gets one row
-- twice, or misses one, still has the right count at the end.
--
-- Samples is the number of beacons in the count, so that a reader can tell the newer of two rows.
-- EmittedAt is when the row leaves Flink: CURRENT_TIMESTAMP is read after the counting.
INSERT INTO metrics
SELECT
  'event_count'            AS MetricType,
  bucket                   AS EventTimestamp,
  event                    AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE event IS NOT NULL
GROUP BY bucket, event
