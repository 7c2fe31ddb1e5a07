-- Selects the accepted beacons of people, which the metrics count. The agent knows bots by their
-- User-Agent, or because a program drives the browser; only bot_count counts their beacons.
--
-- bucket is the start of the ten seconds in which the request arrived, by the server's clock.
-- A text of more than 255 characters (or 1,000 bytes) does not fit a DynamoDB key. It is cut, and 8
-- hex digits of the whole text's hash are added, so that two texts with the same beginning stay
-- different. 250 characters always fit: a character has at most 4 bytes. HEX writes two digits for
-- each byte.
CREATE VIEW beacons AS
SELECT
  requested_at / 10000 * 10 AS bucket,
  CASE
    WHEN CHAR_LENGTH(event) <= 250 THEN event
    WHEN CHAR_LENGTH(event) <= 255 AND CHAR_LENGTH(HEX(event)) <= 2000 THEN event
    ELSE LEFT(event, 240) || LEFT(SHA256(event), 8)
  END AS event,
  CASE
    WHEN CHAR_LENGTH(page) <= 250 THEN page
    WHEN CHAR_LENGTH(page) <= 255 AND CHAR_LENGTH(HEX(page)) <= 2000 THEN page
    ELSE LEFT(page, 240) || LEFT(SHA256(page), 8)
  END AS page,
  CASE
    WHEN CHAR_LENGTH(agent) <= 250 THEN agent
    WHEN CHAR_LENGTH(agent) <= 255 AND CHAR_LENGTH(HEX(agent)) <= 2000 THEN agent
    ELSE LEFT(agent, 240) || LEFT(SHA256(agent), 8)
  END AS agent,
  CASE
    WHEN referrer IS NULL THEN '(direct)'
    WHEN CHAR_LENGTH(referrer) <= 250 THEN referrer
    WHEN CHAR_LENGTH(referrer) <= 255 AND CHAR_LENGTH(HEX(referrer)) <= 2000 THEN referrer
    ELSE LEFT(referrer, 240) || LEFT(SHA256(referrer), 8)
  END AS referrer,
  CASE
    WHEN CHAR_LENGTH(source) <= 250 THEN source
    WHEN CHAR_LENGTH(source) <= 255 AND CHAR_LENGTH(HEX(source)) <= 2000 THEN source
    ELSE LEFT(source, 240) || LEFT(SHA256(source), 8)
  END AS source,
  CASE
    WHEN CHAR_LENGTH(campaign) <= 250 THEN campaign
    WHEN CHAR_LENGTH(campaign) <= 255 AND CHAR_LENGTH(HEX(campaign)) <= 2000 THEN campaign
    ELSE LEFT(campaign, 240) || LEFT(SHA256(campaign), 8)
  END AS campaign,
  browser, `system`, device,   -- the agent writes at most 64 characters
  clientid, custom_metric_name, custom_metric_int_value, custom_metric_float_value,
  custom_metric_string_value, requested_at, received_at, shipped_at
FROM firsts
WHERE reason IS NULL AND bot IS NULL
