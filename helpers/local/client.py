"""Connects a kernel to the local target, which is started if none runs."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from helpers.core.call_meter import Reading
from helpers.core.cloud import Cloud
from helpers.core.errors import TargetStopped, WorkshopError
from helpers.core.paths import home
from helpers.core.target_files import EMULATOR_LOCK
from helpers.core.waiting import waiting
from helpers.local.emulator.settings import ACCOUNT, HEALTH, METER, REGION

from . import access_key, ports, state
from .access_key import AccessKey
from .child_process import adopt
from .takeover import start_supervisor

START_SECONDS = 90
# botocore's settings without their sources in the environment and in ~/.aws: a learner's profile,
# proxy of AWS or FIPS endpoint is for AWS, and a broken one does not matter here.
_NO_FILES = {"config_file": os.devnull, "credentials_file": os.devnull}
_OWN_SETTINGS = {
    name: (None, None, _NO_FILES.get(name, default), conversion)
    for name, (_, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
}


def connect_local(prefix: str) -> Cloud:
    """Return a Cloud on this machine's local target, which is started if none runs.

    Raises:
        WorkshopError: it did not start, or does not answer.
    """
    state.touch()
    endpoint = _endpoint()
    key = access_key.current()
    return Cloud(
        session(), ACCOUNT, prefix=prefix, endpoint=endpoint,
        meter=lambda: counted_calls(endpoint, key) if key else (0.0, []),
    )  # fmt: skip


def counted_calls(endpoint: str, key: AccessKey) -> tuple[float, list[Reading]]:
    """Return since when an emulator has counted calls (epoch seconds), and its counts.

    Args:
        endpoint: the emulator's URL.
        key: its access key.
    """
    request = Request(urljoin(endpoint, METER))
    request.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential={key.id}/meter")
    with urlopen(request, timeout=10) as answer:
        counted = json.load(answer)
    return counted["since"], [Reading(**each) for each in counted["readings"]]


def session() -> boto3.Session:
    """Return a boto3 session whose calls keep the target running, or fail if it has ended.

    Raises:
        WorkshopError: no target runs; or (raised by each call) the target of this key has ended.
            Without this, boto3 would try five times, up to half a minute, before it reports that
            the connection failed, or that a later target refuses the key.
    """
    key = access_key.current()
    if key is None:
        raise _ended()
    return session_with(key, lambda request, **_: _refuse_if_ended(request, key), _note_use)


def session_with(key: AccessKey, *before_send: Callable) -> boto3.Session:
    """Return a boto3 session with a key; AWS settings of the shell and of ~/.aws are ignored.

    Args:
        key: the emulator's.
        before_send: called before each request, as handlers of botocore's event of that name.
    """
    core = botocore.session.Session(session_vars=_OWN_SETTINGS)
    made = boto3.Session(key.id, key.secret, region_name=REGION, botocore_session=core)
    for handler in before_send:
        made.events.register("before-send", handler)
    return made


def _refuse_if_ended(request: AWSPreparedRequest, key: AccessKey) -> None:
    # While a killed process is being replaced, a target is there: boto3 then tries again.
    has_ended = not state.is_there() and not ports.answers(urljoin(request.url, HEALTH))
    if has_ended or access_key.current() not in (key, None):
        raise _ended()


def _ended() -> TargetStopped:
    return TargetStopped(
        "The local target has ended, and all that was deployed in it is gone. (It ends with "
        "notebook 9, with `make stop`, after two idle hours, and with the computer.)",
        'Run `cloud = connect("local")` again, then the notebooks from module 1 on.',
    )


_noted = 0.0


def _note_use(**_: object) -> None:
    # Once a minute is enough to keep the target from ending after two idle hours.
    global _noted
    if time.monotonic() - _noted > 60:
        _noted = time.monotonic()
        state.touch()


def _endpoint() -> str:
    _wait_for_former_target()
    process: subprocess.Popen | None = None
    deadline = time.monotonic() + START_SECONDS
    with waiting("Waiting until the local target answers"):
        while time.monotonic() < deadline:
            facts = state.description()
            if facts.get("ready") and ports.answers(facts["endpoint"] + HEALTH):
                return facts["endpoint"]
            # The holder of before may have been a target that was about to end: then there is none.
            if state.holder() is None and (process is None or process.poll() == 0):
                process = _start()
            if process and process.poll() and not state.is_there():
                raise WorkshopError(
                    f"The local target did not start: {_last_line()}",
                    "Run `make reset` in a terminal, then this cell again.",
                )
            time.sleep(0.1)
    raise WorkshopError(
        f"The local target (process {state.holder()}) has not answered for {START_SECONDS} s.",
        "Run `make stop` in a terminal, then this cell again.",
    )


def _wait_for_former_target() -> None:
    # A target that is ending still answers, until its agents have sent the rest of their logs.
    deadline = time.monotonic() + START_SECONDS
    with waiting("Waiting until the former local target has ended"):
        while state.is_ending() and state.holder() and time.monotonic() < deadline:
            time.sleep(0.1)


def _start() -> subprocess.Popen:
    print("Starting the local target: an AWS emulator, beacon servers and Flink ...")
    if adopt(EMULATOR_LOCK) is None:
        for name in ("emulator", "local"):  # so that `_last_line` is of this start
            (home() / "logs" / f"{name}.log").unlink(missing_ok=True)
    return start_supervisor()


def _last_line() -> str:
    for name in ("emulator", "local"):
        path = home() / "logs" / f"{name}.log"
        text = path.read_text(errors="replace", encoding="utf-8") if path.exists() else ""
        if text.strip():
            return text.strip().rsplit("\n", 1)[-1][:300]
    return f"see the logs in {home() / 'logs'}"
