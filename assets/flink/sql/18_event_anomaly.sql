-- How strange each event's count is, by a Random Cut Forest: about 1 is usual, from 2 on it is not.
--
-- The slow clock beside the fast one: ten seconds are scored once, when beacons that are 5 s
-- younger have come, and that is final (anomaly.py says when). A beacon that comes later amends
-- event_count, and not the score. Samples says how many beacons the score has seen: also none.
-- The 50 most frequent events of the hour are scored: a name that somebody invents is rare.
INSERT INTO metrics
SELECT
  MetricType, EventTimestamp, MetricItem, UnitValueInt, UnitValueFloat, Samples, NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM event_metrics
WHERE MetricType = 'event_anomaly'
