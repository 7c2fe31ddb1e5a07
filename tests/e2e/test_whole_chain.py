"""A beacon's whole journey on the local target: from HTTP to CloudWatch, every stage exact."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from assets.functions.publish_metrics.dimension import dimension_value
from helpers import check
from helpers.audit.filtered_recount import filtered_recount
from helpers.audit.ledger import ledger
from helpers.audit.recount import METRICS, shortened
from helpers.connection.connect import is_running
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.core.waiting import bucket_edge, poll_until
from helpers.deployment.flink_application import start_analytics, stop_analytics
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.dynamodb import metric_values
from helpers.traffic.traffic import Traffic
from tests.catcher import sent_all
from tests.logs import LOGS, SAMPLE, counted

SECONDS = 900  # longer than it takes on any busy machine
METRIC_OF = {"page": "top_pages", "user-agent": "agent_count", "referer": "referral_count"}


def expected_from(log) -> dict[str, Counter]:
    """Each metric's totals, straight from the log: of people, except for bot_count's."""
    people = counted(log, bots=False)
    expected = {"bot_count": people.pop("bot")}
    for header, counts in people.items():
        absent = "(direct)" if header == "referer" else None
        items = {
            absent if value is None else shortened(value.decode("utf-8", "backslashreplace")): n
            for value, n in counts.items()
        }
        items.pop(None, None)
        expected[METRIC_OF[header]] = Counter(items)
    return expected


def by_item(frame) -> Counter:
    return Counter(frame.groupby("Item")["Value"].sum().to_dict())


@pytest.mark.parametrize("log", LOGS)
def test_every_request_of_a_log_is_found_at_every_stage(chain, log):
    since = bucket_edge()
    totals = Traffic(chain).replay(log, rate=250, progress=False)
    assert totals.sent == totals.answered == LOGS[log]
    account = poll_until(lambda: ledger(chain, since), lambda found: found.balances, "all", SECONDS)
    assert account.balances, account
    stages = account.frame.loc[["sent", "answered", "archived", "flink", "dynamodb", "cloudwatch"]]
    assert set(stages["Beacons"]) == {LOGS[log]}
    expected = expected_from(log)
    bots = expected.pop("bot_count")
    assert set(stages["Bots"]) == {bots.total()}
    for metric, items in expected.items():
        assert by_item(metric_values(chain, metric, start=since)) == items
    # A bot's name is the same for each of its versions.
    named = by_item(metric_values(chain, "bot_count", start=since))
    assert named.total() == bots.total() and 0 < len(named) <= len(bots)


def test_cloudwatch_has_the_same_sum_over_any_period(chain):
    edge = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)

    def totals(read, **period):
        return {m: read(chain, m, start=edge, **period)["Value"].sum() for m in METRICS}

    def both(period):
        return totals(metric_values), totals(cloudwatch_values, period=period)

    for period in (10, 60, 3600):
        # Rows of one metric may still be on their way when those of another have arrived.
        stored, shown = poll_until(
            lambda period=period: both(period),
            lambda two: two[0] == two[1],
            "all is shown",
            SECONDS,
        )
        assert stored["event_count"] > 0 and shown == stored


def test_a_filter_of_the_dashboard_counts_the_visits_that_the_table_has(chain):
    edge = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)

    def stored() -> Counter:
        return by_item(metric_values(chain, "source_count", start=edge))

    def counted() -> Counter:
        sources = {source: dimension_value(source) for source in stored()}
        return Counter({
            source: int(found.loc[found["Metric"] == "visit_count", "Value"].sum())
            for source, value in sources.items()
            for found in [filtered_recount(chain, edge, {"source": value})]
        })  # fmt: skip

    found, right = poll_until(
        lambda: (counted(), stored()), lambda two: two[0] == two[1], "all is archived", SECONDS
    )
    assert len(right) > 1 and right.total() > 50 and found == right


def test_the_demo_prints_the_ledger_as_its_last_line_and_leaves_a_running_target_alone(chain):
    command = [sys.executable, "-m", "helpers.demo", "--rate", "250"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    stages = ("sent", "archived", "dynamodb", "cloudwatch")
    assert [summary.pop(stage) for stage in stages] == [2000] * 4
    bots = counted(SAMPLE, bots=False)["bot"].total()
    assert [summary.pop(name) for name in ("accepted", "bots")] == [2000 - bots, bots]
    assert [summary.pop(name) for name in ("rejected", "duplicates", "lost")] == [0, 0, 0]
    assert set(summary) == {"latency_p50_s", "latency_p99_s"} and all(summary.values())
    assert is_running()


@pytest.fixture
def stopped_job(chain):
    stop_analytics(chain)
    yield
    start_analytics(chain)


def test_beacons_that_no_job_counts_are_missed_by_the_ledger_and_by_the_check(
    chain, stopped_job, monkeypatch
):
    monkeypatch.setattr(check, "SETTLE_SECONDS", 5)
    since, traffic = bucket_edge(), Traffic(chain)
    totals = sent_all(traffic, rate=50, seconds=2)
    account = poll_until(
        lambda: ledger(chain, since),
        lambda found: not found.frame.loc["archived", "Missing"],
        "it is archived",
        SECONDS,
    )
    frame = account.frame.loc[["archived", "flink", "dynamodb", "cloudwatch"]]
    assert totals.sent == 100 and list(frame["Beacons"]) == [100, 0, 0, 0]
    assert list(frame["Missing"]) == [0, 100, 0, 0] and not account.balances
    assert "start_analytics(cloud)" in frame.loc["flink", "Cause"]
    assert set(account.missing["Stage"]) == {"flink"}
    with pytest.raises(WorkshopError, match="differ from the archive's recount"):
        check.visualized(chain, traffic)
