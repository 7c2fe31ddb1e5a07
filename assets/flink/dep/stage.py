"""The Python stage of the job: counts of events go in, hourly_events and event_anomaly come out.

Python computes the two metrics that are hard to write in SQL: sums over overlapping windows that
late beacons correct, with few rows; and a forest that learns. hourly.py and anomaly.py compute
them; this file keeps their data in Flink's state, which each checkpoint includes.

Beacons may have millions of event names. The counts of the 500 most frequent events are in memory
and in the state `counts`. Those of all others are only in the state `aside`, which Flink keeps on
disk; they return to memory with the event's next beacon. So each sum is complete for each event.
"""

import json
import math
import time
from collections.abc import Iterator

from anomaly import UNAVAILABLE, Clock, Scores
from hourly import KEPT, Count, Hours
from pyflink.common import Row, Time, Types
from pyflink.datastream import DataStream
from pyflink.datastream.functions import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig, ValueStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.table import ChangelogMode, Schema, StreamTableEnvironment

__all__ = ["UNAVAILABLE", "EventMetrics", "add", "share"]
# Flink's watermark after the last record, where the input has an end: that of a rebuild.
LAST_WATERMARK = 2**63 - 1
# The same time to live as in main.py (table.exec.state.ttl).
# The clean-up is Flink's default, but must be given: without it, PyFlink asks Java how long 30 days
# are, and inside Java (python.execution-mode: thread) it would start a second Java for that.
FORGOTTEN = (
    StateTtlConfig.new_builder(Time.hours(3))
    .cleanup_in_rocksdb_compact_filter(1000, Time.days(30))
    .disable_cleanup_in_background()
    .build()
)
OUTPUT = {
    "MetricType": Types.STRING(),
    "EventTimestamp": Types.LONG(),
    "MetricItem": Types.STRING(),
    "UnitValueInt": Types.LONG(),
    "UnitValueFloat": Types.DOUBLE(),
    "Samples": Types.LONG(),
    "NewestBeacon": Types.LONG(),
}


class EventMetrics(KeyedProcessFunction):
    """Keeps the counts of all events, under one key, and emits rows after each mini-batch.

    The new counts of a mini-batch come in no order. At its end, even if it was empty, Flink
    advances the watermark to its own clock. So a timer for the next millisecond of event time runs
    after whole mini-batches only, twice a second.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state, which is readable only while a row or a timer is processed."""
        text = Types.STRING()
        self.counts = runtime_context.get_map_state(MapStateDescriptor("counts", text, text))
        aside = MapStateDescriptor("aside", text, text)
        aside.enable_time_to_live(FORGOTTEN)
        self.aside = runtime_context.get_map_state(aside)
        self.unsent = runtime_context.get_state(ValueStateDescriptor("unsent", Types.LONG()))
        self.scored = runtime_context.get_state(ValueStateDescriptor("scored", text))
        self.hours = None

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> None:
        """Store one event's count in one bucket."""
        self._restore()
        bucket, event, beacons, newest, shipped_at = value
        if event not in self.hours.counts:
            self._load_aside(event)
        self.hours.note(event, bucket, Count(beacons, newest))
        self.counts.put(json.dumps([event, bucket]), json.dumps([beacons, newest]))
        if self.oldest is None or bucket < self.oldest:
            self.oldest = bucket
            self.unsent.update(bucket)
        self.clock.advance(bucket, newest, time.time())
        self.scores.begin(bucket, shipped_at)
        timers = ctx.timer_service()
        timers.register_event_time_timer(timers.current_watermark() + 1)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """Emit the rows that are due after a mini-batch, and set a timer for the next."""
        self._restore()
        now, timers = time.time(), ctx.timer_service()
        has_ended = timers.current_watermark() == LAST_WATERMARK
        closed, leaving = self.scores.closed, self.hours.rarest()
        due = self.hours.due(self.clock.newest, math.inf if has_ended else now, leaving)
        for event, bucket, sum_ in due:
            yield Row("hourly_events", bucket, event, sum_.beacons, None, *sum_)
        watermark = self.clock.watermark(now)
        if watermark is not None:
            for event, bucket, count, score in self.scores.close(watermark):
                yield Row("event_anomaly", bucket, event, None, score, *count)
        for event in leaving:
            self._put_aside(event)
        self._save(closed, now)
        if not has_ended:
            timers.register_event_time_timer(timers.current_watermark() + 1)

    def _restore(self) -> None:
        """Load the state of before a restart, once."""
        if self.hours is not None:
            return
        self.hours, self.clock = Hours(), Clock(time.time())
        for key, value in self.counts.items():
            (event, bucket), count = json.loads(key), Count(*json.loads(value))
            self.hours.restore(event, {bucket: count})
            self.clock.advance(bucket, count.newest, time.time())
        self.oldest = self.unsent.value()
        if self.oldest is not None:
            self.hours.send_again(self.oldest)
        self.scores = Scores(self.hours, **json.loads(self.scored.value() or "{}"))

    def _load_aside(self, event: str) -> None:
        """Move an event's counts, if any, from disk into memory."""
        if (kept := self.aside.get(event)) is None:
            return
        buckets = {bucket: Count(*count) for bucket, *count in json.loads(kept)}
        self.hours.restore(event, buckets)
        for bucket, count in buckets.items():
            self.counts.put(json.dumps([event, bucket]), json.dumps(count))
        self.aside.remove(event)

    def _put_aside(self, event: str) -> None:
        """Move an event's counts from memory to disk."""
        buckets = self.hours.remove(event)
        self.aside.put(event, json.dumps([[bucket, *count] for bucket, count in buckets.items()]))
        for bucket in buckets:
            self.counts.remove(json.dumps([event, bucket]))

    def _save(self, closed: int | None, now: float) -> None:
        """Store which rows were sent; Flink checkpoints this together with the rows."""
        oldest = self.hours.oldest_change()
        if oldest != self.oldest:
            self.oldest = oldest
            self.unsent.clear() if oldest is None else self.unsent.update(oldest)
        if self.scores.closed != closed:
            state = {"points": self.scores.points, "closed": self.scores.closed}
            self.scored.update(json.dumps(state))
            for event, bucket in self.hours.forget(self.clock.settled(now) - KEPT):
                self.counts.remove(json.dumps([event, bucket]))


def share(tables: StreamTableEnvironment, view: str) -> None:
    """Replace a view by one stream of its rows, which all later readers share.

    Flink plans the metrics' SQL and the Python stage separately, and would read the clicks twice.
    """
    java, jvm = tables.from_path(view)._j_table, get_gateway().jvm
    # The rows keep Flink's internal class, which PyFlink does not offer: to convert each to a
    # public Row and back took a fifth of the job's CPU.
    loader = jvm.Thread.currentThread().getContextClassLoader()
    row_data = jvm.Class.forName("org.apache.flink.table.data.RowData", True, loader)
    row_type = java.getResolvedSchema().toPhysicalRowDataType().bridgedTo(row_data)
    rows = DataStream(tables._j_tenv.toDataStream(java, row_type))
    tables.create_temporary_view(view, tables.from_data_stream(rows))


def add(tables: StreamTableEnvironment) -> None:
    """Create the view `event_metrics` from the view `event_counts`.

    Args:
        tables: has the view event_counts: bucket, event, beacons, newest, shipped_at.
    """
    counts = tables.from_path("event_counts")
    schema = Schema.new_builder().from_resolved_schema(counts.get_resolved_schema()).build()
    rows = tables.to_changelog_stream(counts, schema, ChangelogMode.upsert())
    metrics = rows.key_by(lambda _: 0, key_type=Types.INT()).process(
        EventMetrics(), Types.ROW_NAMED(list(OUTPUT), list(OUTPUT.values()))
    )
    tables.create_temporary_view("event_metrics", tables.from_data_stream(metrics))
