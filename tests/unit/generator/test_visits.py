"""The simulated visits: their pages, their ends, their sources, and what they leave as it was."""

import random
from collections import Counter, defaultdict
from itertools import count

import pytest

from assets.agent.access_log import click_record
from helpers.generator import visits as visits_module
from helpers.generator.beacon import Beacon
from helpers.generator.delayed_delivery import log_line
from helpers.generator.duplicates import _copy_of
from helpers.generator.journal import entry
from helpers.generator.malformed import malformed_variant
from helpers.generator.settings import DEFAULT_MIX
from helpers.generator.shop import Shop
from helpers.generator.visitors import visitor
from helpers.generator.visits import CHECKOUT, MOST_VISITS, THANK_YOU, Visits


def drawn(number, *, visitors=200, bots=0.0, mix=None, rate=20.0, shop=None):
    shop = shop or Shop(random.Random(1), rate)
    shop.set_mix(mix or DEFAULT_MIX)
    return [shop.beacon(visitors, bots) for _ in range(number)]


def visits_of(rate):
    """Return the beacons of each visit of a run, with their places in it; without unended ones.

    Each visit is of another visitor here, so that visits are distinguished by their client id.
    The first beacons of a run have no ongoing visit, so a click may begin one: these are left out.
    """
    number, numbers, visits = 40_000, count(1), defaultdict(list)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visits_module, "visitor_number", lambda visitors, chance: next(numbers))
        for place, beacon in enumerate(drawn(number, visitors=2_000, rate=rate)):
            visits[beacon.clientid].append((place, beacon))
    return [each for each in visits.values() if each[0][0] > 20 and each[-1][0] < 0.9 * number]


@pytest.fixture(scope="module")
def visits():
    return visits_of(rate=20)


def views(visit):
    return [beacon.page for _, beacon in visit if beacon.event == b"pageview"]


def test_more_than_two_fifths_of_visits_have_one_page_and_all_have_nearly_three(visits):
    assert len(visits) > 5_000
    bounced = sum(len(views(visit)) == 1 for visit in visits) / len(visits)
    assert 0.40 < bounced < 0.46
    assert 2.5 < sum(len(views(visit)) for visit in visits) / len(visits) < 3
    # A visit of one page has no other event: both definitions of a bounce give the same share.
    assert bounced - 0.01 < sum(len(visit) == 1 for visit in visits) / len(visits) < bounced + 0.01


def test_the_first_beacon_of_a_visit_is_a_view_and_only_it_has_a_source(visits):
    firsts = [visit[0][1] for visit in visits]
    assert {beacon.event for beacon in firsts} == {b"pageview"}
    later = [beacon for visit in visits for _, beacon in visit[1:]]
    assert {(beacon.source, beacon.campaign) for beacon in later} == {(None, None)}
    sources = Counter(beacon.source for beacon in firsts)
    assert 0.38 < sources[None] / len(firsts) < 0.46
    assert sources[b"google.com"] > sources[b"reddit.com"] > 0.05 * len(firsts)
    campaigns = {(beacon.source, beacon.campaign) for beacon in firsts if beacon.campaign}
    assert campaigns == {(b"newsletter", b"issue-42"), (b"google", b"summer-sale")}


def test_a_source_without_a_campaign_is_the_host_of_the_referrer(visits):
    for visit in visits:
        beacon = visit[0][1]
        if beacon.campaign is None:
            host = beacon.referrer and beacon.referrer.split(b"/")[2].removeprefix(b"www.")
            assert beacon.source == host


def test_pages_follow_a_path_and_purchases_come_after_the_checkout(visits):
    bought, after_checkout = 0, 0
    for visit in visits:
        pages = views(visit)
        assert pages[0] not in (b"/basket", CHECKOUT)
        for before, page in zip(pages, pages[1:], strict=False):
            assert page != b"/basket" or before.startswith(b"/products/")
            assert page != CHECKOUT or before == b"/basket"
        for place, (_, beacon) in enumerate(visit):
            if beacon.event == b"conversion":
                assert beacon.page == THANK_YOU
                bought += 1
                after_checkout += CHECKOUT in views(visit[:place])
            if beacon.event == b"click":
                former = visit[place - 1][1]
                assert beacon.page == former.page or former.event not in (b"pageview", b"click")
    assert bought > 500 and after_checkout / bought > 0.8


@pytest.mark.parametrize("rate", [1, 20, 40])
def test_the_beacons_of_a_visit_are_seconds_to_minutes_apart(rate):
    gaps = []
    for visit in visits_of(rate):
        places = [place for place, _ in visit]
        gaps += [(b - a) / rate for a, b in zip(places, places[1:], strict=False)]
    gaps.sort()
    assert 5 < gaps[len(gaps) // 2] < 60
    assert gaps[len(gaps) * 99 // 100] < 300
    assert gaps[-1] < 1_800


@pytest.mark.parametrize(
    "mix",
    [
        DEFAULT_MIX,
        {"conversion": 100},
        {"click": 3, "login": 1},
        {"pageview": 1, "conversion": 99},
        {"pageview": 0, "exception": 2, "click": 0.5},
    ],
)
def test_the_mix_is_as_exact_as_independent_draws(mix):
    number, total = 20_000, sum(mix.values())
    counts = Counter(beacon.event.decode() for beacon in drawn(number, mix=mix))
    assert set(counts) == {event for event, weight in mix.items() if weight}
    for event, weight in mix.items():
        share = weight / total
        error = (number * share * (1 - share)) ** 0.5
        assert abs(counts[event] - number * share) <= 4 * error


def test_a_mix_may_change_while_visits_are_ongoing():
    shop = Shop(random.Random(1))
    for mix in (DEFAULT_MIX, {"click": 1}, {"conversion": 1}, {"pageview": 1}, DEFAULT_MIX):
        beacons = drawn(2_000, mix=mix, shop=shop)
        assert {beacon.event.decode() for beacon in beacons} == set(mix)
        assert len({beacon.clientid for beacon in beacons}) > 100


@pytest.mark.parametrize("mix", [{"pageview": 1}, {"click": 1}, {"conversion": 1}, DEFAULT_MIX])
@pytest.mark.parametrize("visitors", [1, 50])
def test_each_visitor_sends_beacons_with_any_mix(mix, visitors):
    beacons = drawn(20_000, visitors=visitors, mix=mix)
    assert len({beacon.clientid for beacon in beacons}) == visitors


def test_fewer_visitors_apply_at_once():
    shop = Shop(random.Random(1))
    drawn(5_000, visitors=2_000, shop=shop)
    # The visits of visitors that are gone end with the next page view, all but one.
    assert len({beacon.clientid for beacon in drawn(200, visitors=1, shop=shop)}) <= 5
    assert len({beacon.clientid for beacon in drawn(200, visitors=1, shop=shop)}) == 1
    assert len({beacon.clientid for beacon in drawn(5_000, visitors=2_000, shop=shop)}) > 400


def test_popularity_is_as_zipf_has_it():
    counts = Counter(beacon.clientid for beacon in drawn(100_000, visitors=100, rate=1))
    first, second, *_, last = (number for _, number in counts.most_common())
    assert 1.3 < first / second < 2.2
    assert first > 30 * last


@pytest.mark.parametrize(("rate", "most"), [(0, 1), (0.01, 1), (5, 100), (10_000, MOST_VISITS)])
def test_the_number_of_ongoing_visits_is_bounded(rate, most):
    visits = Visits(random.Random(1), rate)
    for _ in range(20_000):
        visits.view(1_000_000)
        visits.purchase(1_000_000)
    assert len(visits) == most
    visits.set_rate(0.1)
    visits.view(1_000_000)
    assert len(visits) <= 2


def test_the_same_seed_draws_the_same_visits():
    assert drawn(3_000, bots=0.1) == drawn(3_000, bots=0.1)


def test_bots_make_no_visits():
    for beacon in drawn(500, bots=1.0):
        assert beacon.clientid.startswith(b"bot-")
        assert (beacon.referrer, beacon.source, beacon.campaign) == (None, None, None)


def test_tablets_are_among_the_devices():
    agents = [visitor(number).agent for number in range(1, 5_001)]
    assert 0.02 < sum(b"iPad" in agent for agent in agents) / 5_000 < 0.04


def test_a_late_a_malformed_and_a_copied_beacon_keep_their_source():
    first = Beacon(b"pageview", b"c", b"/", b"Firefox", source=b"newsletter", campaign=b"issue-42")
    record = click_record(log_line(first, 1_795_564_800, "::1"), "s:1:0:0", 1_795_564_800_000)
    assert (record["source"], record["campaign"]) == ("newsletter", "issue-42")
    copy, malformed = _copy_of(record), malformed_variant(first, random.Random(1))
    for beacon in (first, copy, malformed):
        assert (beacon.source, beacon.campaign) == (b"newsletter", b"issue-42")
        line = entry(beacon, 0, 200)
        assert (line["source"], line["campaign"]) == ("newsletter", "issue-42")
    assert {"source", "campaign"}.isdisjoint(entry(Beacon(b"click"), 0, 200))
