"""The access log deleted, moved, replaced, its folder removed: what is answered 200 is shipped."""

import os
import shutil
from pathlib import Path

import pytest
from siblings import files_of
from tail import QUIET_SECONDS, Tail

from helpers.local.beacon_server import apache_log
from helpers.local.beacon_server.apache_log import AccessLog
from helpers.local.beacon_server.rate_limited_log import RateLimitedLog
from tests.catcher import until
from tests.running_server import Flood

NOTHING = {"files": {}}


def read_all(tail: Tail) -> dict[tuple[int, int], str]:
    """The event of each line, under what its beacon_id is made of."""
    found = {}
    while lines := tail.read(500):
        events = [each.text.decode().split('" "')[2] for each in lines]
        found |= {
            (each.inode, each.offset): event for each, event in zip(lines, events, strict=True)
        }
    return found


def delete(log):
    log.unlink()


def move_away(log):
    log.rename(log.with_name("kept.txt"))


def replace(log):
    log.with_name("other").write_text("a line of somebody else\n")
    log.with_name("other").rename(log)


def remove_folder(log):
    shutil.rmtree(log.parent)


@pytest.mark.parametrize("harm", [delete, move_away, replace, remove_folder])
def test_what_is_answered_after_the_log_went_is_in_the_file_that_the_path_names(server, harm):
    for turn in range(3):
        assert server.beacon(f"before{turn}") == 200
        harm(server.log)
        assert server.beacon(f"after{turn}") == 200
        assert f'"after{turn}"' in server.log.read_text()
    until(lambda: server.said)
    assert all("was deleted, moved away or replaced: a new one is begun" in s for s in server.said)


def test_where_no_new_file_can_be_made_beacons_are_refused(server):
    assert server.beacon("before") == 200
    shutil.rmtree(server.log.parent)
    server.log.parent.write_text("no folder any more")
    for _ in range(5):
        assert server.beacon("lost") == 503
    server.log.parent.unlink()
    assert server.beacon("after") == 200
    assert server.events() == ["after"]
    until(lambda: any("The access log is open again" in sentence for sentence in server.said))


def test_a_log_deleted_in_a_write_is_answered_503_and_leaves_no_line(tmp_path, monkeypatch):
    log, real_write = AccessLog(tmp_path / "access.log", RateLimitedLog()), os.write
    assert log.write(b"first\n") == (6, None)
    kept = (tmp_path / "access.log").open("rb")  # as an agent has it

    def write(descriptor, data):
        (tmp_path / "access.log").unlink()
        return real_write(descriptor, data)

    monkeypatch.setattr(apache_log.os, "write", write)
    written, failure = log.write(b"second\n")
    assert written == 0 and "deleted while it was written to" in str(failure)
    monkeypatch.undo()
    assert log.write(b"third\n") == (6, None)
    assert (kept.read(), (tmp_path / "access.log").read_bytes()) == (b"first\n", b"third\n")
    kept.close()


def test_a_log_rotated_in_a_write_is_a_log_still(tmp_path, monkeypatch):
    path, real_write = tmp_path / "access.log", os.write
    log = AccessLog(path, RateLimitedLog())

    def write(descriptor, data):
        path.rename(path.with_name("access.log-20261128-1"))
        return real_write(descriptor, data)

    monkeypatch.setattr(apache_log.os, "write", write)
    assert log.write(b"first\n") == (6, None)
    monkeypatch.undo()
    assert log.write(b"second\n") == (7, None)
    assert [line.text for line in Tail(path, NOTHING).read(9)] == [b"first", b"second"]


@pytest.mark.parametrize(
    "name",
    ["access.log.1", "access.log-20261128", "access.log-20261128-1795", "access.log.1.2"]
    + ["access.log.gz", "access.log.1.gz", "access.logs", "xaccess.log", "accessxlog.1"],
)
def test_the_server_and_the_agent_look_for_the_same_files(tmp_path, capfd, name):
    """Moved to a name that the agent does not read, it is said; to a rotated one, it is not."""
    path = tmp_path / "access.log"
    log = AccessLog(path, RateLimitedLog())
    log.write(b"first\n")
    moved = path.rename(path.with_name(name))
    log.write(b"second\n")
    assert (moved in files_of(path)) == ("deleted, moved away" not in capfd.readouterr().err)


def test_logs_deleted_under_load_are_all_shipped_while_the_agent_has_them_open(server):
    said: list[str] = []
    tail = Tail(server.log, NOTHING, said.append)
    shipped: dict[tuple[int, int], str] = {}
    flood = Flood(server.port, rate=1500)
    try:
        for turn in range(1, 9):

            def grown(turn=turn) -> bool:
                shipped.update(read_all(tail))
                return len(flood.confirmed) > 300 * turn

            until(grown)
            until(server.log.exists)
            inode = server.log.stat().st_ino
            until(lambda i=inode: shipped.update(read_all(tail)) or i in tail._files)
            server.log.unlink()
    finally:
        flood.stop()
    shipped.update(read_all(tail))
    # A log deleted within a write is refused, and what the agent had read of it by then is counted.
    assert flood.confirmed <= set(shipped.values()) and not flood.unknown
    assert len(shipped) == len(set(shipped.values())) and len(flood.confirmed) > 2000
    assert any("was deleted. What is written into it" in sentence for sentence in said)


def line(text: str) -> str:
    return f"{text}\n"


def texts(tail: Tail) -> list[str]:
    return [line.text.decode() for line in tail.read(500)]


def test_a_deleted_log_is_read_on_as_long_as_httpd_may_write_into_it(tmp_path):
    """httpd does not notice; it goes on into the deleted file until it is reloaded."""
    log, said = tmp_path / "access.log", []
    tail = Tail(log, NOTHING, said.append)
    with log.open("a", buffering=1) as httpd:
        httpd.write(line("a"))
        assert texts(tail) == ["a"]
        log.unlink()
        assert texts(tail) == [] and len(said) == 1
        httpd.write(line("b"))
        assert texts(tail) == ["b"]
        log.write_text(line("c"))  # reloaded; an old process still writes
        httpd.write(line("d"))
        assert texts(tail) == ["d", "c"] and texts(tail) == []
        assert list(tail.state()["files"]) == [str(log.stat().st_ino)]
        os.utime(httpd.fileno(), (0, os.fstat(httpd.fileno()).st_mtime - QUIET_SECONDS))
        assert texts(tail) == [] and len(tail._files) == 1
    assert len(said) == 1


def test_a_deleted_log_is_read_to_its_end_though_its_folder_is_gone(tmp_path):
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    tail = Tail(log, NOTHING)
    assert texts(tail) == []
    log.write_text(line("a"))
    assert texts(tail) == ["a"]
    with log.open("a") as file:
        file.write(line("b"))
    shutil.rmtree(log.parent)
    assert texts(tail) == ["b"]


@pytest.fixture
def linked(tmp_path):
    """A log that is a link to a file elsewhere; returns both paths."""
    real, log = tmp_path / "elsewhere" / "real.log", tmp_path / "logs" / "access.log"
    real.parent.mkdir()
    log.parent.mkdir()
    real.touch()
    log.symlink_to(real)
    return log, real


def test_a_links_target_rotated_while_the_agent_is_away_loses_nothing(linked):
    log, real = linked
    server = AccessLog(log, RateLimitedLog())
    server.write(b"a\nb\n")
    tail = Tail(log, NOTHING)
    assert [each.text for each in tail.read(1)] == [b"a"]
    state = tail.state()
    tail.close()
    expected = ["b"]
    for number in range(3):
        rotated = real.rename(real.with_name(f"real.log-2026112{number}"))
        os.utime(rotated, (number, number))
        server.write(line(f"after {number}").encode())
        expected.append(f"after {number}")
    assert log.is_symlink(), "the server writes into the link's target"
    said: list[str] = []
    tail = Tail(log, state, said.append)
    assert texts(tail) == expected and texts(tail) == [] and said == []


def test_rotated_beside_the_link_its_old_target_is_read_as_well(linked):
    log, real = linked
    server = AccessLog(log, RateLimitedLog())
    server.write(b"a\n")
    log.rename(log.with_name("access.log.1"))
    server.write(b"b\n")
    assert not log.is_symlink()
    before = len(list(Path("/dev/fd").iterdir()))
    tail = Tail(log, NOTHING)
    assert texts(tail) == ["a", "b"]
    assert len(list(Path("/dev/fd").iterdir())) == before + 2, "each file is open once"


def test_a_link_turned_to_another_file_while_the_agent_was_away_is_said(linked):
    log, real = linked
    real.write_text(line("a"))
    tail, said = Tail(log, NOTHING), []
    assert texts(tail) == ["a"]
    state = tail.state()
    with real.open("a") as file:
        file.write(line("never read"))
    log.unlink()
    log.symlink_to(real.with_name("another.log"))
    real.with_name("another.log").write_text(line("b"))
    tail = Tail(log, state, said.append)
    assert texts(tail) == ["b"]
    (sentence,) = said
    assert "read to byte 2 is not there any more" in sentence
