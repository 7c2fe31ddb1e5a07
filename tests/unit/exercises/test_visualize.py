"""Module 3's exercises: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.visualize import EXERCISES, differences

DIFFERENCES, ALARM = EXERCISES
RIGHT = "IF(exceptions > 0.1 * views, 1, 0)"


@pytest.mark.parametrize("work", [differences, lambda v: [d for d in differences(v) if d]])
def test_the_right_differences_pass(work):
    assert "5 rows" in run_check(DIFFERENCES, work)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda values: values, "puts each new value"),
        (lambda values: [abs(each) for each in differences(values)], "negative number"),
        (lambda values: values[-1:], "CloudWatch's sums are"),
        (lambda values: sum(values), "asks for a list"),
        (lambda values: [0, *values, 1], "more than there are changes"),
        (lambda values: [values[0]], "raises IndexError|CloudWatch's sums"),
        (None, "no work yet"),
    ],
)
def test_wrong_differences_have_a_sentence_of_their_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(DIFFERENCES, work)


def test_the_right_alarm_passes():
    assert "10 minutes" in run_check(ALARM, RIGHT)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        ("exceptions / views > 0.1", "0/0 is no number"),
        ("IF(exceptions >= 0.1 * views, 1, 0)", "raises an alarm"),
        ("IF(views > 0, exceptions / views, 0)", "needs 1 or 0"),
        ("IF(exceptions > 10, 1, 0)", "raises"),
        ("1", "Does it use both metrics"),
        ("IF(", "can't evaluate"),
        (0.1, "is no text"),
        (" ", "no work yet"),
    ],
)
def test_a_wrong_alarm_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(ALARM, work)
