-- Scores how unusual each event's count is, with a Random Cut Forest: about 1 is usual, 2 or more
-- is not. Each ten seconds are scored once, because the forest learns from each count.
--
-- So a score is late but final, while event_count is early and is corrected. Ten seconds are scored
-- when beacons that are 5 s newer have arrived (anomaly.py). A later beacon changes event_count,
-- not the score. Samples is the number of beacons that the score includes, and may be 0.
-- Only the 50 most frequent events of the hour are scored, so invented names are not.
INSERT INTO metrics
SELECT
  MetricType, EventTimestamp, MetricItem, UnitValueInt, UnitValueFloat, Samples, NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM event_metrics
WHERE MetricType = 'event_anomaly'
