"""When a rate is the usual one for the alarm: the counts of the last three minutes decide."""

import random

import pytest

from helpers.experiments.steady_traffic import at_one_level


@pytest.mark.parametrize(
    ("counts", "is_usual"),
    [
        ([100] * 18, True),
        ([100] * 10, True),
        ([100] * 9, False),  # the traffic has just started
        ([0] * 8 + [100] * 10, True),
        ([0] * 9 + [100] * 9, False),
        ([215] * 8 + [30] * 10, True),
        ([215] * 9 + [30] * 9, False),
        ([30] * 15 + [215] * 3, False),  # the slider was moved just now
        ([0] * 18, False),
        ([], False),
    ],
)
def test_more_than_half_of_the_counts_decide(counts, is_usual):
    assert at_one_level(counts) is is_usual


@pytest.mark.parametrize("level", [3, 20, 300])
def test_chance_does_not_make_a_rate_unusual(level):
    chance = random.Random(level)
    counts = [sum(chance.random() < 0.01 for _ in range(100 * level)) for _ in range(18)]
    assert at_one_level(counts)
