"""The generator's journal: what it expects of bots, and a disk that is full for a moment."""

import errno
import json

import pytest

from assets.agent import user_agent
from helpers.generator.beacon import Beacon
from helpers.generator.journal import Journal, entry
from helpers.generator.visitors import BOTS

LINE = {"status": 200, "kind": "beacon", "expect": "accepted"}


@pytest.mark.parametrize(
    ("expect", "agent", "extra", "outcome"),
    [
        *(("accepted", agent, (), "bot") for agent in BOTS),
        *(("accepted", agent, (), "accepted") for agent in (None, b"-", b"", b"Mozilla/5.0 \xff")),
        ("accepted", b"Mozilla/5.0", ((b"automation", b"webdriver"),), "bot"),
        ("accepted", b"Mozilla/5.0", ((b"automation", b"-"),), "accepted"),
        # A line of a bot is rejected, too_late or a duplicate like any other.
        *((expect, BOTS[0], (), expect) for expect in ("too_long", "too_late", "duplicate")),
    ],
)
def test_a_bots_beacon_is_expected_to_count_as_a_bots(expect, agent, extra, outcome):
    beacon = Beacon(b"click", b"c", b"/", agent, extra=extra, expect=expect)
    assert entry(beacon, 1.0, 200)["expect"] == outcome


class SmallDisk:
    """Takes so many bytes, then none until it has room again."""

    def __init__(self, file, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.file.write(data[: self.room])
        self.room -= written
        return written

    def close(self) -> None:
        self.file.close()


def test_the_rules_for_bots_are_loaded_before_the_first_beacon(tmp_path):
    user_agent._rules.cache_clear()
    user_agent._parsed.cache_clear()
    Journal(tmp_path / "journal.jsonl").close()
    assert user_agent._rules.cache_info().currsize == 1


@pytest.mark.parametrize("room", [0, 1, 60, 100])
def test_each_line_is_written_once_when_there_is_room_again(tmp_path, room):
    journal = Journal(tmp_path / "run.jsonl")
    disk = journal._file = SmallDisk(journal._file, room)
    for number in range(3):
        journal.add(LINE | {"number": number})
    with pytest.raises(OSError, match="No space"):
        journal.flush()
    disk.room = 10_000
    journal.add(LINE | {"number": 3})
    journal.close()
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1, 2, 3]
