"""The local target: one at a time, found again by kernels, and ended completely."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from helpers.connection.connect import connect
from helpers.core import process_lock
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY, read_json, write_json
from helpers.core.target_files import description_file
from helpers.local import access_key, child_process, ports, state, supervisor
from helpers.local.child_process import adopt
from helpers.local.emulator.settings import SUPERVISED, emulator_environment
from tests.catcher import until

CONNECT = "from helpers.connection.connect import connect; print(connect('local').endpoint)"


def start_kernel(**options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", CONNECT], cwd=REPOSITORY, **options)


@pytest.fixture
def target(own_home):
    """The folder of a local target of this test's own, which is ended afterwards."""
    yield own_home
    supervisor.stop()
    ended(own_home)


def family(folder: Path) -> list[psutil.Process]:
    """The processes that work for the target of this folder, found by their environment."""
    processes = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("WORKSHOP_HOME") == str(folder):
                processes.append(process)
    return [process for process in processes if process.pid != os.getpid()]


def ended(folder: Path):
    # The lock is free a moment before its holder's process is gone.
    until(lambda: family(folder) == [])


def children(pid: int) -> dict[str, int]:
    """The supervisor's children by the module they run."""
    found = {}
    for process in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):
            found[(process.cmdline() or [""])[-1]] = process.pid  # none while it is being started
    return found


def test_two_kernels_at_once_share_one_target(target):
    kernels = [start_kernel(stdout=subprocess.PIPE, text=True) for _ in range(2)]
    endpoints = {kernel.communicate(timeout=120)[0].split("\n")[-2] for kernel in kernels}
    assert endpoints == {state.description()["endpoint"]}
    assert state.holder() == state.description()["pid"]


def test_a_stale_description_is_ignored(target):
    write_json(description_file(), {"pid": 1, "endpoint": "http://127.0.0.1:1", "ready": 1})
    cloud = connect("local")
    assert cloud.endpoint != "http://127.0.0.1:1"
    assert cloud.client("sts").get_caller_identity()["Account"] == cloud.account


def test_after_each_sigkill_a_successor_continues_with_the_same_emulator(target):
    cloud = connect("local")
    cloud.client("kinesis").create_stream(StreamName="kept", ShardCount=1)
    emulator = emulator_pid()
    for _ in range(3):
        controllers = until(controllers_run)
        successor = until(killed(state.holder()))
        until(lambda old=controllers: controllers_run() not in (None, old))
        assert state.description()["pid"] == successor
        assert connect("local").endpoint == cloud.endpoint
        assert cloud.client("kinesis").list_streams()["StreamNames"] == ["kept"]
        assert emulator_pid() == emulator
    assert supervisor.stop()
    ended(target)


def emulator_pid() -> int | None:
    return process_lock.holder(process_lock.pid_file("emulator"))


def controllers_run() -> tuple | None:
    pids = [
        process_lock.holder(process_lock.pid_file(name)) for name in ("fleet", "flink", "alarms")
    ]
    return tuple(pids) if all(pids) else None


def killed(pid: int):
    """Kill a supervisor; return a condition: its successor's pid, once there is one."""
    os.kill(pid, signal.SIGKILL)
    return lambda: (successor := state.holder()) != pid and successor


def test_after_two_kills_in_a_row_there_is_a_successor(target):
    cloud = connect("local")
    first = state.holder()
    second = until(killed(first))
    os.kill(second, signal.SIGKILL)  # as it starts
    third = until(lambda: (pid := state.holder()) not in (None, second) and pid)
    assert third != first and connect("local").endpoint == cloud.endpoint
    assert supervisor.stop()
    ended(target)


def test_a_kill_while_the_emulator_starts_leaves_one_target_or_none(target):
    kernel = start_kernel()
    first = until(state.holder)
    until(lambda: adopt("emulator"))
    os.kill(first, signal.SIGKILL)
    assert kernel.wait(timeout=120) == 0
    assert state.holder() == state.description()["pid"] != first


def test_after_a_kill_and_a_stop_no_process_is_restarted(target):
    connect("local")
    os.kill(state.holder(), signal.SIGKILL)
    assert supervisor.stop()
    ended(target)
    assert not list(target.glob("local.[je]*"))


def test_after_a_kill_while_it_ends_no_process_is_restarted(target):
    connect("local")
    until(controllers_run)
    pid = state.holder()
    os.kill(pid, signal.SIGTERM)
    until(state.is_ending)
    os.kill(pid, signal.SIGKILL)
    ended(target)


def test_an_adopted_emulator_ends_after_two_idle_hours_too(target):
    connect("local")
    until(killed(state.holder()))
    make_idle(target)
    ended(target)


def test_a_dead_adopted_emulator_is_started_again(target):
    cloud = connect("local")
    until(killed(state.holder()))
    first = emulator_pid()
    os.kill(first, signal.SIGKILL)
    until(lambda: emulator_pid() not in (None, first))
    assert connect("local").endpoint == cloud.endpoint


def test_an_emulator_without_a_successor_of_its_supervisor_ends(own_home, tmp_path):
    own_home.mkdir()
    write_json(description_file(), {})  # no supervisor can go on with that
    settings = emulator_environment(ports.free_port(), access_key.random_key(), tmp_path)
    environment = settings | {SUPERVISED: "1"}
    process = child_process.start(
        ["-m", "helpers.local.emulator"],
        log=tmp_path / "log",
        environment=environment,
        name="emulator",
        outlive=True,
    )
    assert process.wait(timeout=120) == 0
    ended(own_home)


def test_a_dead_emulator_is_started_again(target):
    cloud = connect("local")
    before = until(lambda: children(state.holder()).get("helpers.local.emulator"))
    os.kill(before, signal.SIGKILL)

    def answers():
        again = children(state.holder()).get("helpers.local.emulator")
        return again not in (None, before) and connect("local").endpoint == cloud.endpoint

    until(answers)


def test_a_target_keeps_its_key_after_kills_and_the_next_one_has_another(target):
    cloud = connect("local")
    key, left = access_key.current(), state.temporary_folder() / "left"
    left.touch()
    for pid in (state.holder(), emulator_pid()):
        os.kill(pid, signal.SIGKILL)
    until(lambda: state.holder() is None)
    other = connect("local")  # all is lost: another target, another key
    assert access_key.current() not in (key, None) and not left.exists()
    assert other.client("sts").get_caller_identity()["Account"] == other.account
    with pytest.raises(WorkshopError, match="has ended"):
        cloud.client("sts").get_caller_identity()
    key = access_key.current()
    os.kill(first := emulator_pid(), signal.SIGKILL)
    until(lambda: emulator_pid() not in (None, first))
    until(lambda: ports.answers(f"{other.endpoint}/_ministack/health"))
    assert other.client("sts").get_caller_identity()["Account"] == other.account
    assert access_key.current() == key
    assert supervisor.stop()
    assert access_key.current() is None and not state.temporary_folder().exists()


def test_ctrl_c_while_it_starts_leaves_one_target_or_none(target):
    kernel = start_kernel()
    until(state.holder)
    kernel.send_signal(signal.SIGINT)
    kernel.wait(timeout=30)
    connect("local")
    assert state.holder() == state.description()["pid"]


def test_stop_ends_everything_and_prints_it(target):
    connect("local")
    stopped = subprocess.run(
        [sys.executable, "-m", "helpers.local", "stop"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert stopped.stdout == "The local target has ended.\n"
    ended(target)
    assert read_json(description_file()) is None
    assert supervisor.stop() is False


def test_it_listens_on_the_loopback_only(target):
    connect("local")
    until(lambda: len(children(state.holder())) == 4)
    ours = [
        socket.laddr.ip
        for process in family(target)
        for socket in process.net_connections()
        if socket.status == psutil.CONN_LISTEN
    ]
    assert ours, "at least the emulator listens"
    assert set(ours) <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


def test_after_two_idle_hours_it_ends_by_itself(target):
    connect("local")
    make_idle(target)
    ended(target)


def make_idle(target):
    long_ago = time.time() - state.IDLE_SECONDS - 1
    os.utime(target / "last-used", (long_ago, long_ago))
    until(lambda: state.holder() is None)


def test_stop_returns_after_the_files_of_the_target_are_deleted(target, monkeypatch):
    """A supervisor that ends deletes the file that `stop` waits for as the last one."""
    lock = state.take_lock()
    access_key.make()
    state.begin_ending()

    def delete(*_, **__):
        assert state.is_ending() and access_key.current() is None

    monkeypatch.setattr(state.shutil, "rmtree", delete)
    state.forget()
    assert not state.is_ending()
    lock.close()


def ending_supervisor(seconds: float) -> threading.Timer:
    """Hold the lock as a supervisor does that has deleted its files and is about to end."""
    lock = state.take_lock()
    timer = threading.Timer(seconds, lock.close)
    timer.start()
    return timer


def test_a_target_starts_although_the_former_one_is_about_to_end(target):
    former = ending_supervisor(1)
    connect("local")
    former.join()
    assert state.holder() == state.description()["pid"]


def test_stop_returns_after_the_lock_is_free(target, monkeypatch):
    monkeypatch.setattr(supervisor.os, "kill", lambda pid, number: state.forget())
    former = ending_supervisor(1)
    assert supervisor.stop() and state.holder() is None
    former.join()
