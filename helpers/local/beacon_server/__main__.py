"""A beacon server: answers beacons, writes the access log that the agent ships, and serves the
demo shop, whose pages send beacons.

    python -m helpers.local.beacon_server --port 8080 --log access.log

On the local target it replaces Apache httpd with assets/fleet/httpd.conf: its answers and its log
are the same. Several servers may share a port (SO_REUSEPORT), as behind a load balancer.
SIGHUP: open the log again, after logrotate. SIGTERM: accept no new client, answer open requests.
"""

import argparse
import asyncio
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from helpers.core.paths import REPOSITORY

from .apache_log import AccessLog
from .connection import REFUSED_AT_A_TIME, Connection
from .pages import read_site
from .rate_limited_log import RateLimitedLog
from .service import Service

SITE = REPOSITORY / "assets" / "site"
# After SIGTERM, clients with an open connection may send a request for so long.
GRACE_SECONDS = 1
END_SECONDS = 3
MOST_CONNECTIONS = 1000
OTHER_FILES = 32  # in addition to the connections: the log, Python's own


async def serve(service: Service, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        service: the log and the settings.
        host: the address to bind, e.g. `127.0.0.1` or `::1`.
        port: the port; other processes may have bound it too.

    Raises:
        OSError: the address can't be bound.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _log_error(service, context))
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, service.log.reopen)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = await loop.create_server(
        lambda: Connection(service), host, port, reuse_port=True, backlog=1024
    )
    sweep = asyncio.create_task(service.sweep())
    print(f"Listening on {host} port {port}.", flush=True)
    await stopping.wait()
    server.close()
    await _finish(service)
    sweep.cancel()


def _log_error(service: Service, context: dict[str, Any]) -> None:
    # asyncio ends the connection or continues; a traceback for each error would be too long.
    service.problems.warn("error", f"{context['message']}: {context.get('exception')!r}")


async def _finish(service: Service) -> None:
    # A client may send one more beacon on a kept connection; the answer closes it.
    service.closing = True
    loop = asyncio.get_running_loop()
    end = loop.time() + END_SECONDS
    grace = loop.time() + GRACE_SECONDS
    while service.connections and loop.time() < end:
        await asyncio.sleep(0.02)
        if loop.time() > grace:
            for connection in list(service.connections):
                connection.close_if_idle()


def files_for(connections: int) -> int:
    """Raise this process's limit of open files; return how many connections it allows.

    Args:
        connections: how many are needed. A shell's usual limit is 256 (macOS) or 1024 (Linux).
    """
    wanted = connections + REFUSED_AT_A_TIME + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, soft - REFUSED_AT_A_TIME - OTHER_FILES)
    return connections


def arguments(argv: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description="Answer beacons and log them as Apache does.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="the access log")
    parser.add_argument("--host", default="127.0.0.1", help="the address to bind (127.0.0.1)")
    parser.add_argument("--site", type=Path, default=SITE, help="the demo shop (assets/site)")
    parser.add_argument("--timeout", type=float, default=20, help="seconds to send a request (20)")
    parser.add_argument(
        "--trust-proxy-header",
        metavar="NAME",
        default="",
        help="the header in which a load balancer names the visitor, e.g. X-Forwarded-For (none)",
    )
    parser.add_argument(
        "--connections",
        type=int,
        default=MOST_CONNECTIONS,
        help=f"clients at a time; one more is answered 503 ({MOST_CONNECTIONS})",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the server; return its exit code."""
    options = arguments(sys.argv[1:] if argv is None else argv)
    header = options.trust_proxy_header.lower().encode()
    try:
        problems = RateLimitedLog()
        log = AccessLog(options.log.absolute(), problems)
        most = files_for(options.connections)
        pages = read_site(options.site)
        service = Service(log, problems, options.timeout, header, pages, most)
        asyncio.run(serve(service, options.host, options.port))
    except OSError as error:
        print(f"The server can't run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
