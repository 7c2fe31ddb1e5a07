"""The forest of event_anomaly: the same scores in each run and after each restart."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from helpers.experiments.synthetic_streams import EVENTS, stream

PATH = Path(__file__).parents[3] / "assets" / "flink" / "dep" / "forest.py"


def load():
    spec = importlib.util.spec_from_file_location("forest_under_test", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Forest = load().Forest


def points(buckets=200, rate=30, seed=3):
    counts = stream("steady", 1, rate, seed).counts[:buckets]
    return [(event, int(n)) for row in counts for event, n in zip(EVENTS, row, strict=True)]


def test_the_same_points_have_the_same_scores():
    first, second = Forest(), Forest()
    for point in points(60):
        assert first.score(*point) == second.score(*point)


@pytest.mark.parametrize("every", [97, 559, 560, 561])
def test_a_restart_changes_no_score(every):
    # The state is stored as JSON, as in a checkpoint; the forest is rebuilt at 560 points.
    sent = points(200)
    sent[500] = ("click", 900)  # has a high score, so it is not learned
    whole, restarted, scores = Forest(), Forest(), []
    for number, point in enumerate(sent):
        if number % every == 0:
            restarted = Forest(json.loads(json.dumps(restarted.points)))
        scores.append(restarted.score(*point))
    assert scores == [whole.score(*point) for point in sent]
    assert max(scores) >= 2


def test_a_forest_keeps_few_points_with_any_number_of_event_names():
    forest = Forest()
    for point in points(200):
        forest.score(*point)
        assert len(forest.points) < 80 * len(EVENTS)
    for number in range(5000):
        forest.score(f"made up {number}", 1)
    assert len(forest.points) <= 4096


def test_the_score_is_zero_until_an_event_has_six_counts():
    forest = Forest()
    assert [forest.score("click", count) for count in (0, 90, 1, 80, 2, 70)] == [0] * 6
    assert forest.score("click", 40) > 0


@pytest.mark.parametrize("usual", [20, 60, 600])
@pytest.mark.parametrize("factor", [0, 3])
def test_an_outage_and_a_burst_have_a_high_score_at_once(usual, factor):
    forest = Forest()
    chance = np.random.default_rng(5)
    for count in chance.poisson(usual, 60):
        assert forest.score("click", int(count)) < 2
    assert forest.score("click", usual * factor) >= 2


def test_each_further_outage_has_a_high_score():
    forest = Forest()
    highest = []
    for _ in range(3):
        for _ in range(20):
            forest.score("click", 40)
        highest.append(max(forest.score("click", 0) for _ in range(6)))
    assert min(highest) >= 2


def test_a_new_level_becomes_usual():
    forest = Forest()
    scores = [forest.score("click", count) for count in [40] * 30 + [120] * 30]
    assert scores[30] >= 2
    assert max(scores[45:]) < 2


def test_a_count_of_one_more_than_usual_has_a_low_score():
    forest = Forest()
    scores = [forest.score("click", count) for count in [20] * 100 + [21, 19, 22]]
    assert max(scores) < 2


def test_a_rare_event_has_a_low_score_with_or_without_beacons():
    forest = Forest()
    scores = [forest.score("exception", n) for n in [0, 1, 0, 0, 2, 0, 0, 1, 0, 0] * 20 + [3]]
    assert max(scores) < 2
