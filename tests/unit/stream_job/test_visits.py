"""Visits: every case in every order, with a restart after each step."""

import copy
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from visitor import CLOCK_MS, Visitor, due
from visits import Beacon, differences, joined_all, visit_of, visits_of

from tests.unit.stream_job.visit_cases import BEGIN, CASES, GAP, beacons, expected

NOW = BEGIN + 10 * 3_600_000  # of a run that reads all beacons late
RUNS = itertools.count(NOW)
BEFORE = BEGIN - CLOCK_MS - 1  # of a run that reads each beacon as it comes


class Job:
    """A run of the job: the visitors' state, the sums, and the rows that have left.

    Args:
        rows: the rows of this run and of former ones, in order: cell and whole value.
        run: when this run began, epoch milliseconds.
    """

    def __init__(self, rows: list, run: int = BEFORE) -> None:
        self.visitors: dict[str, str] = {}
        self.sums: dict = {}
        self.rows, self.run = rows, run
        self.renewed: set = set()  # in memory only: a restarted run begins without it

    def read(self, batch: list[tuple[str, Beacon]]) -> None:
        """Count a mini-batch, and emit the rows that it changes."""
        written: dict = {}
        for name, own in itertools.groupby(sorted(batch), lambda pair: pair[0]):
            visitor = Visitor(self.visitors.get(name))
            for cell, number in visitor.add([beacon for _, beacon in own], self.run).items():
                written[cell] = written.get(cell, 0) + number
            self.visitors[name] = visitor.text()
        for cell in due(written, self.renewed):
            self.sums[cell] = self.sums.get(cell, 0) + written[cell]
            self.rows.append((cell, self.sums[cell]))

    def restarted(self) -> "Job":
        """Return a run that begins with a checkpoint of this one, made now."""
        job = Job(self.rows, next(RUNS))
        job.visitors, job.sums = copy.deepcopy((self.visitors, self.sums))
        return job


def table(rows: list, chance: random.Random) -> dict:
    """Return what a reader keeps of rows that come twice and in any order: the last one emitted."""
    numbered = [*enumerate(rows), *enumerate(rows)]
    chance.shuffle(numbered)
    kept: dict = {}
    for number, (cell, value) in numbered:
        if number >= kept.get(cell, (-1, 0))[0]:
            kept[cell] = number, value
    return {cell: value for cell, (_, value) in kept.items() if value}


def whole(pairs: list[tuple[str, Beacon]]) -> dict:
    """Return the values of all beacons, from the definition of a visit: sorted, cut at gaps."""
    found: dict = {}
    for name in {name for name, _ in pairs}:
        own = sorted((beacon for one, beacon in pairs if one == name), key=lambda b: b[:2])
        cuts = [n for n in range(1, len(own)) if own[n][0] - own[n - 1][0] > own[n].gap]
        for begin, end in zip([0, *cuts], [*cuts, len(own)], strict=True):
            (visit,) = joined_all([], map(visit_of, own[begin:end]), GAP)
            assert visits_of(reversed(own[begin:end]), GAP) == [visit]
            for cell, value in differences([], [visit]).items():
                found[cell] = found.get(cell, 0) + value
    return {cell: value for cell, value in found.items() if value}


@pytest.mark.parametrize("name", CASES)
def test_every_case_in_every_order(name):
    pairs = beacons(CASES[name][0])
    right, metrics = expected(name)
    for order in itertools.permutations(pairs):
        job = Job([])
        for pair in order:
            job.read([pair])
        kept = table(job.rows, random.Random(1))
        assert {cell: value for cell, value in kept.items() if cell[0] in metrics} == right
        seconds = sum(value for cell, value in kept.items() if cell[0] == "visit_seconds")
        assert seconds == CASES[name][2]
        assert kept == whole(pairs)


@pytest.mark.parametrize("name", CASES)
def test_a_crash_after_each_step_and_another_order_after_it(name):
    """The failed run had sent rows that the checkpoint does not know."""
    pairs, chance = beacons(CASES[name][0]), random.Random(name)
    right = whole(pairs)
    for order in itertools.permutations(pairs):
        for known, crashed in itertools.combinations(range(len(pairs) + 1), 2):
            job = Job([])
            for pair in order[:known]:
                job.read([pair])
            checkpoint = job.restarted()
            for pair in order[known:crashed]:
                job.read([pair])
            for rest in itertools.permutations(order[known:]):
                again = checkpoint.restarted()
                again.rows = list(job.rows)
                size = chance.randint(1, len(rest))
                for start in range(0, len(rest), size):
                    again.read(list(rest[start : start + size]))
                assert table(again.rows, chance) == right, (order, known, crashed, rest)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"),
            st.integers(0, 5400),
            st.sampled_from(["pageview", "click", "conversion"]),
            st.sampled_from([None, "/a", "/b"]),
            st.sampled_from([None, "x", "y"]),
        ),
        min_size=1,
        max_size=14,
    ),
    st.randoms(use_true_random=False),
)
def test_three_crashes_one_after_another(drawn, chance):
    pairs = []
    for number, (name, second, event, page, source) in enumerate(drawn):
        at = BEGIN + second * 1000
        told = (event, page, source, None, None, None, None)
        pairs.append((name, Beacon(at, at + number, at + 900, *told, GAP)))
    job, unread = Job([]), list(pairs)
    checkpoint = job.restarted()
    for _ in range(4):
        chance.shuffle(unread)
        count = chance.randint(0, len(unread))
        for pair in unread[:count]:
            job.read([pair])
        if chance.random() < 0.5:  # a crash: what was read since the checkpoint is read again
            job = checkpoint.restarted()
        else:
            checkpoint, unread = job.restarted(), unread[count:]
    if unread:
        job.read(unread)
    assert table(job.rows, chance) == whole(pairs)
