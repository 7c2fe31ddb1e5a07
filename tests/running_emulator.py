"""An emulator of a test's own, as the supervisor starts it, with a key of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.core.cloud import Cloud
from helpers.local import access_key, child_process, ports
from helpers.local.client import session_with
from helpers.local.emulator.settings import ACCOUNT, emulator_environment


@contextmanager
def running_emulator(folder: Path, **environment: str) -> Iterator[Cloud]:
    """Yield a Cloud on an emulator whose `.workshop` and log are in `folder`."""
    port, key, temporary = ports.free_port(), access_key.random_key(), folder / "tmp"
    temporary.mkdir(mode=0o700)
    process = child_process.start(
        ["-m", "helpers.local.emulator"],
        log=folder / "log",
        environment=emulator_environment(port, key, temporary)
        | {"WORKSHOP_HOME": str(folder)}
        | environment,
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        health = f"{endpoint}/_ministack/health"
        assert ports.wait_for(health, 300), (folder / "log").read_text()
        yield Cloud(session_with(key), ACCOUNT, prefix="rwa", endpoint=endpoint)
    finally:
        child_process.end(process)
