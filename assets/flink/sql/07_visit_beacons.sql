-- Selects the input of visit_stage.py, a Python part of the job: each beacon that has a visitor.
--
-- The last number is the longest time between two beacons of one visit: half an hour, in
-- milliseconds, as in most tools. Each row is one text, because each field of a row would be
-- converted between Java and Python by itself. `visitors` divides the visitors into 31 groups: what
-- Flink keeps is stored by group, and a larger job computes the groups side by side.
CREATE VIEW visit_beacons AS
SELECT
  MOD(HASH_CODE(clientid), 16) AS visitors,
  JSON_ARRAY(
    clientid, requested_at, received_at, shipped_at, event, page, source, campaign,
    browser, `system`, device, 30 * 60 * 1000
    NULL ON NULL
  ) AS beacon
FROM beacons
WHERE clientid IS NOT NULL
