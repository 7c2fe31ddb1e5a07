"""The recount of visits with pandas, against the job's own way, which is another one."""

import random

import pandas as pd
import pytest
from visits import Beacon, differences, joined_all, visit_of

from helpers.audit.recount import shortened
from helpers.audit.recounted_visits import METRICS, recounted_visits, visits_of, with_visits
from helpers.stores.archive import FIELDS, field_column
from tests.unit.stream_job.visit_cases import BEGIN, CASES, GAP, beacons, expected

COLUMNS = ("requested_at", "received_at", "shipped_at", "event", "page", "source", "campaign",
           "browser", "system", "device")  # fmt: skip


def archived(pairs) -> pd.DataFrame:
    records = [
        {"clientid": name} | dict(zip(COLUMNS, beacon, strict=False)) for name, beacon in pairs
    ]
    return pd.DataFrame({field: field_column(records, field) for field in FIELDS})


def by_cell(frame: pd.DataFrame) -> dict:
    return {
        (row.Metric, int(row.Time.timestamp()), row.Item): row.Value for row in frame.itertuples()
    }


@pytest.mark.parametrize("name", CASES)
def test_every_case(name):
    counted = by_cell(recounted_visits(archived(beacons(CASES[name][0])), shortened))
    right, metrics = expected(name)
    assert {cell: value for cell, value in counted.items() if cell[0] in metrics} == right
    assert {metric for metric, _, _ in counted} <= set(METRICS)


@pytest.mark.parametrize("seed", range(5))
def test_it_counts_the_same_as_the_job(seed):
    chance = random.Random(seed)
    pairs = []
    for _ in range(2000):
        at = BEGIN + chance.randrange(20_000) * 1000
        received = chance.choice([at + chance.randrange(1000), at + 60_000, None])
        told = [
            chance.choice(["pageview", "click", "conversion", None]),
            *(chance.choice([None, "a", "b\nc", "x" * 300]) for _ in range(6)),
        ]
        told[1:] = [text and shortened(text) for text in told[1:]]
        pairs.append((f"visitor {chance.randrange(40)}", Beacon(at, received, at + 9, *told, GAP)))
    right: dict = {}
    for visitor in {name for name, _ in pairs}:
        singles = [visit_of(beacon) for name, beacon in pairs if name == visitor]
        for visit in joined_all([], singles, GAP):
            for cell, value in differences([], [visit]).items():
                right[cell] = right.get(cell, 0) + value
    right = {cell: value for cell, value in right.items() if value}
    assert by_cell(recounted_visits(archived(pairs), shortened)) == right


def test_without_beacons_there_are_no_visits():
    assert visits_of(with_visits(archived([]))).empty
    assert recounted_visits(archived([]), shortened).empty


def test_another_gap_divides_the_same_beacons_in_another_way():
    pairs = beacons(CASES["two page views"][0])
    parts = [
        visits_of(with_visits(archived(pairs), gap=pd.Timedelta(seconds=gap))) for gap in (40, 39)
    ]
    assert [len(part) for part in parts] == [1, 2]
