"""Module 3's exercise about precision and recall: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.detectors import EXERCISES, precision_and_recall
from helpers.exercises.exercise import NotYet, run_check

(JUDGE,) = EXERCISES


def test_the_right_function_passes():
    assert "5 days" in run_check(JUDGE, precision_and_recall)


def alarms_for_incidents(alarms, incidents):
    """Recall by the number of right alarms: more than 1 if an incident has two."""
    right = sum(any(begin <= at <= end for begin, end in incidents) for at in alarms)
    return right / len(alarms) if alarms else 1, right / len(incidents)


def ends_excluded(alarms, incidents):
    right = [at for at in alarms if any(begin < at < end for begin, end in incidents)]
    found = [one for one in incidents if any(one[0] < at < one[1] for at in alarms)]
    return len(right) / len(alarms) if alarms else 1, len(found) / len(incidents)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda alarms, incidents: precision_and_recall(alarms, incidents)[::-1], "comes first"),
        (alarms_for_incidents, "between 0 and 1"),
        (ends_excluded, "the precision is not 0"),
        (lambda alarms, incidents: (precision_and_recall(alarms, incidents)[0], 1), "the recall"),
        (lambda alarms, incidents: len(incidents) / len(alarms), "a pair of numbers"),
        (lambda a, i: (precision_and_recall(a, i)[0], 1 / len(a)), "recall is not|ZeroDivision"),
        (lambda alarms, incidents: print(end=""), "returns nothing"),
        (..., "no work yet"),
    ],
)
def test_wrong_work_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(JUDGE, work)
