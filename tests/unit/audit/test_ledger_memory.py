"""What an agent that lost its state ships again, while Flink remembers the first and afterwards."""

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
    """Values of the two metrics that speak of copies, in which table and recount differ."""
    found = compare(world.cloud, datetime.fromtimestamp(start, UTC))
    return found[found["Metric"].isin(["rejected_count", "duplicate_count"])]


def account(world, start):
    return ledger(world.cloud, datetime.fromtimestamp(start, UTC))


def test_the_recount_remembers_as_long_as_flink(main):  # noqa: F811
    number, unit = main.OPTIONS["table.exec.state.ttl"].split()
    assert unit == "h" and balance.MEMORY.total_seconds() == int(number) * HOUR


@pytest.mark.parametrize("start", [JUST_NOW, DAY], ids=["just now", "day"])
@pytest.mark.parametrize(
    ("times", "kinds"),
    [
        ([-2 * HOUR], [0, 1]),
        ([-4 * HOUR], [1, 0]),
        ([-5 * HOUR, -2.5 * HOUR], [0, 1]),  # each copy renews the memory
        ([-5 * HOUR, -3.5 * HOUR], [1, 0]),
        ([-5.5 * HOUR, -2 * HOUR, -1], [0, 1]),  # a first again, and its copies
    ],
)
def test_a_copy_is_a_copy_while_flink_remembers(world, times, kinds, start):
    name = world.send(PLAIN, times[0])
    for at in times[1:]:
        world.ship_again(name, at)
    world.ship_again(name, 5)
    world.send(PLAIN, 7)
    told = account(world.flow(), start)
    assert broken(told) == {} and told.balances, told
    assert wrong_values(world, start).empty
    outcomes = archived_outcomes(world.cloud, datetime.fromtimestamp(JUST_NOW, UTC))
    of_it = outcomes[outcomes["beacon_id"] == name].iloc[-1]
    assert [of_it["reason"] == "too_late", of_it["outcome"] == "duplicate"] == list(
        map(bool, kinds)
    )
    assert outcomes["undecided"].isna().all() and numbers(told, "undecided") == [0]
    if start == DAY:
        assert numbers(told, "sent", "sent_again") == [2, len(times)]


@pytest.mark.parametrize("start", [JUST_NOW, DAY], ids=["just now", "day"])
@pytest.mark.parametrize("seconds", [3 * HOUR - 240, 3 * HOUR + 240])
@pytest.mark.parametrize("remembered", [3 * HOUR - 480, 3 * HOUR, 3 * HOUR + 480])
def test_what_comes_just_as_flink_forgets_is_undecided_and_no_alarm(
    world, seconds, remembered, start
):
    world.flink_remembers = remembered
    for name in [world.send(PLAIN, 5 - seconds) for _ in range(3)]:
        world.ship_again(name, 5)
    told = account(world.flow(), start)
    assert broken(told) == {} and told.balances, told
    assert numbers(told, "undecided") == [3] and "3 just as Flink forgot" in told.sentence
    assert wrong_values(world, start).empty


def test_a_copy_that_flink_forgot_too_early_is_no_copy_and_is_named(world):
    world.flink_remembers = HOUR
    world.ship_again(world.send(PLAIN, -2 * HOUR), 5)
    told = account(world.flow(), JUST_NOW)
    assert broken(told) == {"flink": (1, 1)} and told.wrong == 2
    assert len(wrong_values(world, JUST_NOW)) == 2


def test_what_only_the_archive_lacks_is_no_undecided_copy(world):
    for name in [world.send(PLAIN, 5 - 3 * HOUR) for _ in range(2)]:
        world.ship_again(name, 5)
    lost = {("duplicate_count", START, "All Beacons"), ("rejected_count", START, "too_late")}
    told = account(world.flow(without=lost), JUST_NOW)
    assert broken(told) == {"flink": (2, 0)}
