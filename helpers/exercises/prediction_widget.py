"""A learner's predictions: asks before an experiment, and shows each next to the right answer."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from helpers.core.cloud import Cloud
from helpers.core.paths import home, read_json, write_json
from helpers.plotting.notebook_widgets import deliver_while_busy, panel

from .questions import QUESTIONS, question_of

_CHOICE, _SHOWN = "choice", "shown"


def predict(cloud: Cloud, number: str) -> widgets.VBox:
    """Return a question with its possible answers; a click stores the learner's prediction.

    As soon as `outcome` has shown the answer, the prediction can't be changed any more.

    Args:
        cloud: the account, region and prefix whose predictions these are.
        number: the question's, e.g. `"5-a"`.

    Raises:
        WorkshopError: there is no such question.

    Example:
        `predict(cloud, "5-a")`
    """
    question, stored = question_of(number), _read(cloud).get(number, {})
    choice = widgets.RadioButtons(
        options=question.options,
        index=stored.get(_CHOICE),
        disabled=stored.get(_SHOWN, False),
        layout=widgets.Layout(width="max-content"),
    )
    # Its options have no other name for a screen reader.
    choice.description, choice.style.description_width = "Your prediction:", "initial"
    choice.observe(_store_choice(cloud, number), "index")
    text = widgets.HTML(f"<b>Predict first.</b> {html.escape(question.text)}")
    shown = panel([text, choice])
    deliver_while_busy([choice])
    return shown


def _store_choice(cloud: Cloud, number: str) -> Callable[[dict[str, Any]], None]:
    def store(change: dict[str, Any]) -> None:
        if not _read(cloud).get(number, {}).get(_SHOWN):
            _update(cloud, number, {_CHOICE: change["new"]})

    return store


def outcome(cloud: Cloud, number: str) -> None:
    """Print a prediction and the right answer; `predictions` counts it from now on.

    Args:
        cloud: as for `predict`.
        number: the question's, e.g. `"5-a"`.

    Raises:
        WorkshopError: there is no such question.

    Example:
        `outcome(cloud, "5-a")` prints `… You made no prediction. The answer: neither.`
    """
    question = question_of(number)
    choice = _read(cloud).get(number, {}).get(_CHOICE)
    answer = question.options[question.right]
    if choice is None:
        print(f"… You made no prediction. The answer: {answer}.")
        return
    _update(cloud, number, {_SHOWN: True})
    if choice == question.right:
        print(f"✓ You predicted: {answer}. That is right.")
    else:
        print(f"✗ You predicted: {question.options[choice]}. The answer: {answer}.")


def predictions(cloud: Cloud) -> None:
    """Print how many of the learner's predictions were right, in all modules until now.

    Args:
        cloud: as for `predict`.

    Example:
        `predictions(cloud)` prints `You have made no prediction yet.`
    """
    stored = _read(cloud)
    shown = [number for number in QUESTIONS if stored.get(number, {}).get(_SHOWN)]
    right = sum(stored[number][_CHOICE] == QUESTIONS[number].right for number in shown)
    if not shown:
        print("You have made no prediction yet.")
        return
    print(f"You predicted {right} of {len(shown)} outcome{'s' * (len(shown) > 1)}.")


def _read(cloud: Cloud) -> dict[str, dict[str, Any]]:
    return read_json(_path(cloud), default={})


def _update(cloud: Cloud, number: str, values: dict[str, Any]) -> None:
    stored = _read(cloud)
    write_json(_path(cloud), stored | {number: stored.get(number, {}) | values})


def _path(cloud: Cloud) -> Path:
    return home() / "predictions" / f"{cloud.identity}.json"
