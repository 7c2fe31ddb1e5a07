"""The generator's journal on a disk that is full for a moment."""

import errno
import json

import pytest

from helpers.generator.journal import Journal

LINE = {"status": 200, "kind": "beacon", "expect": "accepted"}


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
