"""Reading a log across rotations, truncations, copies and restarts, in this process."""

import os
import shutil
from pathlib import Path

import pytest
import tail as tail_module
from hypothesis import given
from hypothesis import strategies as st
from tail import Tail, whole_lines

from tests.agent_log import NEW_STATE, texts


def append(path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_complete_lines_are_read_once_and_in_order(log):
    tail = Tail(log, NEW_STATE)
    assert texts(tail) == []
    append(log, "a", "b", "c")
    assert texts(tail, limit=2) == ["a", "b"]
    append(log, "d")
    assert texts(tail) == ["c", "d"]
    assert texts(tail) == []


def test_each_line_has_its_inode_and_offset(log):
    append(log, "a", "bcd", "e")
    lines = Tail(log, NEW_STATE).read(500)
    assert [(line.inode, line.offset) for line in lines] == [
        (log.stat().st_ino, offset) for offset in (0, 2, 6)
    ]


def test_an_unfinished_line_is_not_read(log):
    tail = Tail(log, NEW_STATE)
    log.write_text("a\nunfin")
    assert texts(tail) == ["a"]
    assert texts(tail) == []
    append(log, "ished")
    assert texts(tail) == ["unfinished"]


def test_reading_continues_after_a_restart(log):
    append(log, "a", "b")
    first = Tail(log, NEW_STATE)
    assert texts(first, limit=1) == ["a"]
    assert texts(Tail(log, first.state())) == ["b"]


def test_a_renamed_log_is_read_to_its_end_first(log):
    tail = Tail(log, NEW_STATE)
    append(log, "a", "b")
    texts(tail, limit=1)
    rotated = log.rename(log.with_name("access.log.1"))
    assert texts(tail) == ["b"]
    append(log, "d")
    append(rotated, "c")  # by a server that has not been reloaded yet
    assert texts(tail) == ["c", "d"]
    append(rotated, "late")
    assert texts(tail) == ["late"]


def test_logs_rotated_while_no_agent_ran_are_read_oldest_first(log):
    append(log, "a", "b")
    saved = Tail(log, NEW_STATE)
    texts(saved, limit=1)
    for number, name in enumerate(["access.log-20261123", "access.log.2", "access.log.1"]):
        rotated = log.rename(log.with_name(name))
        os.utime(rotated, (number, number))
        append(log, f"c{number}")
    log.with_name("access.log.3.gz").write_text("compressed\n")
    log.with_name("access.log.state").write_text("not a log\n")
    assert texts(Tail(log, saved.state())) == ["b", "c0", "c1", "c2"]


def test_the_state_has_the_newest_opened_file(log):
    tail = Tail(log, NEW_STATE)
    append(log, "a", "b")
    rotated = log.rename(log.with_name("access.log.1"))
    append(log, "c")
    texts(tail, limit=1)
    assert tail.state()["inode"] != log.stat().st_ino
    texts(tail)
    assert tail.state()["inode"] == log.stat().st_ino
    rotated.unlink()
    texts(tail)
    assert list(tail.state()["files"]) == [str(log.stat().st_ino)]


def test_a_rotated_file_that_is_deleted_unread_is_still_read(log):
    tail = Tail(log, NEW_STATE)
    append(log, "a", "b")
    texts(tail, limit=1)
    rotated = log.rename(log.with_name("access.log.1"))
    append(log, "c")
    rotated.unlink()
    assert texts(tail) == ["b", "c"]


def test_a_truncated_log_is_read_from_its_beginning(log):
    tail = Tail(log, NEW_STATE)
    append(log, "first", "second")
    texts(tail)
    log.write_text("")
    assert texts(tail) == []
    append(log, "third")
    assert texts(tail) == ["third"]


def test_a_truncated_log_that_has_grown_again_is_read_from_its_beginning(log):
    tail = Tail(log, NEW_STATE)
    append(log, "first", "second")
    texts(tail)
    log.write_text("")
    append(log, *(f"new {number}" for number in range(100)))
    assert texts(tail) == [f"new {number}" for number in range(100)]
    log.write_text("")
    append(log, *(f"newer {number}" for number in range(200)))
    assert texts(Tail(log, tail.state()))[0] == "newer 0"


@pytest.mark.parametrize("restarted", [False, True])
def test_copytruncate_neither_loses_nor_repeats_a_line(log, restarted):
    tail = Tail(log, NEW_STATE)
    append(log, "a", "b", "c")
    texts(tail, limit=1)
    inode = log.stat().st_ino
    copy = log.with_name("access.log.1")
    shutil.copyfile(log, copy)
    if not restarted:
        assert texts(tail, limit=1) == ["b"]  # the log is copied, but not truncated yet
    log.write_text("")
    append(log, "d")
    tail = Tail(log, tail.state()) if restarted else tail
    lines = tail.read(500)
    assert [line.text for line in lines] == ([b"b"] if restarted else []) + [b"c", b"d"]
    # Inode and offset are the original's, so a line that is shipped again is a duplicate.
    assert [(line.inode, line.offset) for line in lines][-2:] == [(inode, 4), (inode, 0)]
    assert texts(Tail(log, tail.state())) == []


@pytest.mark.parametrize("restarted", ["never", "before the cut", "after the cut"])
def test_no_line_is_repeated_if_a_copy_replaces_an_older_copy(log, restarted):
    tail, copy = Tail(log, NEW_STATE), log.with_name("access.log.1")
    lines_read = []
    for turn in range(3):
        append(log, *(f"{turn} {number}" for number in range(10)))
        lines_read += tail.read(4)
        shutil.copyfile(log, copy)  # as cp does: the older copy's inode
        if restarted == "before the cut":
            tail = Tail(log, tail.state())
        if restarted != "after the cut":
            lines_read += tail.read(3)
        log.write_text("")
        append(log, f"{turn} after")
        if restarted == "after the cut":
            tail = Tail(log, tail.state())
        while lines := tail.read(500):
            lines_read += lines
    expected = [f"{turn} {name}" for turn in range(3) for name in [*range(10), "after"]]
    assert sorted(line.text.decode() for line in lines_read) == sorted(expected)
    assert {line.inode for line in lines_read} == {log.stat().st_ino}


def test_a_warning_is_given_for_lost_lines_but_not_for_copied_ones(log):
    warnings = []
    tail = Tail(log, NEW_STATE, warnings.append)
    append(log, "a", "b")
    texts(tail, limit=1)
    shutil.copyfile(log, log.with_name("access.log.1"))
    log.write_text("")
    append(log, "c", "d")
    assert texts(tail) == ["b", "c", "d"] and warnings == []
    append(log, "never read")
    log.write_text("")
    append(log, "e")
    assert texts(tail) == ["e"]
    (warning,) = warnings
    assert "cut or replaced after it was read to byte 4" in warning


def test_a_reused_inode_is_a_new_file(log):
    tail = Tail(log, NEW_STATE)
    append(log, "old", "older")
    texts(tail)
    state = tail.state()
    tail.close()
    log.unlink()
    append(log, "a new file", "with two lines")
    (position,) = state["files"].values()
    state["files"] = {str(log.stat().st_ino): position}
    assert texts(Tail(log, state)) == ["a new file", "with two lines"]


def test_a_very_long_line_is_returned_once_and_cut(log):
    tail = Tail(log, NEW_STATE)
    log.write_text("a\n" + "x" * 8193)
    assert texts(tail) == ["a", "x" * 8193]
    with log.open("a") as file:
        file.write("x" * 1_000_000)
    assert texts(tail) == []
    tail = Tail(log, tail.state())  # a restart within the line
    append(log, "x" * 1_000_000, "b")
    assert texts(tail) == ["b"]


def test_a_rotated_files_last_line_is_read_without_a_newline_after_a_while(log):
    tail = Tail(log, NEW_STATE)
    log.write_text("a\nhalf a li")
    rotated = log.rename(log.with_name("access.log.1"))
    append(log, "b")
    assert texts(tail) == ["a", "b"]
    os.utime(rotated, (0, 0))
    assert texts(tail) == ["half a li"]
    assert texts(tail) == []


def test_the_saved_position_is_kept_while_the_log_is_absent(log):
    append(log, "a", "b")
    first = Tail(log, NEW_STATE)
    texts(first, limit=1)
    hidden = log.rename(log.with_name("hidden"))
    tail = Tail(log, first.state())
    assert texts(tail) == []
    assert tail.state()["files"] == first.state()["files"]
    hidden.rename(log)
    assert texts(tail) == ["b"]


def test_reading_fails_without_skipping_lines_if_a_file_cannot_be_opened(log, monkeypatch):
    append(log.with_name("access.log.1"), "a")
    append(log, "b")
    log.with_name("access.log.2").mkdir()  # not a log
    tail, real_open = Tail(log, NEW_STATE), os.open

    def refuse(path, flags):  # root, as which tests may run, can open any file
        if path.name == "access.log.1":
            raise PermissionError(path)
        return real_open(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(PermissionError):
            tail.read(500)
    assert len(list(Path("/dev/fd").iterdir())) == before
    monkeypatch.undo()
    assert texts(tail) == ["a", "b"]


@given(
    st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30),
    st.integers(1, 60),
    st.integers(1, 5),
)
def test_the_lines_are_the_same_with_any_size_of_chunks(lines, chunk, limit):
    data = b"".join(line + b"\n" for line in lines)
    lines_read, offset, skipping = [], 0, False
    size = chunk
    while offset < len(data):
        piece = data[offset : offset + size]
        new, consumed, skipping = whole_lines(piece, skipping, limit)
        assert [data[offset + start :][: len(text)] for start, text in new] == [
            text for _, text in new
        ]
        lines_read += [text for _, text in new]
        offset += consumed
        size = chunk if consumed else size + chunk
    assert lines_read == lines and not skipping


def test_a_backlog_of_many_chunks_is_read_completely(log):
    assert tail_module.CHUNK_BYTES < 20_000 * 100
    append(log, *(f"{number:099d}" for number in range(20_000)))
    tail = Tail(log, NEW_STATE)
    lines_read = []
    while lines := texts(tail):
        lines_read += lines
    assert lines_read == [f"{number:099d}" for number in range(20_000)]
