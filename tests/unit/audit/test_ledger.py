"""The ledger balances: every beacon is accounted for at every stage."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest

from helpers.audit import stage_counts
from helpers.audit.ledger import STAGES, ledger
from helpers.core.errors import WorkshopError
from helpers.core.paths import home
from tests.read_ledger import broken, numbers
from tests.unit.audit.ledger_world import BAD, BOT, PLAIN, START


def test_every_beacon_is_accounted_for_at_every_stage(full):
    account = full.account()
    assert broken(account) == {} and account.balances and account.missing.empty
    assert numbers(account, "sent", "unanswered", "refused", "answered") == [48, 2, 1, 45]
    assert numbers(account, "unanswered_but_logged", "not_in_journal", "sent_again") == [1, 1, 1]
    assert numbers(account, *STAGES[2:]) == [48] * 4
    for stage in STAGES[2:]:
        outcomes = account.frame.loc[stage, ["Accepted", "unparsable", "too_late", "Duplicates"]]
        assert outcomes.tolist() == [44, 1, 1, 2]
    assert "every stage accounts for all of them" in account.sentence


def test_beacons_of_bots_have_an_outcome_of_their_own(world):
    world.send(PLAIN, 0)
    world.send(dataclasses.replace(PLAIN, extra=((b"automation", b"webdriver"),)), 1)
    # A bot's line is rejected, and its copy is a duplicate, like those of anybody.
    world.send(dataclasses.replace(BAD, agent=BOT.agent), 2)
    for at in (3, 4, 12):
        world.send(BOT, at)
    world.repeat(13)
    account = world.with_the_rest().flow().account()
    assert account.balances, account
    for stage in STAGES:
        outcomes = account.frame.loc[stage, ["Accepted", "Bots", "unparsable", "Duplicates"]]
        assert outcomes.tolist() == [1, 4, 1, 1], stage
    assert "1 accepted, 4 bots, 1 rejected, 1 duplicates" in account.sentence
    items = {item for metric, _, item in world.counts if metric == "bot_count"}
    assert items == {"AhrefsBot", "webdriver"}


def test_a_bots_beacon_that_flink_counted_as_a_persons_is_a_difference(world):
    world.send(BOT, 0)
    world.counts.clear()
    world.counts["referral_count", START, "https://example.com/"] = 1
    account = world.with_the_rest().flow().account()
    assert not account.balances
    assert account.frame.loc["flink", ["Missing", "Double"]].tolist() == [1, 1]


def test_a_ledger_without_beacons_balances(world):
    account = world.with_the_rest().account()
    assert account.balances and numbers(account, *STAGES) == [0] * 6
    assert account.sentence == "No beacons in this time: start the traffic."


def test_beacons_from_before_the_streams_creation_are_left_out(world, monkeypatch):
    world.send(PLAIN, 0)
    monkeypatch.undo()
    monkeypatch.setenv("WORKSHOP_HOME", str(home()))
    assert numbers(ledger(world.cloud), "sent") == [0]


def test_a_range_holds_the_same_beacons_at_every_stage(full):
    # Also late beacons and those at the edges: from the second bucket to the third.
    start = datetime.fromtimestamp(START + 10, UTC)
    account = ledger(full.cloud, start + timedelta(seconds=3), start + timedelta(seconds=20))
    assert account.start == start and account.end == start + timedelta(seconds=20)
    # Twenty plain beacons, an unparsable one, and a copy that an agent sent.
    assert account.balances, account
    assert numbers(account, "answered", *STAGES[2:]) == [21, 22, 22, 22, 22]


def test_by_default_the_ledger_begins_with_the_earliest_bucket_of_the_journal(full):
    assert ledger(full.cloud).start.timestamp() == (START + 20 - 45) // 10 * 10


def test_an_older_range_is_compared_by_the_minute(full, monkeypatch):
    monkeypatch.setattr(stage_counts, "_HIGH_RESOLUTION", timedelta(minutes=1))
    account = full.account()
    assert account.start.second == 0 and account.balances, account
    assert numbers(account, *STAGES[2:]) == [48] * 4


def test_an_empty_range_raises_an_error(world):
    with pytest.raises(WorkshopError, match="is empty"):
        ledger(world.cloud, datetime.now(UTC), datetime.now(UTC) - timedelta(minutes=1))


def test_a_stage_that_is_not_deployed_has_no_numbers(emulator, own_home):
    nowhere = dataclasses.replace(emulator, prefix=f"n{time.time_ns()}")
    account = ledger(nowhere)
    assert numbers(account, *STAGES) == [0, 0, None, None, None, None] and account.balances
    assert account.sentence.endswith("Not deployed yet: Archive, Flink, DynamoDB, CloudWatch.")
    assert account.picture.png()
