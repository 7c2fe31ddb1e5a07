"""A checkpoint follows records and rows soon, and comes seldom when there are none."""

import pytest

from helpers.flink.checkpointing import (
    BACKLOG_BYTES,
    IDLE_SECONDS,
    SHARE,
    SHORTEST_SECONDS,
    Schedule,
)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def world(tmp_path):
    clicks, metrics, clock = tmp_path / "in", tmp_path / "out", Clock()
    clicks.mkdir()
    (metrics / "MetricType=a").mkdir(parents=True)
    return Schedule(clicks, metrics, clock), clicks, metrics / "MetricType=a", clock


def run(schedule, clock, seconds, takes=0.0, completes=True):
    """Return when checkpoints began, seconds from now, with a look every tenth."""
    began, start = [], clock.now
    while clock.now < start + seconds - 1e-9:
        if schedule.is_due():
            began.append(round(clock.now - start, 1))
            schedule.note_begin()
            clock.now += takes
            schedule.note_end(completes)
        clock.now = round(clock.now + 0.1, 3)
    return began


def test_an_idle_job_makes_one_every_two_seconds(world):
    schedule, _, _, clock = world
    run(schedule, clock, 1)
    began = run(schedule, clock, 7)
    assert len(began) == 3 and began[2] - began[1] == pytest.approx(IDLE_SECONDS)


def test_one_that_fails_is_soon_tried_again(world):
    schedule, _, _, clock = world
    assert len(run(schedule, clock, 5, completes=False)) >= 0.6 * 5 / SHORTEST_SECONDS


def test_a_new_file_brings_some_until_it_has_been_read(world):
    schedule, clicks, _, clock = world
    run(schedule, clock, 1)
    (clicks / "0-1-1.json").touch()
    began = run(schedule, clock, 2)
    assert began[0] == 0 and began[1] < 0.6, "the first may be before the job has read the file"
    assert len(began) <= 3
    (clicks / "0-1-1.json").unlink()
    assert len(run(schedule, clock, 1)) <= 1, "a file that goes is no news"


def test_rows_that_wait_bring_one_without_any_new_file(world):
    schedule, _, metrics, clock = world
    run(schedule, clock, 1)
    waiting = metrics / ".part-1.inprogress"
    waiting.touch()
    assert run(schedule, clock, 0.1) == [0]
    waiting.rename(metrics / "part-1")
    assert run(schedule, clock, 1) == []


def test_a_job_that_catches_up_makes_one_every_two_seconds(world):
    schedule, clicks, metrics, clock = world
    run(schedule, clock, 1)
    (metrics / ".part-1.inprogress").touch()
    for number in range(2):
        with (clicks / f"0-{number}-{number}.json").open("wb") as file:
            file.truncate(BACKLOG_BYTES // 2 + 1)
    began = run(schedule, clock, 7)
    assert 3 <= len(began) <= 4
    assert began[2] - began[1] == pytest.approx(IDLE_SECONDS, abs=0.11)
    (clicks / "0-1-1.json").unlink()
    assert len(run(schedule, clock, 4)) >= 0.6 * 4 / SHORTEST_SECONDS


def test_long_checkpoints_take_a_third_of_the_time_at_most(world):
    schedule, clicks, _, clock = world
    for number in range(50):
        (clicks / f"0-{number}-{number}.json").touch()
        began = run(schedule, clock, 0.5, takes=0.4)
        assert len(began) <= 1
    began, start = 0, clock.now
    for number in range(50, 100):
        (clicks / f"0-{number}-{number}.json").touch()
        began += len(run(schedule, clock, 0.4, takes=0.4))
    assert began <= (clock.now - start) / (SHARE * 0.4) + 1
    assert SHORTEST_SECONDS < SHARE * 0.4
