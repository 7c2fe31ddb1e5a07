-- What arrives: one row for each line that an agent read from a beacon server's log.
-- Nothing is stored here. A table in Flink SQL is a view of a stream: rows come, and never end.
--
-- ${clicks} stands for where they come from. main.py fills it in from the application's properties,
-- so that this file is the same on AWS and on one machine. A field that is missing or is not what
-- its type says becomes NULL, and a record that is not JSON is skipped: neither can stop the job.
CREATE TABLE clicks (
  beacon_id                  STRING,   -- the same log line always has the same one
  host                       STRING,
  ident                      STRING,
  authuser                   STRING,
  `datetime`                 STRING,   -- the log's own text: 25/Nov/2026:00:00:00 +0000
  requested_at               BIGINT,   -- the same as a number: milliseconds since 1970
  request                    STRING,   -- GET /beacon HTTP/1.1
  response                   BIGINT,
  `bytes`                    BIGINT,
  referrer                   STRING,
  agent                      STRING,
  event                      STRING,
  clientid                   STRING,
  page                       STRING,
  custom_metric_name         STRING,
  custom_metric_int_value    BIGINT,
  custom_metric_float_value  DOUBLE,
  custom_metric_string_value STRING,
  received_at                BIGINT,   -- the server's clock, milliseconds since 1970
  shipped_at                 BIGINT,   -- the agent's clock when it put the record into the stream
  rejected                   STRING,   -- why the agent could not read the line, else NULL
  arrived AS PROCTIME()                -- Flink's own clock: which of two copies came first
) WITH (${clicks})
