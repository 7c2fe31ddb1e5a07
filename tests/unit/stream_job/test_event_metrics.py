"""The Python stage's own logic: sums over the hour, and when ten seconds are over."""

import random
import sys

import pytest

from helpers.core.paths import REPOSITORY

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


def test_old_counts_are_forgotten():
    from hourly import Hours

    hours = Hours()
    for n in range(20):
        note(hours, f"event-{n}", T, 1)
    note(hours, "event-0", T + 10, 1)
    assert len(hours.forget(T + 10)) == 20
    assert hours.counts.keys() == hours.beacons.keys() == {"event-0"}
    assert hours.beacons["event-0"] == 1


def send(hours, aside, now):
    """Do what stage.py does after a mini-batch; return the rows, by event and bucket."""
    leaving = hours.rarest()
    rows = {row[:2]: row[2].beacons for row in hours.due(now, now, leaving)}
    aside |= {event: hours.remove(event) for event in leaving}
    return rows


def test_any_number_of_names_has_whole_sums_and_takes_no_more_memory():
    from hourly import MOST_EVENTS, Hours

    rng, hours, aside, counts, kept = random.Random(3), Hours(), {}, {}, {}
    for step in range(60):
        bucket = T + 10 * step
        real = [(f"real-{n}", bucket) for n in range(5)]
        if step > 40:
            real.append(("new after the flood", bucket))
        invented = [(f"invented-{rng.randrange(2_000)}", bucket) for _ in range(300)]
        late = [(f"invented-{rng.randrange(2_000)}", bucket - 10 * rng.randrange(1, 30))]
        for event, at in real + invented + late:
            counts[event, at] = counts.get((event, at), 0) + 1
            if event not in hours.counts:
                hours.restore(event, aside.pop(event, {}))
            note(hours, event, at, counts[event, at])
        kept |= send(hours, aside, bucket)
        assert len(hours.counts) <= MOST_EVENTS
        assert not set(aside) & set(hours.counts)
        assert {f"real-{n}" for n in range(5)} <= hours.counts.keys()
    kept |= send(hours, aside, bucket + 60)
    assert len(aside) > 1_000 and "new after the flood" in hours.counts
    assert kept == {
        (event, at): sum(counts.get((event, one), 0) for one in range(at - 3590, at + 10, 10))
        for event, at in counts
    }


def test_what_leaves_the_memory_is_the_same_after_a_restart():
    from hourly import MOST_EVENTS, Hours

    rng, hours = random.Random(4), Hours()
    for n in rng.sample(range(MOST_EVENTS + 300), MOST_EVENTS + 300):
        note(hours, f"event-{n}", T + 10 * (n % 7), 1 + n % 3)
    again = Hours()
    for event in sorted(hours.counts):
        again.restore(event, hours.counts[event])
    leaving = hours.rarest()
    assert again.rarest() == leaving and len(leaving) == 300
    assert not again.changed
    fewest = [(hours.beacons[event], hours.newest[event]) for event in leaving]
    assert fewest == sorted(fewest) and fewest[0] == (1, T)


def test_a_file_that_is_read_last_though_it_is_the_oldest_finds_its_hour():
    from anomaly import Clock
    from hourly import KEPT, Hours

    hours, clock = Hours(), Clock(T)
    for bucket in (T - 9_000, T - 5_500):
        note(hours, "click", bucket, 3)
    for now in range(T, T + 500, 10):  # the newest file first: beacons of hours later
        clock.hear(now, None, now)
        assert hours.forget(clock.settled(now) - KEPT) == []
    note(hours, "click", T - 5_600, 2)
    assert hours.sum("click", T - 5_500).beacons == 8
    for now in range(T + 500, T + 3_000, 10):
        clock.hear(now, None, now)
        hours.forget(clock.settled(now) - KEPT)
    assert T - 9_000 not in hours.counts["click"] and T - 5_500 in hours.counts["click"]


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
