"""The visits of one visitor, as the job stores them, and the rows that new beacons change.

A row of these metrics may fall, so a reader keeps the row that was emitted last (02_metrics.sql).
That is the right one unless the job fails: its rows have left, and it goes on from a checkpoint
that does not know them. Then it reads the same beacons again, perhaps in another order, and may
never touch a cell that the failed run has written: with the beacons of 10:00 and 10:20 in this
order, 10:20 is never the beginning of a visit; in the other order it is one for a moment.

So each cell that the former run can have written is written again. Whatever the order was, a visit
began in the minute of one of its beacons, and had the pages, the source and the client of one of
them. `Renewed` keeps these minutes and items for the beacons that a former run may have read, and
renews all their combinations.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from visits import (
    METRICS,
    MINUTE_MS,
    Beacon,
    Cell,
    Visit,
    differences,
    items,
    items_of,
    joined_all,
    minute_of,
    visits_of,
)

# A beacon may be an hour late; a job that catches up may read its files in another order.
KEPT_MS = 2 * 3_600_000
# Flink keeps the sum of a minute for a day after its last change (20_visits.sql). A longer visit no
# longer changes the minute in which it began.
LONGEST_MS = 23 * 3_600_000
# How far the clocks of an agent and of Flink may differ.
CLOCK_MS = 60_000
# Of each metric, so many items of one visitor are renewed. Only a program has more.
MOST_ITEMS = 500
# With so many in memory (20 MB), the list of renewed cells is emptied: some are renewed twice.
MOST_RENEWED = 100_000


class Visitor:
    """One visitor's visits, and what is renewed in this run of the job.

    Args:
        text: what `text()` returned; None for a new visitor.
    """

    def __init__(self, text: str | None = None) -> None:
        stored = json.loads(text) if text else {"visits": []}
        self.visits = [Visit(*visit) for visit in stored["visits"]]
        self._renewed = Renewed(*stored.get("renewed", ()))

    def text(self) -> str:
        """Return the visitor as JSON, for Flink's state."""
        stored: dict[str, Any] = {"visits": self.visits}
        if self._renewed.run:
            stored["renewed"] = self._renewed.stored()
        return json.dumps(stored, separators=(",", ":"))

    def add(self, beacons: Sequence[Beacon], run: int) -> dict[Cell, int]:
        """Add beacons; return the cells to write, each with what must be added to it, or 0.

        Args:
            beacons: new beacons of this visitor.
            run: when this run of the job began, epoch milliseconds.
        """
        gap = beacons[0].gap
        before, after = self.visits, joined_all(self.visits, visits_of(beacons, gap), gap)
        now = max(beacon.shipped_at for beacon in beacons)
        written: dict[Cell, int] = {}
        # A former run can only have read what had been put before this one began.
        if min(beacon.shipped_at for beacon in beacons) <= run + CLOCK_MS:
            gone = [visit for visit in before if visit not in after]
            minutes = [beacon.requested_at // MINUTE_MS * 60 for beacon in beacons]
            alone = [items_of(*kind) for kind in dict.fromkeys(beacon[3:] for beacon in beacons)]
            cells = self._renewed.add(
                [*minutes, *map(minute_of, gone)], [*alone, *map(items, gone)], run
            )
            written = dict.fromkeys(cells, 0)
        written |= differences(before, after)
        self.visits = [visit for visit in after if visit.last >= now - KEPT_MS - gap]
        final = (now - LONGEST_MS) // 1000
        return {cell: number for cell, number in written.items() if cell[1] >= final}


def due(changed: dict[Cell, int], renewed: set[Cell]) -> list[Cell]:
    """Return the cells of which a row is emitted: those that change, others once in a run.

    Args:
        changed: cells, each with what is added to it, or 0 to renew it.
        renewed: those that this run has renewed; more are added.
    """
    if len(renewed) > MOST_RENEWED:
        renewed.clear()
    cells = [cell for cell, difference in changed.items() if difference or cell not in renewed]
    renewed.update(cell for cell in cells if not changed[cell])
    return cells


class Renewed:
    """The minutes and items of a visitor whose combinations are renewed.

    Args:
        run: the run of the job that has renewed them; 0 if none has.
        minutes: epoch seconds.
        items: of each of METRICS.
    """

    def __init__(
        self, run: int = 0, minutes: Iterable[int] = (), items: Iterable[Iterable[str]] = ()
    ) -> None:
        self.run = run
        self._minutes = dict.fromkeys(minutes)  # a dict is a set in order
        self._items = [dict.fromkeys(each) for each in items] or [{} for _ in METRICS]

    def stored(self) -> list:
        """Return the arguments of an equal one, for JSON."""
        return [self.run, list(self._minutes), [list(each) for each in self._items]]

    def add(self, minutes: Iterable[int], parts: Iterable[Sequence[str]], run: int) -> list[Cell]:
        """Return the cells to renew: all for the first time in a run, then new combinations.

        Args:
            minutes: in which a run may have begun a visit, epoch seconds.
            parts: the items, of each of METRICS, that a run may have given to a visit.
            run: the present run.
        """
        old_minutes = dict(self._minutes) if run == self.run else {}
        old_items = [len(each) if run == self.run else 0 for each in self._items]
        self.run = run
        self._minutes |= dict.fromkeys(minutes)
        for part in parts:
            for known, item in zip(self._items, part, strict=True):
                if item not in known and len(known) < MOST_ITEMS:
                    known[item] = None
        new_minutes = [minute for minute in self._minutes if minute not in old_minutes]
        return [
            (metric, minute, item)
            for metric, known, old in zip(METRICS, self._items, old_items, strict=True)
            for number, item in enumerate(known)
            for minute in (self._minutes if number >= old else new_minutes)
        ]
