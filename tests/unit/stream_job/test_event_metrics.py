"""The logic of the Python stage: sums over an hour, and when a bucket is closed."""

import random
import sys

import pytest

from helpers.core.paths import REPOSITORY

FLINK = str(REPOSITORY / "assets" / "flink" / "dep")
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


def test_each_sum_is_exact_with_late_beacons_and_rows_are_sent_only_when_they_change():
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
    assert sent < 10_000  # without gathering: 30,000


def test_a_new_beacon_sends_one_row_at_once_and_older_rows_are_gathered():
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


def test_unsent_rows_are_sent_after_a_restart():
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
    """Send the rows that are due, as stage.py does; return them by event and bucket."""
    leaving = hours.rarest()
    rows = {row[:2]: row[2].beacons for row in hours.due(now, now, leaving)}
    aside |= {event: hours.remove(event) for event in leaving}
    return rows


def test_sums_are_complete_and_memory_is_limited_with_any_number_of_event_names():
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


def test_the_same_events_leave_memory_after_a_restart():
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


def test_the_counts_that_the_oldest_file_needs_are_kept_when_it_is_read_last():
    from anomaly import Clock
    from hourly import KEPT, Hours

    hours, clock = Hours(), Clock(T)
    for bucket in (T - 9_000, T - 5_500):
        note(hours, "click", bucket, 3)
    for now in range(T, T + 500, 10):  # the newest file first: beacons of hours later
        clock.advance(now, None, now)
        assert hours.forget(clock.settled(now) - KEPT) == []
    note(hours, "click", T - 5_600, 2)
    assert hours.sum("click", T - 5_500).beacons == 8
    for now in range(T + 500, T + 3_000, 10):
        clock.advance(now, None, now)
        hours.forget(clock.settled(now) - KEPT)
    assert T - 9_000 not in hours.counts["click"] and T - 5_500 in hours.counts["click"]


def test_the_watermark_follows_the_beacons_or_without_beacons_the_system_clock():
    from anomaly import Clock

    clock = Clock(T)
    assert clock.watermark(T + 5) is None  # no beacon yet: the first may be on its way
    clock.advance(T, (T + 7) * 1000, T + 8)
    assert clock.watermark(T + 8) == T + 2
    clock.advance(T - 600, (T - 600) * 1000, T + 9)  # a late one does not set it back
    assert clock.watermark(T + 9) == T + 2
    clock.advance(T + 999_990, None, T + 9)  # nor does one from the future set it forward
    assert clock.watermark(T + 9) == T + 2
    assert clock.watermark(T + 25) == T + 15  # no beacon for more than ten seconds


def test_a_job_that_catches_up_closes_no_bucket():
    from anomaly import Clock

    clock = Clock(T)
    clock.advance(T - 3600, None, T + 1)
    assert clock.watermark(T + 2) is None
    clock.advance(T, None, T + 3)
    assert clock.watermark(T + 4) == T - 5


def rows_of(scores, watermark):
    return [(event, bucket, count.beacons) for event, bucket, count, _ in scores.close(watermark)]


def test_buckets_close_once_in_order_and_an_event_without_beacons_is_scored_as_zero():
    from anomaly import Scores
    from hourly import Hours

    hours = Hours()
    scores = Scores(hours)
    note(hours, "login", T - 3000, 9)
    scores.begin(T - 3000, (T - 100) * 1000)  # arrived late: the bucket may be incomplete
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
    # An event without beacons for an hour is not scored any more, so an outage ends.
    for _ in range(20):  # one call closes a limited number of buckets
        rows_of(scores, T + 8000)
    assert scores.closed == T + 7990 and scores.known(T + 4000) == []


def test_scores_are_the_same_after_a_restart():
    from anomaly import Scores
    from hourly import Hours

    rng, hours = random.Random(2), Hours()
    for bucket in range(T, T + 3000, 10):
        for event in ("click", "pageview", "login"):
            note(hours, event, bucket, rng.randrange(80, 120))
    whole, broken = Scores(hours), Scores(hours)
    whole.begin(T, T * 1000)
    broken.begin(T, T * 1000)
    expected, restarted = [], []
    for watermark in range(T + 600, T + 3600, 600):
        expected += whole.close(watermark)
        restarted += broken.close(watermark)
        broken = Scores(hours, broken.forest.points, broken.closed)
    assert restarted == expected and len(restarted) > 800
    assert len({row[3] for row in restarted}) > 300
