"""A wait shows its reason: one line at a time, repeated in a log."""

import threading
import time
from itertools import chain, count, islice, repeat

import pytest

from helpers.core import waiting as module
from helpers.core.waiting import backoff_delays, poll_until, wait, wait_until, waiting
from tests.catcher import until


class Clock:
    """The time that `waiting` reads: it changes only when a test sets it.

    Args:
        capsys: to read the lines shown.
    """

    def __init__(self, capsys) -> None:
        self.now, self.looks, self._capsys = 0.0, 0, capsys
        self.lines: list[str] = []
        self.sleep = time.sleep

    def monotonic(self) -> float:
        self.looks += 1
        return self.now

    def moves_to(self, now: float) -> list[str]:
        """Let the thread see a time, several times; return the lines shown so far."""
        self.now, self.looks = now, 0
        assert until(lambda: self.looks > 6, 60)
        self.lines += self._capsys.readouterr().out.splitlines()
        return self.lines


@pytest.fixture
def clock(monkeypatch, capsys):
    clock = Clock(capsys)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "STEP_SECONDS", 0.01)
    return clock


def test_a_long_call_shows_a_line_while_it_runs(clock, capsys):
    step = module.LOG_SECONDS
    with waiting("Counting"):
        assert clock.moves_to(step - 1) == []
        assert clock.moves_to(step) == [f"Counting ... {step} s"]
        assert clock.moves_to(2 * step - 1) == [f"Counting ... {step} s"]
        assert clock.moves_to(2 * step + 1)[1:] == [f"Counting ... {2 * step + 1} s"]
    assert not any(thread.name == "waiting" for thread in threading.enumerate())


def test_a_short_wait_shows_no_line(capsys):
    with waiting("Counting"):
        pass
    assert capsys.readouterr().out == ""


def test_a_nested_wait_shows_no_line_of_its_own(clock):
    @waiting("inner")
    def slow(now):
        clock.moves_to(now)

    with waiting("outer"):
        slow(100)
    assert clock.lines == ["outer ... 100 s"]
    with waiting("inner"):
        clock.moves_to(300)
    assert clock.lines[1:] == ["inner ... 200 s"]


def test_a_wait_in_a_thread_shows_no_line():
    names = []

    @waiting("inner")
    def slow():
        names.extend(thread.name for thread in threading.enumerate())

    thread = threading.Thread(target=slow)
    thread.start()
    thread.join()
    assert names and "waiting" not in names
    slow()
    assert "waiting" in names


def test_a_wait_of_known_length_shows_a_progress_bar(clock):
    clock.sleep = lambda seconds: [clock.moves_to(now) for now in (10, 20, 40)]
    wait(seconds=40)
    first, middle, last = clock.lines
    assert [line.count("█") for line in (first, middle, last)] == [5, 10, 20]
    assert len(first) == len(last) == len("Letting it run 10 of 40 s") + 21


def test_an_error_ends_the_thread_too(capsys):
    with pytest.raises(KeyError), waiting("Counting"):
        raise KeyError
    assert not any(thread.name == "waiting" for thread in threading.enumerate())


def test_wait_until_ends_when_the_condition_is_true_or_the_time_is_over():
    looks = iter([None, 0, "there"])
    assert wait_until(lambda: next(looks), seconds=60, delay=0) == "there"
    seen = []
    assert wait_until(lambda: seen.append(1), seconds=0, delay=0.01) is None and seen
    assert not wait_until(lambda: False, seconds=-1), "the condition is evaluated at least once"
    states = iter(["STOPPING", "READY", "RUNNING"])
    assert wait_until(lambda: next(states), 60, lambda state: state == "READY", 0) == "READY"


def test_delays_grow_to_two_seconds():
    delays = list(islice(backoff_delays(), 20))
    assert delays == sorted(delays) and (delays[0], delays[-1]) == (0.1, 2.0)


class Steps:
    """A clock that moves by each sleep; a reader that returns one value after the other."""

    def __init__(self, monkeypatch, values) -> None:
        self.now, self.reads, self._values = 0.0, 0, iter(values)
        monkeypatch.setattr(module, "time", self)
        self.sleep = self._pass

    def monotonic(self) -> float:
        return self.now

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> int:
        self.reads += 1
        return next(self._values)


def test_a_fixed_wait_ends_with_one_read_after_its_time(monkeypatch):
    steps = Steps(monkeypatch, count())
    assert poll_until(steps.read, lambda value: False, "it is done", 5) == 5


def test_a_wait_goes_on_while_there_is_progress_and_ends_when_there_is_none(monkeypatch):
    steps = Steps(monkeypatch, chain(range(40), repeat(40)))
    assert poll_until(steps.read, lambda value: False, "it is done", 5, int) == 40
    assert steps.now == 40 + 5
    steps = Steps(monkeypatch, count())
    assert poll_until(steps.read, lambda value: value == 60, "it is done", 5, int) == 60


def test_a_wait_with_progress_and_no_end_ends_after_its_longest_time(monkeypatch):
    steps = Steps(monkeypatch, count())
    poll_until(steps.read, lambda value: False, "it is done", 5, int, longest=30)
    assert 30 <= steps.now <= 36
