"""Module 5's exercises: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.break_it import BEACONS, EXERCISES, STAGES, broken_pipeline, lost
from helpers.exercises.exercise import NotYet, run_check

(LOST,) = EXERCISES


def test_the_prepared_pipeline_loses_beacons_at_each_stage_and_has_copies():
    for seed in (1, 2, 3):
        stages = broken_pipeline(seed)
        assert tuple(stages) == STAGES and len(stages["sent"]) == BEACONS
        assert stages["archived"]["beacon_id"].duplicated().sum() == 12
        assert set(lost(stages).values()) == set(STAGES[1:])


def test_the_right_function_passes():
    assert "three pipelines" in run_check(LOST, lost)


def by_count(stages):
    return len(stages["sent"]) - len(stages["stored"])


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (by_count, "return a dict"),
        (lambda stages: dict.fromkeys(lost(stages), "stored"), "not the first stage without it"),
        (lambda stages: dict.fromkeys(lost(stages), "sent"), "at one of archived, counted, stored"),
        (lambda stages: dict.fromkeys(lost(stages), [1]), "at one of archived"),
        (lambda stages: {k: v for k, v in lost(stages).items() if v == "stored"}, "not found"),
        (lambda stages: dict.fromkeys(stages["sent"]["beacon_id"], "stored"), "are not lost"),
        (lambda stages: stages["lost"], "raises KeyError"),
        (None, "no work yet"),
    ],
)
def test_wrong_work_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(LOST, work)
