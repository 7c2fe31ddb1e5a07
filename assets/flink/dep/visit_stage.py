"""The stage of visits: beacons go in, and what they change in the visits' metrics comes out.

visits.py and visitor.py compute; this file keeps their data in Flink's state.
"""

import json
import time
from collections.abc import Iterator
from itertools import groupby

from pyflink.common import Row, Types
from pyflink.datastream import KeyedStream
from pyflink.datastream.functions import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment
from stage import FORGOTTEN
from visitor import Visitor, due
from visits import Beacon, Cell

__all__ = ["VisitMetrics", "add_visits"]
# The columns of visit_beacons, and those of visit_changes.
INPUT = {"visitors": Types.INT(), "beacon": Types.STRING()}
OUTPUT = {
    "MetricType": Types.STRING(),
    "EventTimestamp": Types.LONG(),
    "MetricItem": Types.STRING(),
    "Difference": Types.LONG(),
    "NewestBeacon": Types.LONG(),
}
# Each change of a visit is a row of DynamoDB. So they are collected for longer than those of SQL's
# mini-batches: most visits change the minute of their beginning several times.
BATCH_MS = 2_000


class VisitMetrics(KeyedProcessFunction):
    """Collects the beacons of two seconds, then adds them to their visits.

    A checkpoint may come between the two, so the beacons that wait are part of the state too.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state, which is readable only while a row or a timer is processed."""
        text = Types.STRING()
        visitors = MapStateDescriptor("visitors", text, text)
        visitors.enable_time_to_live(FORGOTTEN)
        self.visitors = runtime_context.get_map_state(visitors)
        self.waiting = runtime_context.get_list_state(ListStateDescriptor("waiting", text))
        self.in_memory: dict[int, list[str]] = {}  # what is in `waiting`, by group of visitors
        self.run = time.time_ns() // 1_000_000
        self.renewed: set[Cell] = set()

    def process_element(self, value: str, ctx: KeyedProcessFunction.Context) -> None:
        """Store one beacon until its mini-batch ends."""
        group = ctx.get_current_key()
        if group not in self.in_memory:
            self.in_memory[group] = list(self.waiting.get() or ())
            timers = ctx.timer_service()
            timers.register_event_time_timer(timers.current_watermark() + 1)
        self.in_memory[group].append(value)
        self.waiting.add(value)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """Emit what the beacons of a mini-batch change."""
        # After a restart nothing is in memory yet.
        batch = self.in_memory.pop(ctx.get_current_key(), None) or list(self.waiting.get() or ())
        self.waiting.clear()
        changed: dict[Cell, tuple[int, int | None]] = {}
        beacons = sorted(json.loads(f"[{','.join(batch)}]"), key=lambda beacon: beacon[:2])
        for visitor, group in groupby(beacons, lambda beacon: beacon[0]):
            own = [Beacon(*beacon[1:]) for beacon in group]
            newest = max(
                (at for beacon in own if (at := beacon.received_at) is not None), default=None
            )
            for cell, difference in self._counted(visitor, own).items():
                before, newer = changed.get(cell, (0, None))
                if newest is not None and (newer is None or newest > newer):
                    newer = newest
                changed[cell] = before + difference, newer
        differences = {cell: difference for cell, (difference, _) in changed.items()}
        for cell in due(differences, self.renewed):
            yield Row(*cell, *changed[cell])

    def _counted(self, name: str, beacons: list[Beacon]) -> dict[Cell, int]:
        visitor = Visitor(self.visitors.get(name))
        changed = visitor.add(beacons, self.run)
        self.visitors.put(name, visitor.text())
        return changed


def add_visits(tables: StreamTableEnvironment) -> None:
    """Create the view `visit_changes` from the view `visit_beacons`.

    Args:
        tables: has the view visit_beacons.
    """
    jvm = get_gateway().jvm
    rows = tables.to_data_stream(tables.from_path("visit_beacons"))
    row_type = Types.ROW_NAMED(list(INPUT), list(INPUT.values())).get_java_type_info()
    # Flink's own mark of the end of a mini-batch, which it adds to SQL's GROUP BY by itself: the
    # watermark advances to Flink's clock.
    marks = jvm.org.apache.flink.table.runtime.operators.wmassigners
    marked = rows._j_data_stream.transform(
        "MiniBatchAssigner", row_type, marks.ProcTimeMiniBatchAssignerOperator(BATCH_MS)
    )
    # PyFlink's key_by() would call Python once more for each row, to make a pair of key and row.
    # These rows are such pairs.
    key_type = Types.ROW([Types.INT()]).get_java_type_info()
    keyed = KeyedStream(marked.keyBy(jvm.KeyByKeySelector(), key_type), Types.STRING(), rows)
    changes = keyed.process(VisitMetrics(), Types.ROW_NAMED(list(OUTPUT), list(OUTPUT.values())))
    tables.create_temporary_view("visit_changes", tables.from_data_stream(changes))
