-- Adds up the visits of all visitors: one row for each metric, minute and item (visits.py has the
-- list). A visit counts in the minute in which it begins.
--
-- Each row of visit_changes is a difference: visit_count +1 when a visit begins, and -1 when a late
-- beacon joins it to an earlier one. So these values may fall, and the row with the most Samples is
-- not the newest one: Samples is NULL, and a reader keeps the row with the latest EmittedAt.
--
-- The sums of a minute are kept for a day after their last change, because a visit that began hours
-- ago may still be going on (visitor.py). After a change of the SQL, the job reads the last hours
-- again and sends no older minute (helpers/flink/replay_edge.py): a visit that began more than 70
-- minutes before the change keeps the values that it had.
INSERT INTO metrics
SELECT /*+ STATE_TTL('visit_changes' = '1d') */
  MetricType,
  EventTimestamp,
  MetricItem,
  SUM(Difference)          AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  CAST(NULL AS BIGINT)     AS Samples,
  MAX(NewestBeacon)        AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM visit_changes
GROUP BY MetricType, EventTimestamp, MetricItem
