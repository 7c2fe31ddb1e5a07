"""The access log deleted, moved or replaced: each beacon that was answered 200 is shipped."""

import os
import shutil
from pathlib import Path

import pytest
from siblings import files_of
from tail import QUIET_SECONDS, Tail

from helpers.local.beacon_server import apache_log
from helpers.local.beacon_server.apache_log import AccessLog
from helpers.local.beacon_server.rate_limited_log import RateLimitedLog
from tests.agent_log import NEW_STATE, texts
from tests.catcher import until
from tests.running_server import Flood


def read_all(tail: Tail) -> dict[tuple[int, int], str]:
    """Return the event of each line, by inode and offset."""
    events_read = {}
    while lines := tail.read(500):
        events = [each.text.decode().split('" "')[2] for each in lines]
        events_read |= {
            (each.inode, each.offset): event for each, event in zip(lines, events, strict=True)
        }
    return events_read


def delete(log):
    log.unlink()


def move_away(log):
    log.rename(log.with_name("kept.txt"))


def replace(log):
    log.with_name("other").write_text("a line of another program\n")
    log.with_name("other").rename(log)


def remove_folder(log):
    shutil.rmtree(log.parent)


@pytest.mark.parametrize("harm", [delete, move_away, replace, remove_folder])
def test_beacons_are_logged_under_the_same_path_after_the_log_was_removed(server, harm):
    for turn in range(3):
        assert server.beacon(f"before{turn}") == 200
        harm(server.log)
        assert server.beacon(f"after{turn}") == 200
        assert f'"after{turn}"' in server.log.read_text()
    until(lambda: server.said)
    assert all("was deleted, moved away or replaced: a new one is begun" in s for s in server.said)


def test_beacons_are_refused_while_no_new_log_can_be_created(server):
    assert server.beacon("before") == 200
    shutil.rmtree(server.log.parent)
    server.log.parent.write_text("no folder any more")
    for _ in range(5):
        assert server.beacon("lost") == 503
    server.log.parent.unlink()
    assert server.beacon("after") == 200
    assert server.events() == ["after"]
    until(lambda: any("The access log is open again" in sentence for sentence in server.said))


def test_a_write_fails_and_leaves_no_line_if_the_log_is_deleted_meanwhile(tmp_path, monkeypatch):
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


def test_a_write_succeeds_if_the_log_is_rotated_meanwhile(tmp_path, monkeypatch):
    path, real_write = tmp_path / "access.log", os.write
    log = AccessLog(path, RateLimitedLog())

    def write(descriptor, data):
        path.rename(path.with_name("access.log-20261128-1"))
        return real_write(descriptor, data)

    monkeypatch.setattr(apache_log.os, "write", write)
    assert log.write(b"first\n") == (6, None)
    monkeypatch.undo()
    assert log.write(b"second\n") == (7, None)
    assert [line.text for line in Tail(path, NEW_STATE).read(9)] == [b"first", b"second"]


@pytest.mark.parametrize(
    "name",
    ["access.log.1", "access.log-20261128", "access.log-20261128-1795", "access.log.1.2"]
    + ["access.log.gz", "access.log.1.gz", "access.logs", "xaccess.log", "accessxlog.1"],
)
def test_the_server_warns_of_a_moved_log_unless_the_agent_reads_it(tmp_path, capfd, name):
    path = tmp_path / "access.log"
    log = AccessLog(path, RateLimitedLog())
    log.write(b"first\n")
    moved = path.rename(path.with_name(name))
    log.write(b"second\n")
    assert (moved in files_of(path)) == ("deleted, moved away" not in capfd.readouterr().err)


def test_lines_of_logs_deleted_under_load_are_shipped_by_a_running_agent(server):
    warnings: list[str] = []
    tail = Tail(server.log, NEW_STATE, warnings.append)
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
    # A beacon whose log is deleted meanwhile is refused, but may be shipped already.
    assert flood.confirmed <= set(shipped.values()) and not flood.unknown
    assert len(shipped) == len(set(shipped.values())) and len(flood.confirmed) > 2000
    assert any("was deleted. This agent ships further lines" in warning for warning in warnings)


def line(text: str) -> str:
    return f"{text}\n"


def test_a_deleted_log_is_read_while_httpd_may_write_to_it(tmp_path):
    """httpd writes to the deleted file until it is reloaded."""
    log, warnings = tmp_path / "access.log", []
    tail = Tail(log, NEW_STATE, warnings.append)
    with log.open("a", buffering=1) as httpd:
        httpd.write(line("a"))
        assert texts(tail) == ["a"]
        log.unlink()
        assert texts(tail) == [] and len(warnings) == 1
        httpd.write(line("b"))
        assert texts(tail) == ["b"]
        log.write_text(line("c"))  # httpd is reloaded; an old process still writes
        httpd.write(line("d"))
        assert texts(tail) == ["d", "c"] and texts(tail) == []
        assert list(tail.state()["files"]) == [str(log.stat().st_ino)]
        os.utime(httpd.fileno(), (0, os.fstat(httpd.fileno()).st_mtime - QUIET_SECONDS))
        assert texts(tail) == [] and len(tail._files) == 1
    assert len(warnings) == 1


def test_a_deleted_log_is_read_to_its_end_after_its_folder_was_removed(tmp_path):
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    tail = Tail(log, NEW_STATE)
    assert texts(tail) == []
    log.write_text(line("a"))
    assert texts(tail) == ["a"]
    with log.open("a") as file:
        file.write(line("b"))
    shutil.rmtree(log.parent)
    assert texts(tail) == ["b"]


@pytest.fixture
def linked(tmp_path):
    """Returns a log that is a symbolic link, and its target."""
    real, log = tmp_path / "elsewhere" / "real.log", tmp_path / "logs" / "access.log"
    real.parent.mkdir()
    log.parent.mkdir()
    real.touch()
    log.symlink_to(real)
    return log, real


def test_no_line_is_lost_if_a_links_target_is_rotated_while_no_agent_runs(linked):
    log, real = linked
    server = AccessLog(log, RateLimitedLog())
    server.write(b"a\nb\n")
    tail = Tail(log, NEW_STATE)
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
    warnings: list[str] = []
    tail = Tail(log, state, warnings.append)
    assert texts(tail) == expected and texts(tail) == [] and warnings == []


def test_a_log_rotated_in_the_links_folder_is_read_too(linked):
    log, real = linked
    server = AccessLog(log, RateLimitedLog())
    server.write(b"a\n")
    log.rename(log.with_name("access.log.1"))
    server.write(b"b\n")
    assert not log.is_symlink()
    before = len(list(Path("/dev/fd").iterdir()))
    tail = Tail(log, NEW_STATE)
    assert texts(tail) == ["a", "b"]
    assert len(list(Path("/dev/fd").iterdir())) == before + 2, "each file is open once"


def test_a_warning_is_given_if_a_link_has_another_target_after_a_restart(linked):
    log, real = linked
    real.write_text(line("a"))
    tail, warnings = Tail(log, NEW_STATE), []
    assert texts(tail) == ["a"]
    state = tail.state()
    with real.open("a") as file:
        file.write(line("never read"))
    log.unlink()
    log.symlink_to(real.with_name("another.log"))
    real.with_name("another.log").write_text(line("b"))
    tail = Tail(log, state, warnings.append)
    assert texts(tail) == ["b"]
    (warning,) = warnings
    assert "read to byte 2 does not exist any more" in warning
