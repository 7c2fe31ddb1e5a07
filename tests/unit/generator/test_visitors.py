"""The simulated visitors' beacons, and the bounds of the settings."""

import random
from collections import Counter

import pytest

from assets.agent.access_log import click_record
from helpers.core.errors import WorkshopError
from helpers.generator.beacon import sendable
from helpers.generator.delayed_delivery import log_line
from helpers.generator.duplicates import is_beacon
from helpers.generator.malformed import malformed_variant
from helpers.generator.pacer import Pacer
from helpers.generator.settings import BOUNDS, DEFAULT_MIX, checked, rate_now
from helpers.generator.shop import Shop
from helpers.generator.visitors import BOTS, visitor_number

NOW = 1_795_564_800.25


def drawn(number, *, visitors=100, bots=0.0, mix=None):
    shop = Shop(random.Random(1))
    shop.set_mix(mix or DEFAULT_MIX)
    return [shop.beacon(visitors, bots) for _ in range(number)]


def test_the_same_seed_draws_the_same_beacons():
    assert drawn(50) == drawn(50)


def test_the_mix_decides_which_events_happen():
    events = Counter(beacon.event for beacon in drawn(2_000, mix={"click": 3, "login": 1}))
    assert set(events) == {b"click", b"login"}
    assert 2.2 < events[b"click"] / events[b"login"] < 4


def test_there_are_as_many_visitors_as_requested_and_the_first_send_most():
    beacons = drawn(20_000, visitors=50)
    assert len({beacon.clientid for beacon in beacons}) == 50
    numbers = Counter(visitor_number(50, random.Random(n)) for n in range(5_000))
    assert set(numbers) <= set(range(1, 51))
    assert numbers[1] > numbers[2] > numbers[10]


def test_a_visitor_keeps_its_agent_and_its_referrer():
    habits = {(beacon.clientid, beacon.agent, beacon.referrer) for beacon in drawn(5_000)}
    assert len(habits) == len({client for client, _, _ in habits})


def test_bots_are_the_known_ones():
    assert {beacon.agent for beacon in drawn(500, bots=1.0)} == set(BOTS)
    assert not {beacon.agent for beacon in drawn(500)} & set(BOTS)


def test_some_pageviews_report_their_load_time():
    timed = [beacon for beacon in drawn(5_000) if beacon.extra]
    assert {beacon.event for beacon in timed} == {b"pageview"}
    for beacon in timed:
        (_, name), (field, value) = beacon.extra
        assert (name, field) == (b"page_load_time", b"custom_metric_int_value")
        assert 0 < int(value) < 60_000
    assert 500 < len(timed) < 1_500


def test_everything_drawn_can_be_sent_as_it_is():
    chance = random.Random(2)
    for beacon in drawn(2_000, bots=0.2):
        for each in (beacon, malformed_variant(beacon, chance)):
            assert all(sendable(value) == (value, None) for _, value in each.headers())


def test_a_late_log_line_reads_as_the_beacon_it_was():
    for beacon in drawn(300, bots=0.3):
        record = click_record(log_line(beacon, NOW - 30, "203.0.113.5"), "s:1:0:0", int(NOW * 1000))
        assert is_beacon(record | {"shipped_at": int(NOW * 1000)})
        assert record["datetime"] == "24/Nov/2026:23:59:30 +0000"
        assert record["requested_at"] == int(NOW - 30) * 1000
        assert record["received_at"] == int((NOW - 30) * 1000)
        expected = [beacon.event, beacon.clientid, beacon.page, beacon.agent, beacon.referrer]
        names = ("event", "clientid", "page", "agent", "referrer")
        assert [record[name] and record[name].encode() for name in names] == expected
        values = dict(beacon.extra)
        wanted = values.get(b"custom_metric_int_value")
        assert record["custom_metric_int_value"] == (wanted and int(wanted))


@pytest.mark.parametrize(
    "changes",
    [
        {"response": 404},
        {"request": "OPTIONS /beacon HTTP/1.1"},
        {"request": "GET /beacons HTTP/1.1"},
        {"request": None},
        {"rejected": "too_long"},
        {"agent": "ELB-HealthChecker/2.0"},
        {"shipped_at": int(NOW * 1000) + 3_600_001},
        # Records that others may put to the stream.
        {"request": ["GET /beacon"]},
        {"requested_at": None},
        {"received_at": "soon"},
        {"agent": 7},
    ],
)
def test_a_record_that_is_not_counted_is_never_copied(changes):
    record = click_record(log_line(drawn(1)[0], NOW, "::1"), "s:1:0:0", int(NOW * 1000))
    record["shipped_at"] = int(NOW * 1000)
    assert is_beacon(record)
    assert not is_beacon(record | changes)


def test_the_pacer_keeps_the_rate():
    pacer = Pacer(0.0)
    due = [time for now in range(1, 101) for time in pacer.due(now / 10, 33.3)]
    assert len(due) == 333
    assert due == sorted(due)
    assert pacer.due(10.0, 33.3) == []
    assert len(pacer.due(20.0, 500)) in (5_000, 5_001)
    assert pacer.due(30.0, 0) == []


def test_a_burst_and_an_outage_end_by_themselves():
    settings = {"rate": 20, "factor": 3, "factor_until": 100.0}
    assert [rate_now(settings, now) for now in (99.9, 100.1)] == [60, 20]
    assert rate_now(settings | {"factor": 0}, 50.0) == 0
    assert rate_now({"rate": 20}, 50.0) == 20


@pytest.mark.parametrize("name", BOUNDS)
def test_a_setting_out_of_bounds_is_refused(name):
    least, most = BOUNDS[name]
    assert checked({name: least}) and checked({name: most})
    for value in (least - 1, most + 1, "5", None, True, float("nan"), float("inf")):
        with pytest.raises(WorkshopError, match=name):
            checked({name: value})


@pytest.mark.parametrize("mix", [{}, {"pageview": 0}, {"dance": 1}, {"click": -1}, "click", None])
def test_an_invalid_mix_is_refused(mix):
    with pytest.raises(WorkshopError):
        checked({"mix": mix})


def test_an_unknown_setting_is_named_with_the_known_ones():
    with pytest.raises(WorkshopError, match="(?s)'speed'.*late_percent"):
        checked({"speed": 5})
