"""The emulator's price meter: every request by caller; the functions cost no more than promised."""

import json
import random
from collections import Counter
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from helpers.core.billed_units import USED_WRITES
from helpers.core.call_meter import Reading
from helpers.core.cloud import Cloud
from helpers.local.access_key import AccessKey
from helpers.local.client import counted_calls
from helpers.planning.bottlenecks import planned
from helpers.planning.capacity import (
    EVENTS,
    FEW,
    LEAST_WRITE_UNITS,
    USED_PART,
    VISIT_BATCH_SECONDS,
    different_items,
)
from helpers.planning.limits import units
from helpers.planning.monthly_cost import BY_TIME, CATALOG_SECONDS, counting_hour, month_of
from helpers.planning.price_meter import by_caller, price_meter, price_of
from tests.unit.functions.lambdas import container, kinesis_event, own_tables, put_catalog, row

SECONDS = 60
BUCKET = 1795500000


def readings(cloud: Cloud, caller: str) -> dict[str, Reading]:
    own = cloud.session.get_credentials()
    _, found = counted_calls(cloud.endpoint, AccessKey(own.access_key, own.secret_key))
    return {each.operation: each for each in found if each.caller == caller}


def units_of(found: dict[str, Reading]) -> Counter:
    total: Counter = Counter()
    for each in found.values():
        total.update(each.units)
    return total


def test_the_meter_is_shown_to_this_runs_key_only(emulator):
    with pytest.raises(HTTPError, match="403"):
        urlopen(f"{emulator.endpoint}/_workshop/meter", timeout=10)
    assert json.dumps([each.caller for each in readings(emulator, "other").values()])


def test_the_emulator_counts_what_the_kernel_counts(emulator, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "counted.ipynb")
    cloud = own_tables(emulator, monkeypatch)
    cloud = Cloud(cloud.session, cloud.account, cloud.prefix, cloud.endpoint)
    put_catalog(cloud)
    cloud.client("dynamodb").scan(TableName=cloud.name("Metrics"))
    cloud.client("cloudwatch").list_metrics()
    cloud.client("kinesis").list_streams()
    cloud.client("cloudformation").list_stacks()
    with pytest.raises(cloud.client("dynamodb").exceptions.ClientError):
        cloud.client("dynamodb").get_item(TableName="none", Key={"a": {"S": "b"}})
    own = {each.operation: each for each in cloud.counted_calls()[1]}
    theirs = readings(cloud, "counted.cell")
    for operation in ("PutItem", "Scan", "ListMetrics", "ListStreams"):
        assert theirs[operation] == own[operation], operation
    assert theirs["POST"].calls == 1  # CloudFormation's protocol names the operation in the body


def test_prices_are_those_of_the_list():
    units = {"million PutMetricData": 2e-6, USED_WRITES: 1000.0}
    assert price_of(units) == pytest.approx(2e-6 * 10)
    found = [Reading("a.b", "cloudwatch", "PutMetricData", 2, units)]
    frame = by_caller(found, hours=0.5)
    assert frame.loc["a.b", "Dollars an hour"] == pytest.approx(4e-5)
    assert frame.loc["a.b", "Most of it"] == "million PutMetricData"
    assert frame.loc["Total", "Calls"] == 2


def test_the_meter_shows_every_caller(emulator, monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "shown.ipynb")
    cloud = Cloud(emulator.session, emulator.account, "shown", emulator.endpoint)
    cloud.client("cloudwatch").list_metrics()
    frame = price_meter(cloud)
    assert frame.loc["shown.cell", "Dollars"] == pytest.approx(1e-5)
    assert f"${counting_hour():.2f} an hour" in capsys.readouterr().out


def beacons(rate: float) -> list[tuple[str, str, str, str]]:
    """Return the event, page, agent and referrer of one second's beacons (a Poisson number)."""
    items = round(different_items(1e6))
    weights = [1 / n for n in range(1, items + 1)]
    count = sum(random.random() < rate / 1000 for _ in range(1000))
    return [
        (
            f"event{random.choices(range(len(EVENTS)), EVENTS)[0]}",
            *(f"{kind}{random.choices(range(items), weights)[0]}" for kind in ("/page", "a", "r")),
        )
        for _ in range(count)
    ]


def rows_of(second: int, counts: Counter, new: list) -> list[dict]:
    """Return the rows of the keys that one second's beacons change."""
    bucket, changed = BUCKET + second // 10 * 10, set()
    for event, page, agent, referrer in new:
        keys = [("event_count", event), ("hourly_events", event), ("top_pages", page),
                ("agent_count", agent), ("referral_count", referrer)]  # fmt: skip
        for metric, item in [*keys, ("visitor_count", "All Visitors")]:
            at = BUCKET + second // 60 * 60 if metric == "visitor_count" else bucket
            counts[metric, item, at] += 1
            changed.add((metric, item, at))
    return [row(counts[key], key[1], key[2], key[0]) for key in sorted(changed)]


def visit_cells(second: int, beacons: int) -> set[tuple[str, str, int]]:
    """Return what so many beacons change in the metrics of visits: metric, item and minute.

    Their chances are those of the planner: one of 4.5 begins a visit; of the others, 0.486 are page
    views and 0.039 are conversions, in a visit that began five minutes ago on average.
    """
    present, items = BUCKET + second // 60 * 60, round(different_items(1e6))
    cells: set[tuple[str, str, int]] = set()

    def change(metric: str, most: int = 1, at: int = present) -> None:
        item = random.choices(range(most), [1 / n for n in range(1, most + 1)])[0]
        cells.add((metric, f"item{item}", at))

    for _ in range(beacons):
        if random.random() < 1 / units().beacons_a_visit:
            for metric, most in (*FEW.items(), ("entry_pages", items), ("source_count", items)):
                change(metric, most)
            change("visit_count")
            change("bounce_count")
            change("exit_pages", items)
            continue
        at = present - 60 * int(random.expovariate(1 / units().visit_minutes))
        change("visit_seconds", at=at)
        kind = random.random()
        if kind < 0.486:
            change("exit_pages", items, at)
            change("exit_pages", items, at)
        elif kind < 0.486 + 0.039:
            change("conversion_count", items, at)
    return cells


@pytest.fixture
def minute(emulator, monkeypatch):
    """Run both functions for a minute of a million events a day, at AWS's pace: process-metrics
    once a second, publish-metrics twice; return their readings."""
    random.seed(7)
    cloud = own_tables(emulator, monkeypatch)
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", f"{cloud.prefix}-process-metrics")
    process = container("process_metrics")
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", f"{cloud.prefix}-publish-metrics")
    publish = container("publish_metrics")
    for each in json.loads((price_list_path()).read_text(encoding="utf-8")):
        put_catalog(cloud, each["MetricType"], MaxItems=each["MaxItems"])
    reader, counts = Changes(cloud), Counter()
    for second in range(SECONDS):
        now = 1000.0 + second
        monkeypatch.setattr(publish.catalog, "time", SimpleNamespace(monotonic=lambda n=now: n))
        monkeypatch.setattr(publish.handler, "is_timely", lambda *_: True)
        rows = rows_of(second, counts, beacons(11.6))
        if second % VISIT_BATCH_SECONDS == 0:
            for metric, item, at in visit_cells(second, round(11.6 * VISIT_BATCH_SECONDS)):
                counts[metric, item, at] += 1
                rows.append(row(counts[metric, item, at], item, at, metric))
        process.handler.handler(kinesis_event(rows), None)
        records = reader.new()
        half = len(records) // 2
        for part in (records[:half], records[half:]):
            assert publish.run({"Records": part}, None) == {"batchItemFailures": []}
    return {name: readings(cloud, f"{cloud.prefix}-{name}")
            for name in ("process-metrics", "publish-metrics")}  # fmt: skip


def price_list_path():
    from helpers.core.paths import REPOSITORY

    return REPOSITORY / "assets" / "catalog.json"


class Changes:
    """Reads the table's stream, each record once."""

    def __init__(self, cloud: Cloud) -> None:
        self._streams = cloud.client("dynamodbstreams")
        arn = self._streams.list_streams(TableName=cloud.name("MetricDetails"))["Streams"][0]
        described = self._streams.describe_stream(StreamArn=arn["StreamArn"])
        (shard,) = described["StreamDescription"]["Shards"]
        self._iterator = self._streams.get_shard_iterator(
            StreamArn=arn["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def new(self) -> list[dict]:
        page = self._streams.get_records(ShardIterator=self._iterator, Limit=1000)
        self._iterator = page["NextShardIterator"]
        for record in page["Records"]:
            at = record["dynamodb"]["ApproximateCreationDateTime"]
            record["dynamodb"]["ApproximateCreationDateTime"] = at.timestamp()
        return page["Records"]


def test_counting_costs_what_the_plan_and_connect_promise(minute):
    process, publish = minute["process-metrics"], minute["publish-metrics"]
    assert publish["PutMetricData"].calls == pytest.approx(2 * SECONDS, rel=0.05)
    # A read and a write of the marks for each call; the catalog, once in five seconds.
    assert publish["GetItem"].calls == pytest.approx(2 * SECONDS, rel=0.05)
    # (Its rows, which were first needed at different times, are read in more than one call.)
    kept = SECONDS / CATALOG_SECONDS
    assert kept <= publish["BatchGetItem"].calls <= 4 * kept
    admitted = publish["UpdateItem"].calls - publish["GetItem"].calls
    assert 0 < admitted < planned(1e6).metrics, "the items of the first minute"
    # Rows of the planner, and the table's capacity is enough for them.
    written = process["PutItem"].units[USED_WRITES] / SECONDS
    assert written == pytest.approx(planned(1e6).rows, rel=0.15)
    assert written < USED_PART * planned(1e6).write_units[0]
    used = units_of(process) + units_of(publish)
    hour = price_of(used) * 3600 / SECONDS
    functions = ("million calls of functions", "million GB-seconds")  # Lambda's: not run here
    more = month_of("write unit", planned(1e6).write_units[0] - LEAST_WRITE_UNITS) / 730
    of_plan = counting_hour() - more - sum(hour_of(name) for name in functions)
    assert set(used) - {USED_WRITES} <= set(BY_TIME)
    assert hour == pytest.approx(of_plan, rel=0.15)
    assert hour <= counting_hour()


def hour_of(name: str) -> float:
    from helpers.planning.monthly_cost import resources

    return month_of(name, resources(planned(1e6))[name]) / 730
