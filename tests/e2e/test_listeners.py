"""One target, started on a German machine from a shell full of AWS settings.

A whole demo there; what listens, and what its processes know. The stream job's JVM is another
country's, too, in test_flink_job.py and in tests/resilience/test_disk.py.
"""

import contextlib
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from helpers import Traffic
from helpers.connection.connect import connect
from helpers.core.paths import REPOSITORY
from helpers.local import access_key, supervisor
from tests.catcher import until
from tests.e2e.foreign_controller import GERMAN
from tests.paths_below import paths_below
from tests.processes import LOOPBACK, family, listening
from tests.unit.core.test_environment import POISON

SECONDS = 900
PAGE = REPOSITORY / "docs" / "security.md"
CONFIG = """[default]
region = eu-west-1
endpoint_url = http://127.0.0.1:9
ignore_configured_endpoint_urls = true
[profile poison]
endpoint_url = http://127.0.0.1:9
"""
# Java: what is `java`? Python: call a method of the first object that PyFlink gives to Java.
PY4J = (b"r\nu\njava\nrj\ne\n", b"c\np0\ngetPythonFunction\nsos\nsgetcwd\ne\n")
# The processes of a whole target, by a part of their command lines.
KINDS = {
    "emulator": "helpers.local.emulator",
    "fleet": "helpers.local.fleet",
    "flink controller": "helpers.local.flink",
    "alarms": "helpers.local.alarms",
    "beacon server": "helpers.local.beacon_server",
    "agent": "agent.py",
    "Python of the stream job": "helpers.flink.run",
    "Java of the stream job": "py4j.GatewayServer",
    "function": "_worker.py",
    "generator": "helpers.generator",
    "supervisor": "helpers.local",  # the others' command lines name lifeline, which is in it
}


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """The AWS settings of a learner's shell, each of which would lead a child elsewhere."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "config").write_text(CONFIG)
    (folder / "tmp").mkdir()
    poison = POISON | {
        "AWS_ENDPOINT_URL_KINESIS": "http://127.0.0.1:9",
        "AWS_PROFILE": "poison",
        "AWS_DEFAULT_PROFILE": "poison",
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "config"),
        "AWS_REGION": "eu-west-1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (poison | GERMAN.environment).items():
            patch.setenv(name, value)
        patch.setenv("TMPDIR", str(folder / "tmp"))
        patch.setenv("WORKSHOP_HOME", str(folder / "workshop"))
        yield folder, poison


@pytest.fixture(scope="module")
def demo(shell):
    """A demo that has ended; its target still runs."""
    yield subprocess.run(
        [sys.executable, "-m", "helpers.demo", "--keep", "--rate", "250"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=900,
    )
    supervisor.stop()


@pytest.fixture(scope="module")
def target(demo):
    """The whole target, with traffic; its `.workshop`."""
    cloud = connect("local")
    traffic = Traffic(cloud)
    try:
        traffic.start(rate=20)
        home = Path(os.environ["WORKSHOP_HOME"])
        until(lambda: set(KINDS) == {kind for kind, _ in processes(home)}, SECONDS)
        yield home, cloud
    finally:
        traffic.stop()


def test_a_whole_demo_on_a_german_machine_in_newfoundland_loses_and_rejects_nothing(demo):
    assert demo.returncode == 0, demo.stdout
    found = json.loads(re.findall(r"^\{.*\}$", demo.stdout, re.M)[-1])
    assert (found["lost"], found["rejected"], found["sent"]) == (0, 0, 2_000), demo.stdout
    stages = ("archived", "dynamodb", "cloudwatch")
    assert {found[stage] for stage in stages} == {2_000}, demo.stdout
    assert found["bots"] > 100 and found["accepted"] + found["bots"] == 2_000, demo.stdout


def processes(home: Path) -> list[tuple[str, psutil.Process]]:
    """The processes of the target, each with its kind."""
    found = []
    for process in family("WORKSHOP_HOME", home):
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if kinds := [kind for kind, part in KINDS.items() if part in line]:
                found.append((kinds[0], process))
    return found


def table() -> set[tuple[str, str]]:
    """(what listens, what a stranger gets) of each row of the page."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()]
    rows = [row for row in rows if len(row) == 4 and row[0] != "program"]
    return {(row[0].partition(":")[0], row[3]) for row in rows}


def stranger(port: int) -> str:
    """The response to a program that knows only the port."""
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    plain = _asked(socket.create_connection(("127.0.0.1", port), 30), request)
    if match := re.match(rb"HTTP/1.1 (200|403)", plain):
        return match[1].decode()
    for command in PY4J:
        said = _asked(socket.create_connection(("127.0.0.1", port), 30), command)
        # The refusal may be lost, because the connection is closed before all is read.
        if said.startswith(b"!") and b"uthentication" not in said:
            return f"Py4J's answer: {said!r}"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        bare = socket.create_connection(("127.0.0.1", port), 30)
        answer = _asked(context.wrap_socket(bare), request)
    except ssl.SSLError as error:
        return "no certificate" if "ALERT" in str(error) else "closed"
    except OSError:
        return "closed"
    return f"an answer: {answer!r}" if answer else "closed"


def _asked(connection: socket.socket, request: bytes) -> bytes:
    with connection:
        try:
            connection.sendall(request)
            return connection.recv(4096)
        except ssl.SSLError:
            raise
        except OSError:
            return b""


def test_all_that_listens_is_in_the_table_and_gives_a_stranger_what_it_says(target):
    home, _ = target
    kinds = {process: kind for kind, process in processes(home)}
    sockets = listening(kinds)
    assert {address for _, address, _ in sockets} <= LOOPBACK, sockets
    found = {(kinds[process], stranger(port)) for process, _, port in sockets}
    assert found == table()


def test_no_process_knows_what_the_shell_says_of_aws(target, shell):
    (home, cloud), (_, poison) = target, shell
    own = cloud.session.get_credentials()
    with_key = {"emulator", "fleet", "flink controller", "alarms", "agent", "function", "generator"}
    for kind, process in processes(home):
        environment = process.environ()
        ours = {name: value for name, value in environment.items() if name.startswith("AWS_")}
        for name, value in poison.items():
            assert ours.get(name) != value, (kind, name)
        assert "AWS_PROFILE" not in ours and "AWS_ENDPOINT_URL_KINESIS" not in ours, kind
        assert not ours.get("AWS_SESSION_TOKEN"), kind
        assert (ours.get("AWS_ACCESS_KEY_ID") == own.access_key) == (kind in with_key), kind


def test_the_key_is_nowhere_but_in_its_file(target):
    home, cloud = target
    own = cloud.session.get_credentials()
    for path in paths_below(home):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path != access_key.path():
                text = path.read_bytes()
                assert own.access_key.encode() not in text, path
                assert own.secret_key.encode() not in text, path
    for kind, process in processes(home):
        assert own.access_key not in " ".join(process.cmdline()), kind
    assert stat.S_IMODE(access_key.path().stat().st_mode) == 0o600
    keys = [path for path in paths_below(home) if path.name == "keystore.p12"]
    assert keys and {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_nothing_is_left_in_tmp(target, shell):
    (home, _), (folder, _) = target, shell
    java = [process.pid for kind, process in processes(home) if kind == "Java of the stream job"]
    assert java and not [
        path for pid in java for path in Path("/tmp").glob(f"hsperfdata_*/{pid}")
    ]  # fmt: skip
    assert list((home / "tmp").iterdir()), "what the emulator leaves is here"
    assert stat.S_IMODE((home / "tmp").stat().st_mode) == 0o700
    assert supervisor.stop()
    assert list((folder / "tmp").iterdir()) == [] and not (home / "tmp").exists()
