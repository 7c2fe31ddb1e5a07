-- The first copy of each line, and the reason (if any) why it is not counted as a beacon.
--
-- Late beacons are welcome for one hour: they amend the bucket in which they happened. An older one
-- is too_late: Flink forgets a bucket that nobody touched for three hours, and would begin it again
-- at 1. The hour is measured from the request to the agent's put, so that it does not depend on how
-- fast Flink reads: a job that catches up after a night counts the same.
--
-- No date is read here: the agent has made a number of the log's text. UNIX_TIMESTAMP takes the
-- names of the months from the JVM's language, and a German JVM knows no Dec. A number that is no
-- time since 1970 (or lies beyond the year 2254) can't be the agent's.
CREATE VIEW firsts AS
SELECT
  *,
  CASE
    WHEN rejected IS NOT NULL THEN rejected
    WHEN requested_at IS NULL OR requested_at NOT BETWEEN 0 AND 9000000000000 THEN 'unparsable'
    WHEN shipped_at - requested_at > 3600000 THEN 'too_late'
  END AS reason
FROM copies
WHERE copy = 1
