-- What leaves: one row each time a metric's value changes.
--
-- Each row is the whole value of one metric, for one bucket of time and one item, as far as it is
-- known now. When a beacon comes late, the row comes again with the amended value. Whoever reads
-- the stream keeps the row with most Samples, and needs neither order nor memory.
--
-- PARTITIONED BY makes MetricType the partition key of the Kinesis stream, so that the rows of one
-- metric stay on one shard, in order. (In a folder of files it makes one folder for each metric.)
CREATE TABLE metrics (
  MetricType     STRING,
  EventTimestamp BIGINT,   -- where the bucket begins, seconds since 1970
  MetricItem     STRING,   -- which page, event, visitor's browser ...
  UnitValueInt   BIGINT,   -- the value of a count
  UnitValueFloat DOUBLE,   -- the value of a mean or a score
  Samples        BIGINT,   -- how many beacons are in the value: it only grows
  NewestBeacon   BIGINT,   -- when the newest of them was received, milliseconds since 1970
  EmittedAt      BIGINT    -- when Flink wrote this row, milliseconds since 1970
) PARTITIONED BY (MetricType) WITH (${metrics})
