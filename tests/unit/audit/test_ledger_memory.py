"""Records that an agent ships again, while Flink remembers the first copy and afterwards."""

from datetime import UTC, datetime

import pytest

from helpers.audit import ledger as accounts
from helpers.audit import record_outcomes as balance
from helpers.audit.ledger import ledger
from helpers.audit.record_outcomes import archived_outcomes
from helpers.audit.recount import compare
from tests.read_ledger import broken, numbers
from tests.unit.audit.ledger_world import PLAIN, START
from tests.unit.stream_job.test_main import main  # noqa: F401 - a fixture

HOUR = 3600
JUST_NOW, DAY = START - 60, START - 6 * HOUR


@pytest.fixture
def world(world, monkeypatch):
    monkeypatch.setattr(accounts, "_made", lambda cloud: START - 8 * HOUR)
    return world.with_the_rest()


def wrong_values(world, start):
    """Values of the two metrics that count copies, in which table and recount differ."""
    differing = compare(world.cloud, datetime.fromtimestamp(start, UTC))
    return differing[differing["Metric"].isin(["rejected_count", "duplicate_count"])]


def ledger_since(world, start):
    return ledger(world.cloud, datetime.fromtimestamp(start, UTC))


def test_the_recount_assumes_flinks_time_to_live(main):  # noqa: F811
    number, unit = main.OPTIONS["table.exec.state.ttl"].split()
    assert unit == "h" and balance.MEMORY.total_seconds() == int(number) * HOUR


@pytest.mark.parametrize("start", [JUST_NOW, DAY], ids=["just now", "day"])
@pytest.mark.parametrize(
    ("times", "kinds"),
    [
        ([-2 * HOUR], [0, 1]),
        ([-4 * HOUR], [1, 0]),
        ([-5 * HOUR, -2.5 * HOUR], [0, 1]),  # each copy renews the counter
        ([-5 * HOUR, -3.5 * HOUR], [1, 0]),
        ([-5.5 * HOUR, -2 * HOUR, -1], [0, 1]),  # counted as a new beacon, and its copies
    ],
)
def test_a_copy_is_a_duplicate_while_flink_remembers_the_first(world, times, kinds, start):
    name = world.send(PLAIN, times[0])
    for at in times[1:]:
        world.ship_again(name, at)
    world.ship_again(name, 5)
    world.send(PLAIN, 7)
    account = ledger_since(world.flow(), start)
    assert broken(account) == {} and account.balances, account
    assert wrong_values(world, start).empty
    outcomes = archived_outcomes(world.cloud, datetime.fromtimestamp(JUST_NOW, UTC))
    last = outcomes[outcomes["beacon_id"] == name].iloc[-1]
    assert [last["reason"] == "too_late", last["outcome"] == "duplicate"] == kinds
    assert outcomes["undecided"].isna().all() and numbers(account, "undecided") == [0]
    if start == DAY:
        assert numbers(account, "sent", "sent_again") == [2, len(times)]


@pytest.mark.parametrize("start", [JUST_NOW, DAY], ids=["just now", "day"])
@pytest.mark.parametrize("seconds", [3 * HOUR - 240, 3 * HOUR + 240])
@pytest.mark.parametrize("remembered", [3 * HOUR - 480, 3 * HOUR, 3 * HOUR + 480])
def test_a_copy_that_arrives_about_when_flink_forgets_the_first_is_undecided(
    world, seconds, remembered, start
):
    world.flink_remembers = remembered
    for name in [world.send(PLAIN, 5 - seconds) for _ in range(3)]:
        world.ship_again(name, 5)
    account = ledger_since(world.flow(), start)
    assert broken(account) == {} and account.balances, account
    assert numbers(account, "undecided") == [3] and "3 just as Flink forgot" in account.sentence
    assert wrong_values(world, start).empty


def test_a_first_copy_that_flink_forgot_too_early_leads_to_differences(world):
    world.flink_remembers = HOUR
    world.ship_again(world.send(PLAIN, -2 * HOUR), 5)
    account = ledger_since(world.flow(), JUST_NOW)
    assert broken(account) == {"flink": (1, 1)} and account.wrong == 2
    assert len(wrong_values(world, JUST_NOW)) == 2


def test_undecided_copies_that_flink_did_not_count_are_missing(world):
    for name in [world.send(PLAIN, 5 - 3 * HOUR) for _ in range(2)]:
        world.ship_again(name, 5)
    lost = {("duplicate_count", START, "All Beacons"), ("rejected_count", START, "too_late")}
    account = ledger_since(world.flow(without=lost), JUST_NOW)
    assert broken(account) == {"flink": (2, 0)}
