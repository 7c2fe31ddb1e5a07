-- Selects the first copy of each line, with the reason (if any) why it is not counted as a beacon.
-- A bot's beacon has no reason: bot_count counts it. It is rejected like any other, so a too_late
-- one is not counted as a bot.
--
-- A beacon may be up to one hour late: it changes the bucket in which it happened. An older one is
-- rejected as too_late, because Flink deletes the state of a bucket after three hours without a
-- change, and would count again from 1. The hour is the time from the request to the agent's put,
-- so it does not depend on how fast Flink reads: a job that catches up later counts the same.
--
-- No date is parsed here: the agent has converted the log's text into a number. UNIX_TIMESTAMP
-- would use the month names of the JVM's language: a German JVM can't parse Dec. A number before
-- 1970 or after the year 2254 can't come from an agent.
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
