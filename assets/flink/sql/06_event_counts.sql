-- How many beacons of each event, in each ten seconds: what stage.py, the job's Python part, works
-- with. Each row is a whole count as far as it is known now, and comes again when it changes.
CREATE VIEW event_counts AS
SELECT
  bucket,
  event,
  COUNT(*)         AS beacons,
  MAX(received_at) AS newest,
  MIN(shipped_at)  AS shipped_at   -- when the first of them came: in time, or late?
FROM beacons
WHERE event IS NOT NULL
GROUP BY bucket, event
