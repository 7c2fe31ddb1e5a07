"""Module 7's exercises: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.visits import (
    EXERCISES,
    by_the_clock,
    counted,
    counted_from_start,
)

(VISITS,) = EXERCISES


def test_the_right_function_passes():
    assert "10 visitors" in run_check(VISITS, counted)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (by_the_clock, "hour of the clock"),
        (lambda times: counted(times, 1799), "exactly 30 minutes"),
        (lambda times: counted(times, ordered=False), "They may come late"),
        (counted_from_start, "beginning of a visit"),
        (lambda times: (len(times), 0), "visits and"),
        (lambda times: len(times), "return a pair of numbers"),
        (lambda times: times[0], "raises IndexError"),
        (None, "no work yet"),
    ],
)
def test_a_wrong_function_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(VISITS, work)
