-- Counts the beacons of each event in each ten seconds, for stage.py, the job's Python part.
-- Each row is a whole count as known so far; Flink sends it again when the count changes.
CREATE VIEW event_counts AS
SELECT
  bucket,
  event,
  COUNT(*)         AS beacons,
  MAX(received_at) AS newest,
  MIN(shipped_at)  AS shipped_at   -- when the first of them was put: in time, or late?
FROM beacons
WHERE event IS NOT NULL
GROUP BY bucket, event
