-- How many copies came of lines that were there already, in each ten seconds of their arrival.
-- Zero on a quiet day; a burst after each crash of an agent. No other metric counts them.
INSERT INTO metrics
SELECT
  'duplicate_count'        AS MetricType,
  shipped_at / 10000 * 10  AS EventTimestamp,
  'All Beacons'            AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM copies
WHERE copy > 1
GROUP BY shipped_at / 10000 * 10
