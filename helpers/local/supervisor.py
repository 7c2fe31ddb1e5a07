"""The local target's one background process: starts the emulator and the controllers, keeps them
alive, and ends them all when it ends. Killed, it is replaced by another one: see succession.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from helpers.core import process_lock as locks
from helpers.core.environment import child_environment
from helpers.core.paths import home
from helpers.core.target_files import EMULATOR_LOCK, FLINK_CONTROLLER_LOCK
from helpers.local.emulator.settings import REGION, SUPERVISED, emulator_environment

from . import access_key, ports, state
from . import child_process as lifeline
from .access_key import AccessKey
from .adopted_process import Adopted, adopt
from .child import Child

log = logging.getLogger("workshop.local")

EMULATOR_PORT, BEACON_PORT = 4566, 8080
START_SECONDS, FLEET_GRACE_SECONDS, STOP_SECONDS = 60, 45, 90


def run(takeover: bool = False) -> int:
    """Be the local target until SIGTERM, or until it has not been used for two hours.

    Args:
        takeover: the former supervisor was killed: go on with its emulator, or not at all.

    Returns:
        The process's exit code: 0, or 1 if the emulator did not start.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lock = state.take_lock()
    if lock is None:
        print(f"The local target runs already (process {state.holder()}).")
        return 0
    emulator = _former_emulator()
    if takeover and not emulator:
        return 0
    key = access_key.current() if emulator else _begin()
    assert key, "an emulator whose key is not known is no former emulator"
    children = _children(emulator, key)
    try:
        return _supervise(children, stop)
    finally:
        state.begin_ending()
        # The emulator last: the fleet and the job drain into it.
        for child in reversed(children):
            child.end()
        state.forget()
        lock.close()


def _former_emulator() -> Adopted | None:
    former = adopt(EMULATOR_LOCK)
    known = "endpoint" in state.description() and access_key.current()
    if former and known and not state.is_ending():
        log.warning("The supervisor was killed; another one goes on with its emulator.")
        return former
    return None


def _begin() -> AccessKey:
    if left := adopt(EMULATOR_LOCK):
        lifeline.end(left)
    state.forget()
    state.forget_jobs()
    state.touch()
    key = access_key.make()
    # Targets that start at the same moment, as tests' do, must not both find a usual port free.
    usual = (0, 0) if os.environ.get("WORKSHOP_ANY_PORTS") else (EMULATOR_PORT, BEACON_PORT)
    emulator_port, beacon_port = map(ports.free_port, usual)
    state.update_description(endpoint=f"http://127.0.0.1:{emulator_port}", beacon_port=beacon_port)
    return key


def _children(emulator: Adopted | None, key: AccessKey) -> list[Child]:
    state.update_description(pid=os.getpid())
    endpoint = state.description()["endpoint"]
    temporary = state.temporary_folder()
    temporary.mkdir(mode=0o700, exist_ok=True)
    environment = child_environment(
        {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "WORKSHOP_BEACON_PORT": str(state.description()["beacon_port"]),
            "TMPDIR": str(temporary),
        }
    )
    controlled = {"WORKSHOP_FLINK_CONTROLLER": "1", SUPERVISED: "1"}
    port = int(endpoint.rsplit(":", 1)[1])
    settings = emulator_environment(port, key, temporary) | controlled
    return [
        _child(EMULATOR_LOCK, settings, process=emulator, outlives=True),
        # Its agents first ship what their logs still hold.
        _child("fleet", environment, grace=FLEET_GRACE_SECONDS),
        _child(FLINK_CONTROLLER_LOCK, environment),
        _child("alarms", environment),
    ]


def _child(name: str, environment: dict[str, str], **more: Any) -> Child:  # noqa: ANN401
    log_file = home() / "logs" / f"{name}.log"
    return Child(name, ["-m", f"helpers.local.{name}"], log_file, environment, **more)


def _supervise(children: list[Child], stop: threading.Event) -> int:
    if not _has_emulator(children[0]):
        print("The emulator did not start; its last words are in logs/emulator.log.")
        return 1
    state.update_description(ready=True)
    while not stop.wait(0.3):
        for child in children:
            child.keep_alive()
        if state.idle_seconds() > state.IDLE_SECONDS:
            log.warning("Nobody has used the local target for two hours: it ends.")
            break
    return 0


def _has_emulator(emulator: Child) -> bool:
    adopted = emulator.process is not None
    if not adopted:
        emulator.start()
    answers = _answers_soon(emulator)
    if adopted and emulator.process.poll() is not None:
        # It was killed before we could look after it.
        emulator.start()
        answers = _answers_soon(emulator)
    return answers


def _answers_soon(emulator: Child) -> bool:
    health = f"{state.description()['endpoint']}/_ministack/health"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and emulator.process.poll() is None:
        if ports.answers(health):
            return True
        time.sleep(0.1)
    return False


def stop() -> bool:
    """End the running local target and wait for it.

    Returns:
        Whether there was one.
    """
    if not state.is_there():
        return False
    state.begin_ending()
    deadline = time.monotonic() + STOP_SECONDS
    asked = set()
    # The note is gone once all has ended, or once somebody else has begun anew.
    while state.is_ending() and state.is_there():
        late = time.monotonic() > deadline
        for pid in (state.holder(), locks.holder(locks.pid_file(EMULATOR_LOCK)) if late else None):
            # What else there is ends by itself once these are gone: see lifeline.
            if pid and (late or pid not in asked):
                asked.add(pid)
                with contextlib.suppress(ProcessLookupError):  # it may be ending just now
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.1)
    if lock := state.take_lock():
        state.forget()
        lock.close()
    return True


def main() -> int:
    """`python -m helpers.local` runs the target; `python -m helpers.local stop` ends it.

    With `takeover`, it goes on with the emulator of a supervisor that was killed.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    if sys.argv[1:] == ["stop"]:
        print("The local target has ended." if stop() else "No local target was running.")
        return 0
    return run(takeover=sys.argv[1:] == ["takeover"])
