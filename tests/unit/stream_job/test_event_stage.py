"""The Python stage and its state, with many restarts and thousands of event names.

Dicts replace Flink's state here; tests/e2e/test_flink_job.py runs the stage in Flink.
"""

import random
import sys
import time
from types import SimpleNamespace

import pytest

from helpers.core.paths import REPOSITORY

MODULES = ("stage", "anomaly", "forest", "hourly")


class MapState(dict):
    put = dict.__setitem__
    remove = dict.__delitem__


class ValueState:
    def __init__(self):
        self.kept = None

    def value(self):
        return self.kept

    def update(self, value):
        self.kept = value

    def clear(self):
        self.kept = None


class Context:
    """The runtime context and the context of each call; its state survives a restart."""

    def __init__(self):
        self.states = {}

    def get_map_state(self, descriptor):
        return self.states.setdefault(descriptor.name, MapState())

    def get_state(self, descriptor):
        return self.states.setdefault(descriptor.name, ValueState())

    def timer_service(self):
        return SimpleNamespace(
            current_watermark=lambda: 0, register_event_time_timer=lambda at: None
        )


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "assets" / "flink" / "dep"))
    import stage

    yield stage
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "error", ["OSError('libc.so.6: version GLIBC_2.28 not found')", "ImportError('no krcf')"]
)
def test_without_krcf_there_are_sums_and_no_scores_and_old_counts_are_deleted(
    tmp_path, monkeypatch, error
):
    (tmp_path / "krcf.py").write_text(f"raise {error}")
    # Another test of this process may have imported the job's modules, with the real krcf.
    for name in ("krcf", *MODULES):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(REPOSITORY / "assets" / "flink" / "dep"))
    monkeypatch.syspath_prepend(str(tmp_path))
    import stage
    from hourly import KEPT

    try:
        assert stage.UNAVAILABLE.startswith(f"krcf can't be imported ({error.partition('(')[0]}: ")
        context = Context()
        life, now = started(stage, context), int(time.time()) // 10 * 10
        for at in (now - 30, now - 20):
            life.process_element((at, "click", 3, at * 1000 + 9_000, at * 1000 + 9_500), context)
        emitted = list(life.on_timer(0, context))
        assert {row[0] for row in emitted} == {"hourly_events"}
        # Buckets are closed all the same: with that, counts are deleted once they are old.
        monkeypatch.setattr(life.clock, "settled", lambda _: now + KEPT)
        for at in (now - 10, now):
            life.process_element((at, "click", 3, at * 1000 + 9_000, at * 1000 + 9_500), context)
        assert {row[0] for row in life.on_timer(0, context)} == {"hourly_events"}
        assert list(context.states["counts"]) == [f'["click", {now}]']
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)


def started(stage, context):
    metrics = stage.EventMetrics()
    metrics.open(context)
    return metrics


def test_sums_are_complete_after_restarts_and_memory_is_limited(stage):
    from hourly import MOST_EVENTS

    rng, context, counts, kept, scored = random.Random(6), Context(), {}, {}, set()
    now = int(time.time()) // 10 * 10
    life = started(stage, context)

    def emit():
        for row in life.on_timer(0, context):
            metric, bucket, event, whole, score, samples, _ = row
            if metric == "hourly_events":
                assert whole == samples
                kept[event, bucket] = max(whole, kept.get((event, bucket), 0))
            else:
                assert score is not None
                scored.add(event)

    for step in range(80):
        bucket = now - 790 + 10 * step
        events = [f"real-{n}" for n in range(5)] * 3
        events += ["new after the flood"] * 3 * (step > 60)
        events += [f"invented-{rng.randrange(2_000)}" for _ in range(150)]
        beacons = [(event, bucket) for event in events]
        beacons += [(f"invented-{rng.randrange(2_000)}", bucket - 10 * rng.randrange(30))]
        for event, at in beacons:
            counts[event, at] = counts.get((event, at), 0) + 1
        for event, at in sorted(set(beacons)):
            value = (at, event, counts[event, at], at * 1000 + 9_000, at * 1000 + 9_500)
            life.process_element(value, context)
        if step % 7 == 3:
            emit()
        if step % 5 == 4:  # killed after a checkpoint, before or after it has emitted
            life = started(stage, context)
        else:
            emit()
            assert len(life.hours.counts) <= MOST_EVENTS
            in_state = {key.split('"')[1] for key in context.states["counts"]}
            assert in_state == set(life.hours.counts)
            assert not in_state & set(context.states["aside"])
    emit()  # just after a restart, all rows are due at once
    assert len(context.states["aside"]) > 1_000
    assert kept == {
        (event, at): sum(counts.get((event, one), 0) for one in range(at - 3590, at + 10, 10))
        for event, at in counts
    }
    assert {f"real-{n}" for n in range(5)} | {"new after the flood"} <= scored
