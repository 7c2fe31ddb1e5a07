"""The rows of visits: computed by hand, and those of the demo shop's simulated visitors."""

import json
import math
import random
import re
from collections import Counter, defaultdict

import pytest
from visitor import Visitor
from visits import METRICS, Beacon

from helpers.core.paths import REPOSITORY
from helpers.generator.settings import DEFAULTS
from helpers.generator.shop import Shop
from helpers.planning import capacity
from helpers.planning.capacity import VISIT_BATCH_SECONDS, VISIT_BUCKET_SECONDS, rows_by_metric
from tests.unit.planning.planner_units import FIGURES, planner_units  # noqa: F401 - a fixture

BEGIN = 1_795_564_800  # epoch seconds


def catalog() -> dict[str, dict]:
    text = (REPOSITORY / "assets" / "catalog.json").read_text(encoding="utf-8")
    return {row["MetricType"]: row for row in json.loads(text)}


def test_the_planner_knows_each_metric_of_the_catalog():
    assert set(rows_by_metric(1e6, 12, 1)) == set(catalog())


def test_visits_have_the_jobs_batches_and_the_catalogs_buckets():
    stage = (REPOSITORY / "assets/flink/dep/visit_stage.py").read_text(encoding="utf-8")
    assert re.findall(r"^BATCH_MS = ([\d_]+)$", stage, re.M) == [f"{VISIT_BATCH_SECONDS}_000"]
    assert {catalog()[name]["BucketSeconds"] for name in METRICS} == {VISIT_BUCKET_SECONDS}


def test_rows_of_visits_by_hand():
    # 0.09 beacons a second are 0.02 visits of 4.5 beacons: too few to share a row
    few = rows_by_metric(1e6, 0.09, 1)
    assert few["visit_count"] == pytest.approx(0.02, rel=0.03)
    # one that begins adds a bounce, and one that continues takes it back
    assert few["bounce_count"] == pytest.approx(2 * 0.02, rel=0.05)
    assert few["visit_seconds"] == pytest.approx(0.09 - 0.02, rel=0.05)
    # 0.054 page views: 0.02 first ones add a last page, 0.034 later ones change two pages' counts
    assert few["exit_pages"] == pytest.approx(0.02 + 2 * 0.034, rel=0.03)
    assert few["conversion_count"] == pytest.approx(0.03 * 0.09, rel=0.01)
    # So many that each item of the present minute changes once in two seconds, or once in a batch
    # that is longer; with exp(-n / 5) of them for n minutes ago, each of 35 minutes, too.
    many = rows_by_metric(1e6, 1e8, 1)
    assert many["visit_count"] == 1 / 2 and many["device_count"] == pytest.approx(3 / 2)
    assert many["entry_pages"] == many["source_count"] == pytest.approx(12 / 2)
    assert many["visit_seconds"] == pytest.approx(35 / 2)
    assert many["exit_pages"] == pytest.approx(35 * 12 / 2)
    assert rows_by_metric(1e6, 1e8, 10)["visit_count"] == pytest.approx(1 / 10)


def test_visits_store_one_row_a_minute_and_item():
    # 10,000,000 a second: 12 pages, 7 events and 10 bots in ten seconds, 12 pages in a minute
    beacons = 3 * 12 / 10 + 2 * 7 / 10 + 7 / 10 + 10 / 10 + 3 / 10
    visits = (3 + 4 * 12 + 5 + 8 + 6 + 3) / 60
    assert capacity._stored_rows(1e6, 1e7) == pytest.approx(beacons + visits)


def shop_rows(rate: int, minutes: int) -> Counter[str]:
    """Return the rows a second of visits by metric, in the last four minutes of simulated visits.

    Each visitor has one browser, system and device here.
    """
    shop, rows = Shop(random.Random(1), rate), Counter[str]()
    shop.set_mix(DEFAULTS["mix"])
    visitors: defaultdict[str, Visitor] = defaultdict(Visitor)
    measured = 4 * 60
    for begin in range(0, minutes * 60, VISIT_BATCH_SECONDS):
        batch: defaultdict[str, list[Beacon]] = defaultdict(list)
        for number in range(rate * VISIT_BATCH_SECONDS):
            beacon = shop.beacon(DEFAULTS["visitors"], bots=0)
            at = round((BEGIN + begin + number / rate) * 1000)
            texts = (beacon.event, beacon.page, beacon.source, beacon.campaign)
            fields = [text and text.decode() for text in texts]
            own = batch[beacon.clientid.decode()]
            own.append(Beacon(at // 1000 * 1000, at, at, *fields, None, None, None, 1_800_000))
        changed = {cell for name, own in batch.items() for cell in visitors[name].add(own, run=0)}
        if begin >= minutes * 60 - measured:
            rows.update(metric for metric, _, _ in changed)
    return Counter({metric: count / measured for metric, count in rows.items()})


def test_rows_of_visits_are_nearly_those_of_the_demo_shop():
    # 20 beacons a second are planned with the pages of 1.7 million a day: 16. The shop has eight
    # first pages and ten last ones, so its numbers are smaller.
    found, planned = shop_rows(20, 20), rows_by_metric(20 * 86_400, 20, 1)
    for metric, factor in (("visit_count", 1.1), ("visit_seconds", 1.25), ("bounce_count", 1.25)):
        assert planned[metric] == pytest.approx(found[metric], rel=factor - 1), metric
    assert found["exit_pages"] < planned["exit_pages"] < 1.4 * found["exit_pages"]
    assert sum(found.values()) == pytest.approx(25, abs=1.5)
    assert sum(found.values()) < sum(planned[metric] for metric in METRICS) < 45


def test_most_rows_of_visits_are_those_of_last_pages():
    rows = rows_by_metric(10e6, 116, 1)
    assert rows["exit_pages"] > sum(rows[metric] for metric in METRICS) / 2
    assert math.isfinite(sum(rows.values())) and FIGURES["visit_minutes"] == 5
