"""The agent killed between the stream's answer and its own save: no line gets another beacon_id."""

import threading

import pytest
from agent import Agent, load
from notices import Notices
from tail import Tail

from tests.agent_log import append, copy_and_cut


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of the agent runs after it."""


class Stream:
    """What the stream has; the agent that is killed has its records put, and never hears of it.

    Args:
        answers: how many calls are answered before the kill.
    """

    deadline, shipped, retries = None, 0, 0

    def __init__(self, answers: int) -> None:
        self.records: list[dict] = []
        self.answers = answers

    def ship(self, records: list[dict]) -> None:
        self.records += records
        if records:
            self.answers -= 1
        if self.answers < 0:
            raise KilledError


@pytest.fixture
def log(tmp_path):
    return tmp_path / "access.log"


def run(log, stream: Stream) -> None:
    """Run an agent of its own over what there is, until it is at the end or killed."""
    state, stopping = log.with_name("state.json"), threading.Event()
    stopping.set()
    agent = Agent(Tail(log, load(state)), stream, "server-1", state, Notices())
    agent.run(stopping)


def names(stream: Stream) -> dict[str, set[str]]:
    """The beacon_ids of each event."""
    found: dict[str, set[str]] = {}
    for record in stream.records:
        found.setdefault(record["event"], set()).add(record["beacon_id"])
    return found


@pytest.mark.parametrize("cuts_before", [0, 1, 2])
def test_a_copy_of_lines_that_were_shipped_and_not_saved_keeps_their_names(log, cuts_before):
    kept = []
    for cut in range(cuts_before):
        append(log, f"a{cut}", f"b{cut}")
        stream = Stream(answers=10)
        run(log, stream)
        kept += stream.records
        copy_and_cut(log)
    append(log, "c", "d", "e")
    killed = Stream(answers=0)
    with pytest.raises(KilledError):
        run(log, killed)
    copy_and_cut(log)
    append(log, "f")
    last = Stream(answers=10)
    run(log, last)
    last.records = kept + killed.records + last.records
    assert {event: len(ids) for event, ids in names(last).items()} == dict.fromkeys(names(last), 1)
    assert {"c", "d", "e", "f"} <= set(names(last))
