-- Counts the beacons of each bot in each ten seconds. No other metric counts them, apart from
-- rejected_count and duplicate_count, which count lines of bots, too.
--
-- The agent knows a bot by its User-Agent, and writes its name into the record. So the archive has
-- what was counted, although the lists of bots change.
INSERT INTO metrics
SELECT
  'bot_count'              AS MetricType,
  bucket                   AS EventTimestamp,
  bot                      AS MetricItem,
  COUNT(*)                 AS UnitValueInt,
  CAST(NULL AS DOUBLE)     AS UnitValueFloat,
  COUNT(*)                 AS Samples,
  MAX(received_at)         AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM (
  SELECT
    requested_at / 10000 * 10 AS bucket,
    -- Cut like the items of other metrics (05_beacons.sql).
    CASE
      WHEN CHAR_LENGTH(bot) <= 250 THEN bot
      WHEN CHAR_LENGTH(bot) <= 255 AND CHAR_LENGTH(HEX(bot)) <= 2000 THEN bot
      ELSE LEFT(bot, 240) || LEFT(SHA256(bot), 8)
    END AS bot,
    received_at
  FROM firsts
  WHERE reason IS NULL AND bot IS NOT NULL
)
GROUP BY bucket, bot
