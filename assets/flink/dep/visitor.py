"""What the job keeps of one visitor, and the rows that this visitor's beacons change.

A row of these metrics may fall, so a reader keeps the row that was emitted last (02_metrics.sql).
That is the right one unless the job fails: its rows have left, and it goes on from a checkpoint
that does not know them. Then it reads the same beacons again, perhaps in another order, and may
never touch a cell that the failed run has written: with the beacons of 10:00 and 10:20 in this
order, 10:20 is never the beginning of a visit; in the other order it is one for a moment.

So each cell that the former run can have written is written again. Whatever the order was, a visit
began in the minute of one of its beacons, and had the pages, the source and the client of one of
them. `Visitor` keeps these minutes and items for the beacons that a former run may have read, and
renews all their combinations.
"""

import json
from collections.abc import Sequence
from typing import Any

from visits import METRICS, Beacon, Cell, Visit, differences, values, visit_of, with_beacons

# A beacon may be an hour late; a job that catches up may read its files in another order.
KEPT_MS = 2 * 3_600_000
# Flink keeps the sum of a minute for a day after its last change (20_visits.sql). A longer visit no
# longer changes the minute in which it began.
LONGEST_MS = 23 * 3_600_000
# How far the clocks of an agent and of Flink may differ.
CLOCK_MS = 60_000
# Of each metric, so many items of one visitor are renewed. Only a program has more.
MOST_ITEMS = 500


class Visitor:
    """One visitor's visits, and what must be renewed.

    Args:
        text: what `text()` returned; None for a new visitor.
    """

    def __init__(self, text: str | None = None) -> None:
        stored: dict[str, Any] = json.loads(text) if text else {"visits": []}
        self.visits = [Visit(*visit) for visit in stored["visits"]]
        self._run: int = stored.get("run", 0)
        self._minutes: set[int] = set(stored.get("minutes", ()))
        self._items: dict[str, set[str]] = {
            metric: set(items) for metric, items in stored.get("items", {}).items()
        }

    def text(self) -> str:
        """Return the visitor as JSON, for Flink's state."""
        stored: dict[str, Any] = {"visits": self.visits}
        if self._run:
            items = {metric: sorted(items) for metric, items in self._items.items()}
            stored |= {"run": self._run, "minutes": sorted(self._minutes), "items": items}
        return json.dumps(stored, separators=(",", ":"))

    def add(self, beacons: Sequence[Beacon], run: int) -> dict[Cell, int]:
        """Add beacons; return the cells to write, each with what must be added to it, or 0.

        Args:
            beacons: new beacons of this visitor.
            run: when this run of the job began, epoch milliseconds.
        """
        before, after = self.visits, with_beacons(self.visits, beacons)
        written: dict[Cell, int] = {}
        # A former run can only have read what had been put before this one began.
        early = [beacon for beacon in beacons if beacon.shipped_at <= run + CLOCK_MS]
        if early:
            parts = [visit for visit in before if visit not in after]
            parts += [visit_of(beacon) for beacon in early]
            written |= dict.fromkeys(self._renewed(parts, run), 0)
        written |= differences(before, after)
        now = max(beacon.shipped_at for beacon in beacons)
        oldest = now - KEPT_MS - max(beacon.gap for beacon in beacons)
        self.visits = [visit for visit in after if visit.last >= oldest]
        final = (now - LONGEST_MS) // 1000
        return {cell: number for cell, number in written.items() if cell[1] >= final}

    def _renewed(self, parts: Sequence[Visit], run: int) -> list[Cell]:
        """Return the cells to renew: all for the first time in a run, then new combinations."""
        minutes = set(self._minutes)
        items = {metric: set(self._items.get(metric, ())) for metric in METRICS}
        for part in parts:
            for (metric, minute, item), _ in values(part):
                minutes.add(minute)
                if len(items[metric]) < MOST_ITEMS:
                    items[metric].add(item)
        # A conversion may be of each source; without one there is nothing to renew.
        if self._items.get("conversion_count") or any(part.conversions for part in parts):
            items["conversion_count"] = set(items["source_count"])
        else:
            items["conversion_count"] = set()
        known = run == self._run
        cells = [
            (metric, minute, item)
            for metric, of_metric in items.items()
            for item in of_metric
            for minute in minutes
            if not (known and minute in self._minutes and item in self._items[metric])
        ]
        self._run, self._minutes, self._items = run, minutes, items
        return cells
