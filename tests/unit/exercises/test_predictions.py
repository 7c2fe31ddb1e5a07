"""A prediction is stored at a click, shown next to what happened, and can't be changed after it."""

import json

import boto3
import pytest

from docs.stored_notebooks import stored
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.exercises.prediction_widget import outcome, predict, predictions
from helpers.exercises.questions import QUESTIONS


@pytest.fixture
def cloud(own_home):
    return cloud_of("rwa")


def cloud_of(prefix):
    return Cloud(boto3.Session(region_name="us-east-1"), "000000000000", prefix)


def choose(cloud, number, index):
    choice = predict(cloud, number).children[1]
    choice.index = index
    return choice


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_right_and_a_wrong_prediction(cloud, number, capsys):
    question = QUESTIONS[number]
    choose(cloud, number, question.right)
    outcome(cloud, number)
    right = question.options[question.right]
    predictions(cloud)
    shown = f"✓ You predicted: {right}. That is right.\nYou predicted 1 of 1 outcome.\n"
    assert capsys.readouterr().out == shown


def test_a_wrong_prediction_is_shown_next_to_the_answer(cloud, capsys):
    choose(cloud, "5-a", 0)
    outcome(cloud, "5-a")
    shown = "✗ You predicted: a few hundred are lost. The answer: neither.\n"
    assert capsys.readouterr().out == shown
    choose(cloud, "7-c", 2)
    outcome(cloud, "7-c")
    predictions(cloud)
    assert capsys.readouterr().out.endswith("You predicted 1 of 2 outcomes.\n")


def test_run_all_makes_no_prediction(cloud, capsys):
    assert predict(cloud, "5-a").children[1].index is None
    outcome(cloud, "5-a")
    predictions(cloud)
    shown = "… You made no prediction. The answer: neither.\nYou have made no prediction yet.\n"
    assert capsys.readouterr().out == shown


def test_a_prediction_stays_after_a_restart_and_can_change_until_the_outcome(cloud, capsys):
    choose(cloud, "5-a", 0)
    again = predict(cloud, "5-a").children[1]
    assert again.index == 0 and not again.disabled
    again.index = 2
    outcome(cloud, "5-a")
    assert predict(cloud, "5-a").children[1].disabled
    again.index = 1  # the first widget is still on the page
    outcome(cloud, "5-a")
    assert capsys.readouterr().out.count("✓ You predicted: neither") == 2


def test_the_predictions_of_two_prefixes_are_apart(cloud):
    choose(cloud, "5-a", 2)
    assert predict(cloud_of("other"), "5-a").children[1].index is None


def test_an_unknown_question_is_named(cloud):
    for function in (predict, outcome):
        with pytest.raises(WorkshopError, match="There is no question '9-z'"):
            function(cloud, "9-z")


def test_each_question_is_asked_once_and_its_outcome_comes_later_in_the_same_notebook():
    for number in QUESTIONS:
        (notebook,) = (REPOSITORY / "notebooks").glob(f"{number[0]}-*.ipynb")
        cells = ["".join(cell["source"]) for cell in json.loads(stored(notebook))["cells"]]
        asked = [at for at, cell in enumerate(cells) if f'predict(cloud, "{number}")' in cell]
        shown = [at for at, cell in enumerate(cells) if f'outcome(cloud, "{number}")' in cell]
        assert len(asked) == len(shown) == 1 and asked < shown, number
