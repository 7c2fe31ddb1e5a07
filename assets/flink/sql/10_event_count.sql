-- How many beacons of each event, in each ten seconds.
--
-- This is a plain GROUP BY, and not a window that closes. A window would wait until it believes
-- that its ten seconds are over, answer once, and never again: a beacon that comes later is lost.
-- GROUP BY answers as soon as the first beacon of a bucket is there (half a second later, together
-- with all that came meanwhile), and again whenever another comes, be it an hour late. Each answer
-- is the whole count, not what to add: whoever reads it twice, or misses one, ends up right.
--
-- Samples says how many beacons the answer has seen, so that readers can tell old from new.
-- EmittedAt is added after the counting: what CURRENT_TIMESTAMP says when the answer leaves.
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
