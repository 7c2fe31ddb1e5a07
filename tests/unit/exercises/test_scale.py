"""Module 6's exercises: the right work, common wrong ones, and none."""

import math

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.scale import EXERCISES, backlog_seconds, stream_dollars

COST, WAIT = EXERCISES


def test_the_right_functions_pass():
    def dollars(rate, size, shards):
        return 730 * 0.015 * shards + rate * 730 * 3600 * math.ceil(size / 25_000) / 1e6 * 0.014

    assert "5 streams" in run_check(COST, dollars)
    assert "5 crowds" in run_check(WAIT, backlog_seconds)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda r, b, s: stream_dollars(r, b, 0), "hours of the shards are missing"),
        (lambda r, b, s: stream_dollars(0, b, s), "puts are missing"),
        (lambda r, b, s: stream_dollars(r, 1, s), "billed as two units"),
        (lambda r, b, s: stream_dollars(r * b / 25_000, 1, s), "billed as a whole unit"),
        (lambda r, b, s: stream_dollars(r, b, s, hours=720), "730 hours"),
        (lambda r, b, s: 2 * stream_dollars(r, b, s), "is more than AWS bills"),
        (lambda r, b, s: stream_dollars(r, b, s) / 2, "is less than AWS bills"),
        (lambda r, b, s: "12 dollars", "no number"),
        (None, "no work yet"),
    ],
)
def test_a_wrong_cost_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(COST, work)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda u, c, s, most: (c - most) * s / (most - u), "no beacon waits a negative time"),
        (lambda u, c, s, most: max(0, (c - most) * s), "How fast do they get fewer"),
        (lambda u, c, s, most: max(0, (c - most) * s) / most, "new beacons keep arriving"),
        (lambda u, c, s, most: max(0, c - most) * s / (most - u), "ZeroDivisionError"),
        (
            lambda u, c, s, most: max(0, c - most) * s / max(1, most - u),
            "when does this backlog end",
        ),
        (
            lambda u, c, s, most: max(0, c - most) * s / (most - u) * 2 if most > u else 0,
            "it is not",
        ),
        (lambda u, c, s, most: "long", "no number of seconds"),
        (..., "no work yet"),
    ],
)
def test_a_wrong_wait_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match="(?i)" + sentence):
        run_check(WAIT, work)
