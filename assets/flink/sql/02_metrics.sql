-- Declares the output: one row each time a metric's value changes.
--
-- Each row has the whole value of one metric, for one bucket of time and one item, as known so far.
-- When a beacon arrives late, Flink writes the row again with the corrected value. A reader of the
-- stream keeps the row with the most Samples, and needs neither the order of rows nor a state.
-- A value that may fall has no Samples: of two such rows, a reader keeps the one emitted later.
--
-- PARTITIONED BY makes MetricType the partition key of the Kinesis stream, so that all rows of one
-- metric go to one shard, in order. (With files, each metric has its own folder.)
CREATE TABLE metrics (
  MetricType     STRING,
  EventTimestamp BIGINT,   -- start of the bucket, seconds since 1970
  MetricItem     STRING,   -- the page, the event, the browser ...
  UnitValueInt   BIGINT,   -- the value of a count
  UnitValueFloat DOUBLE,   -- the value of a mean or a score
  Samples        BIGINT,   -- number of beacons in the value; it only grows. NULL: it may fall
  NewestBeacon   BIGINT,   -- when the newest of them was received, milliseconds since 1970
  EmittedAt      BIGINT    -- when Flink wrote this row, milliseconds since 1970
) PARTITIONED BY (MetricType) WITH (${metrics})
