"""A wait shows its reason: one line at a time, repeated in a log."""

import threading
import time
from itertools import islice

import pytest

from helpers.core import waiting as module
from helpers.core.waiting import backoff_delays, wait, wait_until, waiting


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(module, "STEP_SECONDS", 0.02)
    monkeypatch.setattr(module, "LOG_SECONDS", 0.1)


def test_a_long_call_shows_a_line_while_it_runs(capsys):
    with waiting("Counting"):
        time.sleep(0.3)
        lines = capsys.readouterr().out.splitlines()
    assert 1 <= len(lines) <= 3 and set(lines) == {"Counting ... 0 s"}
    time.sleep(0.2)
    assert capsys.readouterr().out == ""  # its thread has ended


def test_a_short_wait_shows_no_line(capsys):
    with waiting("Counting"):
        pass
    assert capsys.readouterr().out == ""


def test_a_nested_wait_and_one_in_a_thread_show_no_line(capsys):
    @waiting("inner")
    def slow():
        time.sleep(0.3)

    with waiting("outer"):
        slow()
    thread = threading.Thread(target=slow)
    thread.start()
    thread.join()
    shown = capsys.readouterr().out
    assert "outer" in shown and "inner" not in shown
    slow()
    assert "inner" in capsys.readouterr().out


def test_a_wait_of_known_length_shows_a_progress_bar(capsys):
    wait(0.3)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert 0 <= first.count("█") < last.count("█") <= 20
    assert len(first) == len(last) == len("Letting it run 0 of 0 s") + 21


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
