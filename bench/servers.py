"""(c) How many requests a second does a beacon server answer and log, and Apache httpd?

Both with the same LogFormat, each on one core; the other core sends, with Apache's own `ab`.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from bench.needs import NeedsError, program
from bench.processes import on_core
from tests.parity.servers import APACHE, start_apache, start_ours

CONNECTIONS = 64
HEADERS = (
    "event: pageview",
    "clientid: 5f0c91d2",
    "page: /products/espresso-machine",
    "Referer: https://www.google.com/",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
)


def measure(seconds: float = 6) -> dict:
    """Return `server_requests_per_second` and `apache_requests_per_second`, per core.

    Args:
        seconds: for how long each is under load.

    Raises:
        NeedsError: there is no `ab` to send with.
    """
    found: dict = {"server_requests_per_second": round(_one(start_ours, seconds))}
    try:
        program(str(APACHE), "apache2")
        found["apache_requests_per_second"] = round(_one(start_apache, seconds))
    except NeedsError as error:
        found["needs"] = {"apache_requests_per_second": str(error)}
    return found


def ab() -> str:
    """Return the path of ApacheBench.

    Raises:
        NeedsError: it is not installed.
    """
    return program("ab", "apache2-utils")


def _one(start, seconds: float) -> float:
    ab()  # before a server is started for nothing
    with tempfile.TemporaryDirectory(prefix="bench-servers-") as folder:
        with on_core(0):
            server = start(Path(folder) / "server")
        try:
            before = len(server.lines())
            rate, completed = load(server.address[1], seconds)
            logged = len(server.lines()) - before
        finally:
            server.end()
    # Requests that are under way when ab ends are logged and not counted by it; httpd now and then
    # closes a kept connection just as it is used, which ab counts as failed, and nobody logs.
    if not 0.999 * completed <= logged <= completed + CONNECTIONS:
        raise RuntimeError(f"{completed} requests were answered, and {logged} logged")
    return rate


def load(port: int, seconds: float, core: int | None = 1) -> tuple[float, int]:
    """Send beacons with `ab` as fast as they are answered; return requests/s and their number.

    Args:
        port: of 127.0.0.1.
        seconds: for how long.
        core: on which `ab` runs; None for any.

    Raises:
        NeedsError: there is no `ab`.
    """
    command = [ab(), "-q", "-k", "-c", str(CONNECTIONS), "-t", str(int(seconds)), "-n", "9999999"]
    for header in HEADERS:
        command += ["-H", header]
    with on_core(core):
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/beacon"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    numbers = re.findall(r"^(Complete requests|Failed requests|Requests per second): +([\d.]+)",
                         said.stdout, re.MULTILINE)  # fmt: skip
    facts = dict(numbers)
    if said.returncode or "Non-2xx" in said.stdout or not _few(facts):
        raise RuntimeError(f"ab: {said.stderr or said.stdout}")
    return float(facts["Requests per second"]), int(facts["Complete requests"])


def _few(facts: dict[str, str]) -> bool:
    return int(facts["Failed requests"]) <= 0.001 * int(facts["Complete requests"])
