"""(c) How many requests per second do a beacon server and Apache httpd answer and log?

Both have the same LogFormat and one core each; Apache's `ab` sends on the other core.
"""

import re
import tempfile
from pathlib import Path

from bench.needs import NeedsError, output, program
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
        seconds: duration of the load for each.

    Raises:
        NeedsError: `ab` is not installed.
    """
    figures: dict = {"server_requests_per_second": round(_rate(start_ours, seconds))}
    try:
        program(str(APACHE), "apache2")
        figures["apache_requests_per_second"] = round(_rate(start_apache, seconds))
    except NeedsError as error:
        figures["needs"] = {"apache_requests_per_second": str(error)}
    return figures


def ab() -> str:
    """Return the path of ApacheBench.

    Raises:
        NeedsError: it is not installed.
    """
    return program("ab", "apache2-utils")


def _rate(start, seconds: float) -> float:
    ab()  # fails before a server is started
    with tempfile.TemporaryDirectory(prefix="bench-servers-") as folder:
        with on_core(0):
            server = start(Path(folder) / "server")
        try:
            before = len(server.lines())
            rate, completed = load(server.address[1], seconds)
            logged = len(server.lines()) - before
        finally:
            server.end()
    # ab does not count its last requests, which are logged. httpd sometimes closes a connection
    # just as it is used: ab counts a failure, which is not logged.
    if not 0.999 * completed <= logged <= completed + CONNECTIONS:
        raise RuntimeError(f"{completed} requests were answered, but {logged} logged")
    return rate


def load(port: int, seconds: float, core: int | None = 1) -> tuple[float, int]:
    """Send beacons with `ab` as fast as they are answered; return requests/s and their number.

    Args:
        port: of 127.0.0.1.
        seconds: duration.
        core: the core for `ab`; None for any.

    Raises:
        NeedsError: `ab` is not installed.
        RuntimeError: requests failed.
    """
    command = [ab(), "-q", "-k", "-c", str(CONNECTIONS), "-t", str(int(seconds)), "-n", "9999999"]
    for header in HEADERS:
        command += ["-H", header]
    with on_core(core):
        text = output([*command, f"http://127.0.0.1:{port}/beacon"])
    numbers = re.findall(r"^(\w+) requests: +(\d+)", text, re.MULTILINE)
    requests = {kind: int(number) for kind, number in numbers}
    if "Non-2xx" in text or requests["Failed"] > 0.001 * requests["Complete"]:
        raise RuntimeError(f"ab: {text}")
    (rate,) = re.findall(r"^Requests per second: +([\d.]+)", text, re.MULTILINE)
    return float(rate), requests["Complete"]
