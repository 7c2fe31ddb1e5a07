"""The local target's supervisor: starts the emulator and the controllers, restarts them if they
end, and ends them all when it ends. If it is killed, another one takes over: see takeover.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from typing import Any

from helpers.core import process_lock
from helpers.core.environment import child_environment
from helpers.core.paths import home
from helpers.core.target_files import EMULATOR_LOCK, FLINK_CONTROLLER_LOCK
from helpers.local.emulator.settings import HEALTH, REGION, SUPERVISED, emulator_environment

from . import access_key, child_process, ports, state
from .access_key import AccessKey
from .child import Child
from .child_process import Adopted, adopt

log = logging.getLogger("workshop.local")

EMULATOR_PORT, BEACON_PORT = 4566, 8080
START_SECONDS, FLEET_GRACE_SECONDS, STOP_SECONDS = 60, 45, 90


def run(takeover: bool = False) -> int:
    """Run the local target until SIGTERM, or until it has not been used for two hours.

    Args:
        takeover: the former supervisor was killed: continue with its emulator, or return.

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
    assert key, "_former_emulator checks that there is a key"
    children = _children(emulator, key)
    try:
        return _supervise(children, stop)
    finally:
        state.begin_ending()
        # The emulator last: the agents and the job first send the rest to it.
        for child in reversed(children):
            child.end()
        state.forget()
        lock.close()


def _former_emulator() -> Adopted | None:
    former = adopt(EMULATOR_LOCK)
    is_described = "endpoint" in state.description() and access_key.current()
    if former and is_described and not state.is_ending():
        log.warning("The supervisor was killed; another one continues with its emulator.")
        return former
    return None


def _begin() -> AccessKey:
    if left_over := adopt(EMULATOR_LOCK):
        child_process.end(left_over)
    state.forget()
    state.forget_jobs()
    state.touch()
    key = access_key.make()
    # Tests start several targets at once, which might all find the same port free.
    preferred = (0, 0) if os.environ.get("WORKSHOP_ANY_PORTS") else (EMULATOR_PORT, BEACON_PORT)
    emulator_port, beacon_port = map(ports.free_port, preferred)
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
        # Its agents first ship the rest of their logs.
        _child("fleet", environment, grace=FLEET_GRACE_SECONDS),
        _child(FLINK_CONTROLLER_LOCK, environment),
        _child("alarms", environment),
    ]


def _child(name: str, environment: dict[str, str], **more: Any) -> Child:  # noqa: ANN401
    log_file = home() / "logs" / f"{name}.log"
    # boto3 writes the name into the User-Agent, by which the emulator counts the price.
    environment = environment | {"AWS_SDK_UA_APP_ID": name}
    return Child(name, ["-m", f"helpers.local.{name}"], log_file, environment, **more)


def _supervise(children: list[Child], stop: threading.Event) -> int:
    if not _has_emulator(children[0]):
        print("The emulator did not start; see the end of logs/emulator.log.")
        return 1
    state.update_description(ready=True)
    while not stop.wait(0.3):
        for child in children:
            child.keep_alive()
        if state.idle_seconds() > state.IDLE_SECONDS:
            log.warning("The local target has not been used for two hours: it ends.")
            break
    return 0


def _has_emulator(emulator: Child) -> bool:
    adopted = emulator.process is not None
    if not adopted:
        emulator.start()
    answers = _answers_soon(emulator)
    if adopted and emulator.process.poll() is not None:
        # It was killed before we watched it.
        emulator.start()
        answers = _answers_soon(emulator)
    return answers


def _answers_soon(emulator: Child) -> bool:
    health = state.description()["endpoint"] + HEALTH
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
    # The file of `is_ending` is deleted when all has ended, or when another target has started.
    while state.is_ending() and state.is_there():
        late = time.monotonic() > deadline
        for pid in (
            state.holder(),
            process_lock.holder(process_lock.pid_file(EMULATOR_LOCK)) if late else None,
        ):
            # All other processes end by themselves after these: see child_process.
            if pid and (late or pid not in asked):
                asked.add(pid)
                with contextlib.suppress(ProcessLookupError):  # it may be ending just now
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.1)
    # Its process ends a moment after that file: a target that starts now would take it for its own.
    while state.holder() in asked:
        time.sleep(0.01)
    if lock := state.take_lock():
        state.forget()
        lock.close()
    return True
