"""The Python stage of the job: counts of events go in, hourly_events and event_anomaly come out.

What SQL can't say well is said in Python here: sums of windows that overlap, amended and yet few
rows; and a forest that learns. hourly.py and anomaly.py do the work, this file keeps their memory
in Flink's state, of which each checkpoint holds a copy.

Names of events are what beacons say, so there may be millions. The counts of the 500 most frequent
are in memory and in the state `counts`; those of all others are in the state `aside` only, which
Flink keeps on disk, and come back with the event's next beacon. So no event is left out, and each
sum is whole, however many names there are.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from anomaly import Clock, Scores
from hourly import KEPT, Count, Hours
from pyflink.common import Row, Time, Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.datastream.functions import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig, ValueStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.table import ChangelogMode, Schema, StreamTableEnvironment

MODULES = ("stage.py", "hourly.py", "anomaly.py", "forest.py")
# As long as main.py lets the counts themselves live (table.exec.state.ttl).
# The clean-up is Flink's default, in full: where it is left out, PyFlink asks Java for how long
# 30 days are, and inside Java (python.execution-mode: thread) would start a second Java for that.
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
    """Keeps the counts of all events, under one key, and answers after each mini-batch.

    A mini-batch gives the new counts in no order. When it has given them all, Flink lets the
    event time go on (to its own clock: that is how it marks the end of one, also of an empty one).
    A timer at the next moment of event time therefore sees whole mini-batches only, twice a second.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Ask for our state; it can be read once a key is known."""
        text = Types.STRING()
        self.counts = runtime_context.get_map_state(MapStateDescriptor("counts", text, text))
        aside = MapStateDescriptor("aside", text, text)
        aside.enable_time_to_live(FORGOTTEN)
        self.aside = runtime_context.get_map_state(aside)
        self.unsent = runtime_context.get_state(ValueStateDescriptor("unsent", Types.LONG()))
        self.scored = runtime_context.get_state(ValueStateDescriptor("scored", text))
        self.hours = None

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> None:
        """Note one event's count in one bucket."""
        self._remember()
        bucket, event, beacons, newest, shipped_at = value
        if event not in self.hours.counts:
            self._come_back(event)
        self.hours.note(event, bucket, Count(beacons, newest))
        self.counts.put(json.dumps([event, bucket]), json.dumps([beacons, newest]))
        if self.oldest is None or bucket < self.oldest:
            self.oldest = bucket
            self.unsent.update(bucket)
        self.clock.hear(bucket, newest, time.time())
        self.scores.begin(bucket, shipped_at)
        timers = ctx.timer_service()
        timers.register_event_time_timer(timers.current_watermark() + 1)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """Answer after a mini-batch, and ask to be called after the next."""
        self._remember()
        now = time.time()
        closed, leaving = self.scores.closed, self.hours.rarest()
        for event, bucket, sum_ in self.hours.due(self.clock.newest, now, leaving):
            yield Row("hourly_events", bucket, event, sum_.beacons, None, *sum_)
        watermark = self.clock.watermark(now)
        if watermark is not None:
            for event, bucket, count, score in self.scores.close(watermark):
                yield Row("event_anomaly", bucket, event, None, score, *count)
        for event in leaving:
            self._put_aside(event)
        self._save(closed, now)
        timers = ctx.timer_service()
        timers.register_event_time_timer(timers.current_watermark() + 1)

    def _remember(self) -> None:
        """Take from the state what a former life left, once."""
        if self.hours is not None:
            return
        self.hours, self.clock = Hours(), Clock(time.time())
        for key, value in self.counts.items():
            (event, bucket), count = json.loads(key), Count(*json.loads(value))
            self.hours.restore(event, {bucket: count})
            self.clock.hear(bucket, count.newest, time.time())
        self.oldest = self.unsent.value()
        if self.oldest is not None:
            self.hours.send_again(self.oldest)
        self.scores = Scores(self.hours, **json.loads(self.scored.value() or "{}"))

    def _come_back(self, event: str) -> None:
        """Take an event's counts from the disk into memory, if there are any."""
        if (kept := self.aside.get(event)) is None:
            return
        buckets = {bucket: Count(*count) for bucket, *count in json.loads(kept)}
        self.hours.restore(event, buckets)
        for bucket, count in buckets.items():
            self.counts.put(json.dumps([event, bucket]), json.dumps(count))
        self.aside.remove(event)

    def _put_aside(self, event: str) -> None:
        """Leave an event's counts on the disk only."""
        buckets = self.hours.remove(event)
        self.aside.put(event, json.dumps([[bucket, *count] for bucket, count in buckets.items()]))
        for bucket in buckets:
            self.counts.remove(json.dumps([event, bucket]))

    def _save(self, closed: int | None, now: float) -> None:
        """Note what has been sent, in the same step as it is sent."""
        oldest = self.hours.oldest_change()
        if oldest != self.oldest:
            self.oldest = oldest
            self.unsent.clear() if oldest is None else self.unsent.update(oldest)
        if self.scores.closed != closed:
            state = {"points": self.scores.forest.points, "closed": self.scores.closed}
            self.scored.update(json.dumps(state))
            for event, bucket in self.hours.forget(self.clock.settled(now) - KEPT):
                self.counts.remove(json.dumps([event, bucket]))


def share(tables: StreamTableEnvironment, view: str) -> None:
    """Let all that read a view from now on share one stream of its rows.

    Flink plans the SQL of the metrics and the Python stage apart, and would read the clicks twice.
    """
    java, jvm = tables.from_path(view)._j_table, get_gateway().jvm
    # The rows stay in Flink's own form, for which PyFlink has no name: to turn each into a public
    # Row and back took a fifth of the job's CPU.
    loader = jvm.Thread.currentThread().getContextClassLoader()
    row_data = jvm.Class.forName("org.apache.flink.table.data.RowData", True, loader)
    row_type = java.getResolvedSchema().toPhysicalRowDataType().bridgedTo(row_data)
    rows = DataStream(tables._j_tenv.toDataStream(java, row_type))
    tables.create_temporary_view(view, tables.from_data_stream(rows))


def add(environment: StreamExecutionEnvironment, tables: StreamTableEnvironment) -> None:
    """Make the view `event_metrics` from the view `event_counts`.

    Args:
        environment: its workers get our modules.
        tables: has the view event_counts: bucket, event, beacons, newest, shipped_at.
    """
    for module in MODULES:
        environment.add_python_file(str(Path(__file__).with_name(module)))
    counts = tables.from_path("event_counts")
    schema = Schema.new_builder().from_resolved_schema(counts.get_resolved_schema()).build()
    rows = tables.to_changelog_stream(counts, schema, ChangelogMode.upsert())
    made = rows.key_by(lambda _: 0, key_type=Types.INT()).process(
        EventMetrics(), Types.ROW_NAMED(list(OUTPUT), list(OUTPUT.values()))
    )
    tables.create_temporary_view("event_metrics", tables.from_data_stream(made))
