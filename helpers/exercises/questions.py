"""The questions of the notebooks that a learner answers before an experiment."""

from dataclasses import dataclass

from helpers.core.errors import WorkshopError


@dataclass(frozen=True)
class Question:
    """A question with its possible answers.

    Args:
        text: the question.
        options: the answers.
        right: the number of the one that the experiment shows, from 0.
    """

    text: str
    options: tuple[str, ...]
    right: int


QUESTIONS = {
    "1-a": Question(
        "Two more servers start, and the traffic stays as it is. How many beacons a second arrive?",
        ("three times as many", "as many as before", "fewer"),
        1,
    ),
    "2-a": Question(
        "A hundred clicks are counted. Seven more of the same ten seconds arrive late. What does "
        "the table show then?",
        ("7", "100", "107"),
        2,
    ),
    "3-a": Question(
        "A metric gets two datapoints for the same time: 100, then 7. What is CloudWatch's sum?",
        ("7", "100", "107"),
        2,
    ),
    "4-a": Question(
        "Flink can't plan a statement of an update. What does the running job do?",
        ("it stops", "it continues with the old statements", "it runs without this statement"),
        1,
    ),
    "5-a": Question(
        "Flink is killed while 50 beacons a second arrive. What does the ledger show at the end?",
        ("a few hundred are lost", "a few hundred are counted twice", "neither"),
        2,
    ),
    "5-b": Question(
        "CloudWatch has all values, and gets each row a second time. What are its sums then?",
        ("the same", "twice as large"),
        0,
    ),
    "6-a": Question(
        "Ten times as many visitors come within a minute. Where do beacons wait?",
        ("in front of the stream", "in front of Flink", "in front of a function", "nowhere"),
        3,
    ),
    "7-a": Question(
        "Ben views one page before the full hour, and one 30 seconds later. How many visits does "
        "your pipeline count, and how many does a tool that counts by the hour of the clock?",
        ("1, and the tool 1", "1, and the tool 2", "2, and the tool 2"),
        1,
    ),
    "7-b": Question(
        "A late page view joins two visits. What happens in the minute of the second visit?",
        ("nothing", "its values fall by 1", "its values rise by 1"),
        1,
    ),
    "7-c": Question(
        "The gap is 10 minutes, and the pauses between three page views are 15 minutes. How many "
        "visits are they?",
        ("1", "2", "3"),
        2,
    ),
}


def question_of(number: str) -> Question:
    """Return a question.

    Args:
        number: the module's and its own letter, e.g. `"5-a"`.

    Raises:
        WorkshopError: there is no such question.

    Example:
        >>> question_of("3-a").options
        ('7', '100', '107')
    """
    if number not in QUESTIONS:
        raise WorkshopError(
            f"There is no question {number!r:.20}.", f"Choose from {', '.join(QUESTIONS)}."
        )
    return QUESTIONS[number]
