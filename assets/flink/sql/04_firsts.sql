-- The first copy of each line, and the reason (if any) why it is not counted as a beacon.
--
-- Late beacons are welcome for one hour: they amend the bucket in which they happened. An older one
-- is too_late: Flink forgets a bucket that nobody touched for three hours, and would begin it again
-- at 1. The hour is measured from the request to the agent's put, so that it does not depend on how
-- fast Flink reads: a job that catches up after a night counts the same.
CREATE VIEW firsts AS
SELECT
  *,
  CASE
    WHEN rejected IS NOT NULL THEN rejected
    WHEN requested IS NULL OR requested < 0 THEN 'unparsable'
    WHEN shipped_at - requested * 1000 > 3600000 THEN 'too_late'
  END AS reason
FROM copies
WHERE copy = 1
