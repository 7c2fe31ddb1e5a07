"""A beacon server's limits for clients: time, connections, memory. (Sizes: tests/parity.)"""

import asyncio
import contextlib
import re
import select
import socket
import threading
import time
from pathlib import Path

import pytest

from helpers.local.beacon_server import connection as connection_module
from helpers.local.beacon_server.__main__ import files_for
from helpers.local.beacon_server.apache_log import AccessLog
from helpers.local.beacon_server.connection import Connection
from helpers.local.beacon_server.rate_limited_log import RateLimitedLog
from helpers.local.beacon_server.service import Service
from tests.catcher import until
from tests.running_server import Server, all_of, statuses

HEAD = b"GET /beacon HTTP/1.1\r\nHost: a\r\n"
LAST = HEAD + b"Connection: close\r\n\r\n"
SECONDS = 60


@pytest.fixture
def start(tmp_path):
    servers = []

    def _start(*options: str) -> Server:
        servers.append(Server(tmp_path / "access.log", options=options))
        return servers[-1]

    yield _start
    assert [server.process.poll() for server in servers] == [None] * len(servers)
    for server in servers:
        server.end()


def logged(server: Server) -> list[str]:
    return re.findall(r'" ([0-9]{3}) ', server.log.read_text())


def drip(client: socket.socket, byte: bytes) -> bytes:
    """Send a byte every 50 ms until the server ends the connection; return its answer."""
    deadline = time.monotonic() + SECONDS
    while not select.select([client], [], [], 0.05)[0]:
        assert time.monotonic() < deadline, "the server does not end the connection"
        client.sendall(byte)
    return all_of(client)


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /beacon?",
        HEAD + b"event: ",
        HEAD + b"Content-Length: 100000\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ],
)
def test_a_client_that_sends_single_bytes_gets_no_more_time(start, begun):
    server = start("--timeout", "0.5")
    with server.raw() as client:
        client.sendall(begun)
        answer = drip(client, b"x")
    is_answered = b"\n" in begun  # without a request line, 408 is logged only, as Apache does
    assert statuses(answer) == ([408] if is_answered else [])
    assert logged(server) == ["408"]


def test_a_hundred_slow_clients_delay_no_other(start):
    server = start("--timeout", "30")
    slow = [server.raw() for _ in range(100)]
    for number, client in enumerate(slow):
        client.sendall(HEAD + b"event: slow%d\r\n" % number)
    quick = server.connect()
    for number in range(50):
        assert server.beacon(f"quick{number}", quick) == 200
    for client in slow:
        client.sendall(b"Connection: close\r\n\r\n")
        assert statuses(all_of(client)) == [200]
        client.close()
    expected = [f"quick{n}" for n in range(50)] + [f"slow{n}" for n in range(100)]
    assert sorted(server.events()) == sorted(expected)


def test_a_client_beyond_the_maximum_gets_503_and_is_not_logged(start):
    server = start("--connections", "5")
    kept = [server.connect() for _ in range(5)]
    for number, client in enumerate(kept):
        assert server.beacon(f"kept{number}", client) == 200
    assert [answered(server) for _ in range(20)] == [[503]] * 20
    for number, client in enumerate(kept):
        assert server.beacon(f"again{number}", client) == 200
    assert len(server.events()) == 10
    kept[0].close()
    until(lambda: answered(server) == [200], SECONDS)
    assert [line for line in server.said if "5 clients are connected, the maximum" in line]


def answered(server: Server) -> list[int]:
    with server.raw() as client:
        client.sendall(LAST)
        return statuses(all_of(client))


def test_a_flood_of_connections_ends_no_existing_one(start):
    server = start("--connections", "20")
    kept = [server.connect() for _ in range(20)]
    for client in kept:
        assert server.beacon("before", client) == 200
    flood = []
    for _ in range(500):
        with contextlib.suppress(OSError):  # the queue of new connections is full, which is allowed
            flood.append(socket.create_connection(("127.0.0.1", server.port), timeout=0.2))
    for client in kept:
        assert server.beacon("after", client) == 200
    for client in flood:
        client.close()
    assert server.events() == ["before"] * 20 + ["after"] * 20
    assert 1 <= len(server.said) < 20  # the messages are rate limited, too


def test_requests_sent_without_waiting_are_all_answered_and_take_no_memory(start):
    """20,000 at once, by a client that reads no answer before it has sent them all."""
    server, count = start(), 20_000
    before = peak_kb(server)
    with server.raw() as client:
        sender = threading.Thread(
            target=client.sendall, args=((HEAD + b"event: flood\r\n\r\n") * (count - 1) + LAST,)
        )
        sender.start()
        other = server.connect()
        for _ in range(20):  # another client is served meanwhile
            assert server.beacon("other", other) == 200
        answers = statuses(all_of(client))
        sender.join()
    assert answers == [200] * count
    assert len(server.events()) == count + 20
    assert peak_kb(server) - before < 30_000


def peak_kb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():  # not Linux
        return 0
    return int(status.read_text().partition("VmHWM:")[2].split()[0])


def in_process(tmp_path, monkeypatch, client) -> Service:
    """Serve in this process, with short times, while `client(port)` runs in a thread."""
    monkeypatch.setattr(connection_module, "KEEP_ALIVE_SECONDS", 0.3)
    service = Service(
        AccessLog(tmp_path / "access.log", RateLimitedLog()), RateLimitedLog(), timeout=0.3
    )

    async def serve():
        loop = asyncio.get_running_loop()
        listener = socket.socket()
        # By default the kernel buffers a megabyte of unread answers.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        server = await loop.create_server(lambda: Connection(service), sock=listener)
        sweep = asyncio.create_task(service.sweep())
        await asyncio.to_thread(client, listener.getsockname()[1])
        deadline = loop.time() + SECONDS
        while service.connections and loop.time() < deadline:
            await asyncio.sleep(0.02)
        assert not service.connections, "the connection does not end"
        sweep.cancel()
        server.close()

    asyncio.run(serve())
    return service


def test_an_idle_connection_ends_without_an_answer_or_a_log_line(tmp_path, monkeypatch):
    def client(port):
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as kept:
            kept.sendall(HEAD + b"\r\n")
            assert statuses(all_of(kept)) == [200]

    in_process(tmp_path, monkeypatch, client)
    assert (tmp_path / "access.log").read_text().count("\n") == 1


def test_the_connection_of_a_client_that_reads_no_answer_ends(tmp_path, monkeypatch):
    with socket.socket() as reads_little, socket.socket() as sends_much:

        def client(port):
            reads_little.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reads_little.connect(("127.0.0.1", port))
            reads_little.sendall((HEAD + b"\r\n") * 1000)  # whole requests, in one piece
            sends_much.settimeout(1)
            sends_much.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):  # the server stops reading, and then ends it
                sends_much.sendall((HEAD + b"\r\n") * 200_000)

        in_process(tmp_path, monkeypatch, client)


def test_the_limit_of_open_files_is_raised_for_all_connections():
    assert files_for(100) == 100
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
        assert files_for(100) == 100
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 232
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
