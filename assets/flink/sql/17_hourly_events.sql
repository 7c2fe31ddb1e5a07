-- How many beacons of each event, in the hour that ends with these ten seconds.
--
-- One beacon is in 360 of these sums. hourly.py adds them up; it sends a row for each ten seconds
-- in which the event had a beacon, and again when a late one changes it. However many names of
-- events there are, each sum is whole: what is rare waits on the disk (stage.py).
INSERT INTO metrics
SELECT
  MetricType, EventTimestamp, MetricItem, UnitValueInt, UnitValueFloat, Samples, NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM event_metrics
WHERE MetricType = 'hourly_events'
