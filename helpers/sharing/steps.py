"""Writes a learner's file after each passed step; what goes wrong there never fails a check."""

import threading
from collections.abc import Callable

from helpers.core.aws_errors import cause_and_remedy
from helpers.core.cloud import Cloud
from helpers.core.module_progress import note_exercise as note_exercise_here
from helpers.core.module_progress import note_passed as note_passed_here
from helpers.core.module_progress import noted_steps

from .learner_file import written
from .membership import Membership, membership

SECONDS = 5  # a network folder that was disconnected may not answer for minutes


def note_passed(cloud: Cloud, notebook: str) -> None:
    """Store that a notebook's check has passed, and share it with the class.

    Args:
        cloud: the account, region and prefix.
        notebook: its name, e.g. `"1-capture"`.
    """
    note_passed_here(cloud, notebook)
    share_steps(cloud)


def note_exercise(cloud: Cloud, number: str) -> None:
    """Store that the work on an exercise is right, and share it with the class.

    Args:
        cloud: the account, region and prefix.
        number: the exercise's, e.g. `"1-1"`.
    """
    note_exercise_here(cloud, number)
    share_steps(cloud)


def note_cleaned_up(cloud: Cloud) -> None:
    """Store that everything is deleted, and share it with the class.

    A class in one account does not see it: the learner's file was deleted with the code bucket.

    Args:
        cloud: the account, region and prefix.
    """
    note_passed_here(cloud, "9-clean-up")
    joined = membership(cloud)
    if joined and joined.folder:
        share_steps(cloud)


def share_steps(cloud: Cloud) -> None:
    """Write the learner's file, if the learner has joined a class.

    The file has all steps, so the next one repairs what could not be written now.

    Args:
        cloud: the account, region and prefix.
    """
    try:
        joined = membership(cloud)
        reason = problem_with_writing(cloud, joined) if joined else ""
    except Exception as error:  # e.g. a damaged file: a check that passed has passed
        reason = _reason_of(error, "this step")
    if reason:
        print(f"Your class can't see this step yet: {reason} The next check tries again.")


def problem_with_writing(cloud: Cloud, joined: Membership) -> str:
    """Write the learner's file; return why that was not possible, or an empty text.

    Args:
        cloud: the account, region and prefix.
        joined: the learner's place in a class.
    """
    place = joined.place(cloud)
    if not joined.folder:
        cloud.client("s3")  # boto3 can't create a client in two threads at once
    return problem_with(
        lambda: place.put(joined.key, written(joined.name, noted_steps(cloud))),
        place.where(joined.key),
    )


def problem_with(action: Callable[[], None], where: str) -> str:
    """Run an action for some seconds at most; return why it failed, or an empty text.

    Args:
        action: reads or writes a shared place.
        where: the shared place, for the sentence.
    """
    reasons: list[str] = []

    def run() -> None:
        try:
            action()
            reasons.append("")
        except Exception as error:  # whatever a network does
            reasons.append(_reason_of(error, where))

    # A thread that waits for a network folder can't be ended; a daemon does not hold the kernel.
    thread = threading.Thread(target=run, name="rwa-class", daemon=True)
    thread.start()
    thread.join(SECONDS)
    return reasons[0] if reasons else f"{where} has not answered within {SECONDS} seconds."


def _reason_of(error: Exception, where: str) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{where}: {error.strerror}."
    return cause_and_remedy(error)[0]
