-- Declares the input: one row for each line that an agent read from a beacon server's log.
-- The table stores nothing. A table in Flink SQL describes a stream, which never ends.
--
-- main.py replaces ${clicks} by the connector's options, which it reads from the application's
-- properties, so this file is the same on AWS and on one machine. A field that is missing or has
-- another type becomes NULL, and a record that is not JSON is skipped: neither stops the job.
CREATE TABLE clicks (
  beacon_id                  STRING,   -- the same for each copy of a log line
  host                       STRING,   -- the visitor's address, without its last part
  ident                      STRING,
  authuser                   STRING,
  `datetime`                 STRING,   -- the log's own text: 25/Nov/2026:00:00:00 +0000
  requested_at               BIGINT,   -- the same time in milliseconds since 1970
  request                    STRING,   -- GET /beacon HTTP/1.1
  response                   BIGINT,
  `bytes`                    BIGINT,
  referrer                   STRING,
  agent                      STRING,
  event                      STRING,
  clientid                   STRING,
  page                       STRING,
  source                     STRING,   -- where the visitor came from: a site or utm_source
  campaign                   STRING,   -- utm_campaign
  automation                 STRING,   -- what drives the browser, from beacon.js, else NULL
  browser                    STRING,   -- Firefox, from the User-Agent, as the next three
  `system`                   STRING,   -- Android
  device                     STRING,   -- desktop, mobile, tablet
  bot                        STRING,   -- the name of a bot, else NULL
  custom_metric_name         STRING,
  custom_metric_int_value    BIGINT,
  custom_metric_float_value  DOUBLE,
  custom_metric_string_value STRING,
  received_at                BIGINT,   -- the server's clock, milliseconds since 1970
  shipped_at                 BIGINT,   -- the agent's clock at its put, milliseconds since 1970
  rejected                   STRING,   -- why the agent could not read the line, else NULL
  arrived AS PROCTIME()                -- Flink's own clock, which orders the copies
) WITH (${clicks})
