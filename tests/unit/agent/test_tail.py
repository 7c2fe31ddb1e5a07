"""Reading a log through all that can happen to it, each step in this process."""

import os
import shutil
from pathlib import Path

import pytest
import tail as tail_module
from hypothesis import given
from hypothesis import strategies as st
from tail import Tail, whole_lines

NOTHING = {"files": {}}


@pytest.fixture
def log(tmp_path):
    return tmp_path / "access.log"


def append(path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def texts(tail: Tail, limit: int = 500) -> list[str]:
    return [line.text.decode() for line in tail.read(limit)]


def test_whole_lines_in_order_and_each_once(log):
    tail = Tail(log, NOTHING)
    assert texts(tail) == []
    append(log, "a", "b", "c")
    assert texts(tail, limit=2) == ["a", "b"]
    append(log, "d")
    assert texts(tail) == ["c", "d"]
    assert texts(tail) == []


def test_a_line_is_named_by_where_it_begins(log):
    append(log, "a", "bcd", "e")
    lines = Tail(log, NOTHING).read(500)
    assert [(line.inode, line.offset) for line in lines] == [
        (log.stat().st_ino, offset) for offset in (0, 2, 6)
    ]


def test_an_unfinished_line_waits(log):
    tail = Tail(log, NOTHING)
    log.write_text("a\nunfin")
    assert texts(tail) == ["a"]
    assert texts(tail) == []
    append(log, "ished")
    assert texts(tail) == ["unfinished"]


def test_after_a_restart_it_goes_on_where_it_was(log):
    append(log, "a", "b")
    first = Tail(log, NOTHING)
    assert texts(first, limit=1) == ["a"]
    assert texts(Tail(log, first.state())) == ["b"]


def test_a_renamed_log_is_read_to_its_end_first(log):
    tail = Tail(log, NOTHING)
    append(log, "a", "b")
    texts(tail, limit=1)
    rotated = log.rename(log.with_name("access.log.1"))
    assert texts(tail) == ["b"]
    append(log, "d")
    append(rotated, "c")  # by a server that has not been told yet
    assert texts(tail) == ["c", "d"]
    append(rotated, "late")
    assert texts(tail) == ["late"]


def test_rotations_while_nobody_read_are_read_oldest_first(log):
    append(log, "a", "b")
    saved = Tail(log, NOTHING)
    texts(saved, limit=1)
    for number, name in enumerate(["access.log-20261123", "access.log.2", "access.log.1"]):
        rotated = log.rename(log.with_name(name))
        os.utime(rotated, (number, number))
        append(log, f"c{number}")
    log.with_name("access.log.3.gz").write_text("compressed\n")
    log.with_name("access.log.state").write_text("not a log\n")
    assert texts(Tail(log, saved.state())) == ["b", "c0", "c1", "c2"]


def test_the_newest_file_begun_is_told_so_that_older_ones_may_be_deleted(log):
    tail = Tail(log, NOTHING)
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
    tail = Tail(log, NOTHING)
    append(log, "a", "b")
    texts(tail, limit=1)
    rotated = log.rename(log.with_name("access.log.1"))
    append(log, "c")
    rotated.unlink()
    assert texts(tail) == ["b", "c"]


def test_a_truncated_log_is_read_from_its_beginning(log):
    tail = Tail(log, NOTHING)
    append(log, "first", "second")
    texts(tail)
    log.write_text("")
    assert texts(tail) == []
    append(log, "third")
    assert texts(tail) == ["third"]


def test_a_truncated_log_that_has_grown_again_is_read_from_its_beginning(log):
    tail = Tail(log, NOTHING)
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
    tail = Tail(log, NOTHING)
    append(log, "a", "b", "c")
    texts(tail, limit=1)
    inode = log.stat().st_ino
    copy = log.with_name("access.log.1")
    shutil.copyfile(log, copy)
    if not restarted:
        assert texts(tail, limit=1) == ["b"]  # the copy is there, the log not truncated yet
    log.write_text("")
    append(log, "d")
    tail = Tail(log, tail.state()) if restarted else tail
    lines = tail.read(500)
    assert [line.text for line in lines] == ([b"b"] if restarted else []) + [b"c", b"d"]
    # Named as in the original: what was shipped from there before a kill is a duplicate now.
    assert [(line.inode, line.offset) for line in lines][-2:] == [(inode, 4), (inode, 0)]
    assert texts(Tail(log, tail.state())) == []


@pytest.mark.parametrize("restarted", ["never", "before the cut", "after the cut"])
def test_a_copy_put_over_an_older_copy_repeats_no_line(log, restarted):
    tail, copy = Tail(log, NOTHING), log.with_name("access.log.1")
    found = []
    for turn in range(3):
        append(log, *(f"{turn} {number}" for number in range(10)))
        found += tail.read(4)
        shutil.copyfile(log, copy)  # as cp does: the older copy's inode
        if restarted == "before the cut":
            tail = Tail(log, tail.state())
        if restarted != "after the cut":
            found += tail.read(3)
        log.write_text("")
        append(log, f"{turn} after")
        if restarted == "after the cut":
            tail = Tail(log, tail.state())
        while lines := tail.read(500):
            found += lines
    expected = [f"{turn} {name}" for turn in range(3) for name in [*range(10), "after"]]
    assert sorted(line.text.decode() for line in found) == sorted(expected)
    assert {line.inode for line in found} == {log.stat().st_ino}


def test_what_a_cut_took_away_is_said_and_what_a_copy_kept_is_not(log):
    said = []
    tail = Tail(log, NOTHING, said.append)
    append(log, "a", "b")
    texts(tail, limit=1)
    shutil.copyfile(log, log.with_name("access.log.1"))
    log.write_text("")
    append(log, "c", "d")
    assert texts(tail) == ["b", "c", "d"] and said == []
    append(log, "never read")
    log.write_text("")
    append(log, "e")
    assert texts(tail) == ["e"]
    (sentence,) = said
    assert "cut or replaced when it had been read to byte 4" in sentence


def test_an_inode_given_out_again_is_a_new_file(log):
    tail = Tail(log, NOTHING)
    append(log, "old", "older")
    texts(tail)
    state = tail.state()
    tail.close()
    log.unlink()
    append(log, "a new file", "with two lines")
    (position,) = state["files"].values()
    state["files"] = {str(log.stat().st_ino): position}
    assert texts(Tail(log, state)) == ["a new file", "with two lines"]


def test_an_endless_line_is_handed_out_once_and_cut(log):
    tail = Tail(log, NOTHING)
    log.write_text("a\n" + "x" * 8193)
    assert texts(tail) == ["a", "x" * 8193]
    with log.open("a") as file:
        file.write("x" * 1_000_000)
    assert texts(tail) == []
    tail = Tail(log, tail.state())  # a restart in the middle of it
    append(log, "x" * 1_000_000, "b")
    assert texts(tail) == ["b"]


def test_a_rotated_files_last_line_without_an_end_is_given_up_waiting_for(log, monkeypatch):
    tail = Tail(log, NOTHING)
    log.write_text("a\nhalf a li")
    rotated = log.rename(log.with_name("access.log.1"))
    append(log, "b")
    assert texts(tail) == ["a", "b"]
    os.utime(rotated, (0, 0))
    assert texts(tail) == ["half a li"]
    assert texts(tail) == []


def test_a_log_that_is_not_there_yet_keeps_what_was_saved(log):
    append(log, "a", "b")
    first = Tail(log, NOTHING)
    texts(first, limit=1)
    hidden = log.rename(log.with_name("hidden"))
    tail = Tail(log, first.state())
    assert texts(tail) == []
    assert tail.state()["files"] == first.state()["files"]
    hidden.rename(log)
    assert texts(tail) == ["b"]


def test_a_file_that_cannot_be_opened_is_said_and_nothing_is_passed_over(log, monkeypatch):
    append(log.with_name("access.log.1"), "a")
    append(log, "b")
    log.with_name("access.log.2").mkdir()  # no log at all
    tail, real_open = Tail(log, NOTHING), os.open

    def refuse(path, flags):  # as root, which the tests may be, every file can be opened
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
def test_however_the_log_is_cut_into_chunks_the_lines_are_the_same(lines, chunk, limit):
    data = b"".join(line + b"\n" for line in lines)
    found, offset, skipping = [], 0, False
    size = chunk
    while offset < len(data):
        piece = data[offset : offset + size]
        new, consumed, skipping = whole_lines(piece, skipping, limit)
        assert [data[offset + start :][: len(text)] for start, text in new] == [
            text for _, text in new
        ]
        found += [text for _, text in new]
        offset += consumed
        size = chunk if consumed else size + chunk
    assert found == lines and not skipping


def test_a_backlog_of_many_chunks_is_read_whole(log):
    assert tail_module.CHUNK_BYTES < 20_000 * 100
    append(log, *(f"{number:099d}" for number in range(20_000)))
    tail = Tail(log, NOTHING)
    found = []
    while lines := texts(tail):
        found += lines
    assert found == [f"{number:099d}" for number in range(20_000)]
