"""Module 2's exercises: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.analyze import EXERCISES, arrival_delays, late_share
from helpers.exercises.exercise import NotYet, run_check

WATERMARK, NEWEST = EXERCISES


def test_the_shortest_wait_that_is_long_enough_passes():
    right = next(wait for wait in range(99) if late_share(wait, arrival_delays()) <= 0.01)
    assert "come after the final value" in run_check(WATERMARK, right)
    for wrong, sentence in ((right - 1, "At most 1% may"), (right + 1, "a shorter wait")):
        with pytest.raises(NotYet, match=sentence):
            run_check(WATERMARK, wrong)


@pytest.mark.parametrize("work", ["ten", True, [3], 40.76, float("inf"), float("nan")])
def test_a_wait_is_a_whole_number(work):
    with pytest.raises(NotYet, match="is no (whole )?number of seconds"):
        run_check(WATERMARK, work)


def newest(rows):
    found = {}
    for page, samples in rows:
        found[page] = max(found.get(page, 0), samples)
    return found


def test_the_newest_row_of_each_page_passes():
    assert run_check(NEWEST, newest)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (dict, "the row that came last"),
        (lambda rows: {p: sum(n for q, n in rows if p == q) for p, _ in rows}, "adds the rows up"),
        (lambda rows: sorted(rows), "asks for a dict"),
        (lambda rows: newest(rows[:1]), "is missing, or in no row"),
        (lambda rows: {page: 1 for page, _ in rows}, "has the value 1"),
        (lambda rows: newest(rows[0]), "raises"),
        ("", "no work yet"),
    ],
)
def test_a_wrong_newest_row_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(NEWEST, work)
