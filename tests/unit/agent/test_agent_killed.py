"""An agent killed after a put and before it saves its position: no beacon_id changes."""

import threading

import pytest
from agent import Agent, load
from notices import Notices
from tail import Tail

from tests.agent_log import append, copy_and_cut


class KilledError(BaseException):
    """Replaces SIGKILL: no code of the agent runs after it."""


class Stream:
    """Keeps all records; the agent is killed before it receives the last answer.

    Args:
        answers: number of calls that are answered before the kill.
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


def run(log, stream: Stream) -> None:
    """Run a new agent until the end of the log, or until it is killed."""
    state, stopping = log.with_name("state.json"), threading.Event()
    stopping.set()
    agent = Agent(Tail(log, load(state)), stream, "server-1", state, Notices())
    agent.run(stopping)


def beacon_ids(records: list[dict]) -> dict[str, set[str]]:
    """Return the beacon_ids of each event."""
    ids: dict[str, set[str]] = {}
    for record in records:
        ids.setdefault(record["event"], set()).add(record["beacon_id"])
    return ids


@pytest.mark.parametrize("cuts_before", [0, 1, 2])
def test_copied_lines_keep_their_beacon_ids_when_the_position_was_not_saved(log, cuts_before):
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
    ids = beacon_ids(kept + killed.records + last.records)
    assert all(len(ids_of_event) == 1 for ids_of_event in ids.values())
    assert ids.keys() >= {"c", "d", "e", "f"}
