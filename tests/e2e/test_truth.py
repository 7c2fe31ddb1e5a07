"""Tens of thousands of beacons through the real chain, and everything that can go wrong on the way.

Late, out of order, twice, too late, rejected, no beacons, odd texts; the job is killed, stopped,
started, and restarted by a change of its SQL. A wrong statement is corrected, also for the past,
and the table is lost, by rebuilds that are killed. Each time, every value of every bucket must be
what plain Python computes from what was put into the stream. `BEACONS=100000 MINUTES=30 pytest`
puts that many, and lets the traffic run for so long.
"""

import json
import os
import signal
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pandas as pd
import pytest

from helpers.audit import reconcile as reconciling
from helpers.audit.recount import METRICS
from helpers.connection.connect import connect
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY, read_json
from helpers.deployment.deploy import deploy
from helpers.deployment.fleet import beacon_url
from helpers.deployment.flink_application import start_analytics, stop_analytics, update_analytics
from helpers.deployment.metric_catalog import add_metric
from helpers.deployment.stacks import MODULES
from helpers.local import supervisor
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import metric_values
from helpers.traffic.traffic import Traffic
from tests.e2e.flink_reference import expected, records, stamp
from tests.e2e.truth_rebuilt import (
    SLOW,
    WRONG_MS,
    assert_cloudwatch_has_means,
    correct_the_past,
    lose_the_table,
    slow_pages_sql,
)
from tests.read_ledger import assert_recount_agrees
from tests.settling import settled
from tests.shipped import read_stream, shipped

FLINK = REPOSITORY / "assets" / "flink"
sys.path.append(str(FLINK / "dep"))
BEACONS = int(os.environ.get("BEACONS", 40_000))
MINUTES = float(os.environ.get("MINUTES", 0.25))
MEAN = FLINK / "extra" / "20_avg_pg_ld.sql"


@pytest.fixture
def cloud(own_home):
    """A local target of this test's own: nothing else is in its tables."""
    cloud = connect("local")
    for module in MODULES:
        deploy(cloud, module)
    add_metric(cloud, "avg_pg_ld", title="Load", unit="Milliseconds", statistic="Average")
    add_metric(cloud, SLOW, title="Slow pages", unit="Count", statistic="Sum")
    start_analytics(cloud)
    beacon_url(cloud)
    yield cloud
    supervisor.stop()


def put(cloud, clicks: list[dict], firsts: dict[str, int]) -> None:
    kinesis, stream = cloud.client("kinesis"), cloud.name("clicks")
    for start in range(0, len(clicks), 500):
        part = clicks[start : start + 500]
        stamp(part, time.time(), firsts)
        batch = [
            {"Data": json.dumps(c).encode() + b"\n", "PartitionKey": c["beacon_id"]} for c in part
        ]
        answer = kinesis.put_records(StreamName=stream, Records=batch)
        assert answer["FailedRecordCount"] == 0


def stored(cloud, start, *metrics: str) -> dict:
    """Return (value, Samples) of every row in the table, by (metric, bucket, item).

    Rows of 0 are left out: of visits, which have no Samples, and those that a rebuild set to 0.
    """
    rows = {}
    for metric in metrics:
        frame = metric_values(cloud, metric, start=start)
        for row in frame.itertuples():
            samples = None if pd.isna(row.Samples) else row.Samples
            if samples or row.Value:
                rows[metric, int(row.Time.timestamp()), row.Item] = row.Value, samples
    return rows


def wait_until_equal(read: Callable[..., dict], wanted: dict, metrics: tuple[str, ...]) -> None:
    """Wait until each metric's values are the wanted ones, then read all of them once more.

    One metric is read at a time, and not again when it is right: reading all of them again and
    again would take most of the processor's time from what this waits for.

    Args:
        read: returns the values of the given metrics, by (metric, bucket, ...).
        wanted: the same of all metrics.
        metrics: their names.
    """
    parts: dict[str, dict] = {metric: {} for metric in metrics}
    for key, value in wanted.items():
        parts[key[0]][key] = value
    left, found = deque(metrics), {}

    def wrong_ones(*some: str) -> list[str]:
        values = read(*some)
        for metric in some:
            found[metric] = {key: value for key, value in values.items() if key[0] == metric}
        return [metric for metric in some if found[metric] != parts[metric]]

    def read_next() -> dict:
        while left and not wrong_ones(left[0]):
            left.popleft()
        left.rotate(-1)
        if not left:
            left.extend(wrong_ones(*metrics))
        return dict(found)

    settled(read_next, lambda _: not left)
    last = {key: value for part in found.values() for key, value in part.items()}
    wrong = [key for key in wanted | last if wanted.get(key) != last.get(key)]
    some = [(key, wanted.get(key), last.get(key)) for key in wrong[:10]]
    assert not wrong, f"{len(wrong)} of {len(wanted)} are wrong: {some}"


def kill_job(home, name: str) -> None:
    status = read_json(home / "flink" / name / "status.json", {})
    os.killpg(status["pid"], signal.SIGKILL)


def test_every_value_of_every_bucket_is_what_was_sent(cloud, own_home, monkeypatch):
    name, now = cloud.name("analytics"), int(time.time() * 1000)
    start = datetime.fromtimestamp(now / 1000, UTC).replace(second=0, microsecond=0)
    hours_ago = start - timedelta(hours=1, minutes=20)
    clicks, firsts = records(BEACONS, now, seed=7), {}
    a, b, c = (BEACONS * tenths // 10 for tenths in (3, 5, 7))
    traffic = Traffic(cloud)
    # No duplicates of these: when it catches up, Flink may read files in another order, and count
    # the first as the copy. The copies among `clicks` arrive in the ten seconds of their firsts.
    # On a busy machine all this takes an hour, so its traffic is slow.
    traffic.start(rate=20, malformed_percent=5, late_percent=5)

    put(cloud, clicks[:a], firsts)
    kill_job(own_home, name)  # while it reads
    put(cloud, clicks[a:b], firsts)
    time.sleep(15)
    kill_job(own_home, name)
    stop_analytics(cloud)
    put(cloud, clicks[b:c], firsts)  # these wait in the stream
    start_analytics(cloud)
    put(cloud, clicks[c:], firsts)
    scores_before = wait_for_scores(cloud, hours_ago, 3)

    # Wrong SQL changes nothing, not even the version; right SQL restarts the job by replay.
    mine = own_home / "sql"
    mine.mkdir(exist_ok=True)
    (mine / "30_wrong.sql").write_text("INSERT INTO metrics\nSELECT colour FROM beacons\n")
    with pytest.raises(WorkshopError, match=r"30_wrong.sql: .*line 2, column 8.*'colour' not"):
        update_analytics(cloud)
    (mine / "30_wrong.sql").unlink()
    (mine / MEAN.name).write_text(MEAN.read_text())
    slow = mine / "21_slow_pages.sql"
    slow.write_text(slow_pages_sql(WRONG_MS))
    update_analytics(cloud)
    running = cloud.client("kinesisanalyticsv2").describe_application(ApplicationName=name)
    assert running["ApplicationDetail"]["ApplicationStatus"] == "RUNNING"
    update_analytics(cloud)  # the same again: nothing to do
    deploy(cloud, "2-analyze")
    again = cloud.client("kinesisanalyticsv2").describe_application(ApplicationName=name)
    assert code_and_version(again) == code_and_version(running)

    time.sleep(60 * MINUTES)
    traffic.stop()
    time.sleep(3)
    sent = shipped(cloud, cloud.name("clicks"))
    assert len(sent) > BEACONS and [r for r in sent if r in clicks[-3:]] == clicks[-3:]

    wanted = expected(sent)
    begin = read_json(own_home / "flink" / name / "application.json")["begin"]
    whole = {
        key: (value, samples)
        for key, (value, samples, _) in wanted.items()
        if key[0] != "avg_pg_ld" or key[1] >= begin
    }
    metrics = (*METRICS, "avg_pg_ld")
    wait_until_equal(partial(stored, cloud, hours_ago), whole, metrics)
    # A learner's check agrees; the archive may be a few seconds behind.
    assert_recount_agrees(cloud, start)

    assert_cloudwatch_agrees(cloud, hours_ago, whole)
    check_scores(cloud, hours_ago, scores_before, wanted)

    whole = correct_the_past(cloud, slow, hours_ago, stored, sent, wait_until_equal)
    assert_cloudwatch_agrees(cloud, hours_ago, whole)
    lose_the_table(cloud, hours_ago, stored, whole, wait_until_equal)
    assert_cloudwatch_agrees(cloud, hours_ago, whole)
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)  # also of rows that just changed
    frame = reconciling.reconcile(cloud)
    assert frame.empty, frame


def assert_cloudwatch_agrees(cloud, start, whole: dict) -> None:
    for period in (10, 60, 3600):
        read = partial(cloudwatch_totals, cloud, start, period)
        wait_until_equal(read, totals(whole, period), METRICS)
    assert_cloudwatch_has_means(cloud, start, whole)


def code_and_version(answer: dict) -> tuple:
    detail = answer["ApplicationDetail"]
    code = detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]
    return detail["ApplicationVersionId"], code


def cloudwatch_totals(cloud, start, period: int, *metrics: str) -> dict:
    """Return each metric's sum over all items, by (metric, period's start)."""
    edge = start.replace(minute=0, second=0, microsecond=0) if period == 3600 else start
    found = {}
    for metric in metrics:
        frame = cloudwatch_values(cloud, metric, start=edge, period=period)
        for time_, value in frame.groupby("Time")["Value"].sum().items():
            found[metric, int(time_.timestamp())] = value
    return {key: value for key, value in found.items() if value}


def totals(whole: dict, period: int) -> dict:
    sums = Counter()
    for (metric, bucket, _), (value, _) in whole.items():
        if metric in METRICS:
            sums[metric, bucket // period * period] += value
    return dict(sums)


def wait_for_scores(cloud, start, buckets: int) -> list[tuple]:
    """Wait until so many buckets have a score; return the rows in their order."""

    def enough(rows: list[tuple]) -> bool:
        return len({row[0] for row in rows}) >= buckets

    rows = settled(lambda: score_rows(cloud, start), enough)
    assert enough(rows), rows
    return rows


def score_rows(cloud, start) -> list[tuple]:
    frame = metric_values(cloud, "event_anomaly", start=start)
    return sorted((int(r.Time.timestamp()), r.Item, r.Samples, r.Value) for r in frame.itertuples())


def check_scores(cloud, start, before: list[tuple], wanted: dict) -> None:
    """Each score is put once, and equals that of a forest that gets the final counts in order."""
    from forest import Forest

    # Ten seconds without beacons have scores, too: while the stream is read, more may arrive, and
    # the newest bucket may be half written.
    rows = score_rows(cloud, start)
    newest = max(row[0] for row in rows)
    rows = [row for row in rows if row[0] < newest]
    put_rows = defaultdict(set)
    for record in read_stream(cloud, cloud.name("metrics")):
        row = json.loads(record["Data"])["after"]
        if row["MetricType"] == "event_anomaly" and row["EventTimestamp"] < newest:
            key = row["EventTimestamp"], row["MetricItem"]
            put_rows[key].add((row["Samples"], row["UnitValueFloat"]))
    assert all(len(values) == 1 for values in put_rows.values())

    assert {(r[0], r[1]): {r[2:]} for r in rows} == put_rows
    assert rows[: len(before)] == before  # not one was changed by what came later
    buckets = sorted({row[0] for row in rows})
    assert buckets == list(range(buckets[0], buckets[-1] + 10, 10))  # nor one left out
    for bucket, event, samples, _ in rows:
        assert samples <= wanted.get(("event_count", bucket, event), (0,))[0]

    # Through two kills and a stop, one forest: until the replay began another.
    forest = Forest()
    for bucket, event, samples, value in before:
        assert value == forest.score(event, samples), (bucket, event)
