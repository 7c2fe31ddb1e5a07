-- Counts the beacons of each event in the hour that ends with these ten seconds. Python does it
-- (hourly.py), because one beacon is in 360 of these overlapping sums.
--
-- It sends a row for each ten seconds in which the event had a beacon, and sends the row again when
-- a late beacon changes it. Each sum is complete, however many event names there are: the counts of
-- rare events are on disk (stage.py).
INSERT INTO metrics
SELECT
  MetricType, EventTimestamp, MetricItem, UnitValueInt, UnitValueFloat, Samples, NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM event_metrics
WHERE MetricType = 'hourly_events'
