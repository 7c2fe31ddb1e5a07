"""The Python stage's own logic: sums over the hour, and when ten seconds are over."""

import random
import sys

import pytest

from helpers.home import REPOSITORY

FLINK = str(REPOSITORY / "assets" / "flink")
T = 1_795_500_000


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    monkeypatch.syspath_prepend(FLINK)
    yield
    for name in ("anomaly", "forest", "hourly"):
        sys.modules.pop(name, None)


def note(hours, event, bucket, beacons, newest=None):
    from hourly import Count

    return hours.note(event, bucket, Count(beacons, newest))


def test_every_sum_is_exact_whatever_comes_when_and_each_row_is_sent_only_when_it_changed():
    from hourly import Hours

    rng, hours, counts, kept, sent = random.Random(1), Hours(), {}, {}, 0
    for step in range(400):
        late = rng.choice([0, 0, 0, 10, 300, 3590])
        event, bucket = rng.choice("ab"), T + step * 10 - late
        counts[event, bucket] = counts.get((event, bucket), 0) + rng.randrange(1, 9)
        note(hours, event, bucket, counts[event, bucket], bucket * 1000)
        for row in hours.due(latest=T + step * 10, now=step):
            kept[row[:2]] = row[2]
            sent += 1
    for row in hours.due(latest=T + 4000, now=1000):
        kept[row[:2]] = row[2]
    assert kept.keys() == counts.keys()
    for (event, bucket), sum_ in kept.items():
        inside = [at for e, at in counts if e == event and bucket - 3600 < at <= bucket]
        assert sum_.beacons == sum(counts[event, at] for at in inside)
        assert sum_.newest == max(inside) * 1000
    assert list(hours.due(latest=T + 4000, now=2000)) == [] and hours.oldest_change() is None
    assert sent < 10_000  # one by one, without gathering, it were 30,000


def test_a_beacon_in_the_present_sends_one_row_and_an_old_one_waits_for_others():
    from hourly import Hours

    hours = Hours()
    for bucket in range(T, T + 3600, 10):
        note(hours, "click", bucket, 1)
    assert len(list(hours.due(latest=T + 3590, now=100))) == 360
    note(hours, "click", T + 3590, 2)
    assert [row[:2] for row in hours.due(latest=T + 3590, now=100.5)] == [("click", T + 3590)]
    note(hours, "click", T + 3000, 2)
    recent = [row[1] for row in hours.due(latest=T + 3590, now=101)]
    assert recent == list(range(T + 3530, T + 3600, 10))
    assert hours.oldest_change() == T + 3000
    assert [row[1] for row in hours.due(latest=T + 3590, now=111)] == list(
        range(T + 3000, T + 3530, 10)
    )


def test_what_was_not_sent_is_sent_after_a_restart():
    from hourly import Hours

    hours = Hours()
    for bucket in (T, T + 10, T + 20):
        note(hours, "click", bucket, 1)
    list(hours.due(latest=T + 20, now=100))
    hours.send_again(T + 10)
    assert [row[1] for row in hours.due(latest=T + 20, now=100)] == [T + 10, T + 20]


def test_old_counts_are_forgotten_and_a_flood_of_events_takes_no_more_memory():
    from hourly import MOST_EVENTS, Hours

    hours = Hours()
    taken = [note(hours, f"event-{n}", T, 1) for n in range(MOST_EVENTS + 5)]
    assert taken.count(True) == MOST_EVENTS and len(hours.counts) == MOST_EVENTS
    note(hours, "event-0", T + 10, 1)
    assert len(hours.forget(T + 10)) == MOST_EVENTS
    assert hours.counts.keys() == {"event-0"}


def test_the_clock_follows_the_beacons_and_in_silence_the_wall():
    from anomaly import Clock

    clock = Clock(T)
    assert clock.watermark(T + 5) is None  # nothing heard, and it may be on its way
    clock.hear(T, (T + 7) * 1000, T + 8)
    assert clock.watermark(T + 8) == T + 2
    clock.hear(T - 600, (T - 600) * 1000, T + 9)  # a late one does not set it back
    assert clock.watermark(T + 9) == T + 2
    clock.hear(T + 999_990, None, T + 9)  # nor does one from the future set it forward
    assert clock.watermark(T + 9) == T + 2
    assert clock.watermark(T + 25) == T + 15  # nobody says anything


def test_who_is_catching_up_closes_nothing():
    from anomaly import Clock

    clock = Clock(T)
    clock.hear(T - 3600, None, T + 1)
    assert clock.watermark(T + 2) is None
    clock.hear(T, None, T + 3)
    assert clock.watermark(T + 4) == T - 5


def rows_of(scores, watermark):
    return [(event, bucket, count.beacons) for event, bucket, count, _ in scores.close(watermark)]


def test_buckets_close_once_in_order_and_silence_counts_as_nothing():
    from anomaly import Scores
    from hourly import Hours

    hours = Hours()
    scores = Scores(hours)
    note(hours, "login", T - 3000, 9)
    scores.begin(T - 3000, (T - 100) * 1000)  # came late: not a bucket we saw whole
    assert rows_of(scores, T) == []
    note(hours, "click", T, 5)
    note(hours, "a", T + 10, 3)
    scores.begin(T, (T + 1) * 1000)
    assert rows_of(scores, T + 19) == [("click", T, 5), ("login", T, 0)]
    note(hours, "click", T, 6)  # too late for the score
    assert rows_of(scores, T + 29) == [
        ("a", T + 10, 3),
        ("click", T + 10, 0),
        ("login", T + 10, 0),
    ]
    assert rows_of(scores, T + 29) == []
    # What nobody has sent for an hour is not known any more: an outage does not score for ever.
    for _ in range(20):  # so many buckets are closed a few at a time
        rows_of(scores, T + 8000)
    assert scores.closed == T + 7990 and scores.known(T + 4000) == []


def test_a_restart_goes_on_with_the_same_scores():
    from anomaly import Scores
    from hourly import Hours

    rng, hours = random.Random(2), Hours()
    for bucket in range(T, T + 3000, 10):
        for event in ("click", "pageview", "login"):
            note(hours, event, bucket, rng.randrange(80, 120))
    whole, broken = Scores(hours), Scores(hours)
    whole.begin(T, T * 1000)
    broken.begin(T, T * 1000)
    expected, found = [], []
    for watermark in range(T + 600, T + 3600, 600):
        expected += whole.close(watermark)
        found += broken.close(watermark)
        broken = Scores(hours, broken.forest.points, broken.closed)
    assert found == expected and len(found) > 800
    assert len({row[3] for row in found}) > 300
