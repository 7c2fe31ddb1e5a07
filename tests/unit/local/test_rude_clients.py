"""No client harms another or the machine: good clients together with every kind of rude one."""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers.local.beacon_server.apache_log import AccessLog
from helpers.local.beacon_server.body import MORE, Body
from helpers.local.beacon_server.connection import Connection
from helpers.local.beacon_server.rate_limited_log import RateLimitedLog
from helpers.local.beacon_server.service import Service
from tests.running_server import Server, all_of, statuses
from tests.unit.local.test_beacon_limits import peak_kb

HEAD = b"GET /beacon HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /beacon HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD_CLIENTS, GOOD_REQUESTS = 6, 40
MOST_KB = 60_000  # more than before; one rude client once needed 370,000


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "access.log", options=("--timeout", "5")) as server:
        yield server
        assert server.process.poll() is None


def reset(client: socket.socket) -> None:
    """Close so that the other side gets a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def sends(data: bytes, then) -> None:
    def run(client: socket.socket) -> None:
        client.sendall(data)
        then(client)

    return run


def in_pieces(data: bytes, size: int):
    def run(client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), size):
            client.sendall(data[start : start + size])
        client.settimeout(0.2)
        client.recv(100)

    return run


def reads_nothing(client: socket.socket) -> None:
    """Wait until the server ends the connection, without reading its answers."""
    client.settimeout(0.1)
    with contextlib.suppress(TimeoutError):
        while True:
            client.sendall(PAGES * 500)


def half_close(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)
    all_of(client)


PAGES = b"GET /pour.webm HTTP/1.1\r\nHost: a\r\n\r\n"
PUT = b"PUT /beacon HTTP/1.1\r\nHost: a\r\n\r\n"
BIG_HEAD = HEAD + b"".join(b"h%d: %s\r\n" % (n, b"x" * 8000) for n in range(97))
ONE_BYTE_CHUNKS = b"1\r\nx\r\n" * 100_000
RUDE = {
    "reset behind a request": sends(HEAD + b"event: rude\r\n\r\n", reset),
    "reset behind a request that closes": sends(HEAD + b"Connection: close\r\n\r\n", reset),
    "reset in a head": sends(HEAD + b"event: r", reset),
    "reset in a body": sends(POST + b"Content-Length: 1000\r\n\r\nabc", reset),
    "reset behind a bad request": sends(b"nonsense\r\n\r\n", reset),
    "reset behind many requests": sends((HEAD + b"event: rude\r\n\r\n") * 500, reset),
    "reset behind pages": sends(PAGES * 200, reset),
    "close behind many requests": sends((HEAD + b"event: rude\r\n\r\n") * 500, socket.socket.close),
    "unread pages": sends(PAGES * 3000, reads_nothing),
    "unread answers": sends((HEAD + b"\r\n") * 4000, reads_nothing),
    "unread errors": sends(PUT * 3000, reads_nothing),
    "one-byte chunks": sends(CHUNKED + ONE_BYTE_CHUNKS + b"0\r\n\r\n", half_close),
    "one-byte chunks and a reset": sends(CHUNKED + ONE_BYTE_CHUNKS, reset),
    "a body byte by byte": in_pieces(CHUNKED + b"1\r\nx\r\n" * 500, 1),
    "a head byte by byte": in_pieces(HEAD + b"event: " + b"x" * 3000, 1),
    "a slow head": sends(HEAD + b"event: slow", all_of),
    "a slow body": sends(POST + b"Content-Length: 9\r\n\r\nabc", all_of),
    "a huge head": sends(BIG_HEAD, half_close),
    "a huge head, not ended": sends(BIG_HEAD, all_of),
    "a huge head in pieces": in_pieces(BIG_HEAD, 999),
    "a folded head": sends(HEAD + b"event: x\r\n" + b" \r\n" * 8000 + b"\r\n", half_close),
    "huge trailers": sends(CHUNKED + b"0\r\n" + BIG_HEAD[len(HEAD) :], reset),
    "a line without an end": sends(b"GET /" + b"x" * 100_000, half_close),
    "a body too long": sends(POST + b"Content-Length: 9999999\r\n\r\n" + b"x" * 99_999, half_close),
    "half closed": sends(HEAD + b"event: half", half_close),
    "half closed behind pages": sends(PAGES * 50, half_close),
    "nothing": lambda client: client.shutdown(socket.SHUT_WR),
    "garbage": sends(bytes(range(256)) * 200, half_close),
    "a TLS hello": sends(b"\x16\x03\x01\x02\x00\x01\x00" * 50, reset),
    "100-continue and a reset": sends(
        POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", reset
    ),
}  # fmt: skip


def rude_client(server: Server, kind, stopping: threading.Event) -> int:
    """Repeat one rude thing; return how often it was begun."""
    begun = 0
    while not stopping.is_set():
        with (
            contextlib.suppress(OSError),
            server.raw() as client,
        ):  # the server ends the connection, as it should
            begun += 1
            kind(client)
        # Without a pause, connections that are already reset would exceed the maximum.
        stopping.wait(0.1)
    return begun


def good_client(server: Server, name: str, answered: Counter) -> None:
    """Send beacons one by one, some posted, some in chunks, on one connection."""
    kinds = [
        HEAD + b"event: %s\r\n\r\n",
        POST + b"Content-Length: 3\r\nevent: %s\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\nevent: %s\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ]
    with server.raw() as client:
        for count in range(GOOD_REQUESTS):
            event = f"{name}-{count}"
            client.sendall(kinds[count % 3] % event.encode())
            received = b""
            while not received.endswith(b"\r\n\r\nok"):
                more = client.recv(65536)
                assert more, f"{event} is not answered: {received!r}"
                received += more
            answered[event] += len(statuses(received))


def serve_good_clients(server: Server) -> Counter:
    answered: Counter = Counter()
    with ThreadPoolExecutor(GOOD_CLIENTS) as pool:
        list(pool.map(lambda n: good_client(server, f"good{n}", answered), range(GOOD_CLIENTS)))
    return answered


WORST = [["reset behind a request"], ["unread pages"], ["one-byte chunks"]]


@pytest.mark.parametrize("kinds", [*WORST, list(RUDE)], ids=["reset", "unread", "chunks", "all"])
def test_each_good_request_is_answered_once_and_logged_once(server, kinds):
    serve_good_clients(server)  # so that `before` has what the server needs for them
    server.log.write_bytes(b"")
    before, stopping = peak_kb(server), threading.Event()
    each = 1 if kinds[1:] else 3
    with ThreadPoolExecutor(len(kinds) * each) as pool:
        rude = [pool.submit(rude_client, server, RUDE[kind], stopping) for kind in kinds * each]
        try:
            answered = serve_good_clients(server)
        finally:
            stopping.set()
        assert all(client.result() for client in rude)
    expected = {f"good{n}-{m}": 1 for n in range(GOOD_CLIENTS) for m in range(GOOD_REQUESTS)}
    assert answered == expected
    logged = re.findall(rb'"(good[0-9]+-[0-9]+)"', server.log.read_bytes())
    assert Counter(event.decode() for event in logged) == expected
    assert peak_kb(server) - before < MOST_KB
    # On a slow machine, resets are faster than the server notices them: too many clients.
    assert [said for said in server.said if "are connected, the maximum" not in said] == []


def test_many_clients_with_huge_heads_are_refused_and_small_ones_are_not(tmp_path):
    """A hundred heads of 780 KB would hold 78 MB; together they may hold 32 KB each."""
    options = ("--connections", "110", "--timeout", "60")
    with Server(tmp_path / "access.log", options=options) as server:
        serve_good_clients(server)
        before = peak_kb(server)
        heads = [server.raw() for _ in range(100)]
        for client in heads:
            with contextlib.suppress(OSError):
                client.sendall(BIG_HEAD)
        answered = serve_good_clients(server)
        assert set(answered.values()) == {1}
        for client in heads:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
        codes = Counter(code for client in heads for code in statuses(all_of(client)))
        assert codes[503] > 50 and codes[400] > 1
        assert peak_kb(server) - before < MOST_KB
        (said,) = [line for line in server.said if "long heads" in line]


def test_a_reset_between_an_answer_and_its_end_stops_no_other_answer(tmp_path, monkeypatch):
    """The client resets the connection as soon as its answer arrives, inside the server's write."""
    transport_type = asyncio.selector_events._SelectorSocketTransport
    real_write, rude_name = transport_type.write, None
    clients = [socket.socket() for _ in range(3)]

    def write(transport, data):
        real_write(transport, data)
        if transport.get_extra_info("peername") == rude_name:
            reset(clients[1])

    async def serve() -> list[bytes]:
        nonlocal rude_name
        loop = asyncio.get_running_loop()
        service = Service(AccessLog(tmp_path / "access.log", RateLimitedLog()), RateLimitedLog())
        server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
        for client in clients:
            client.setblocking(False)
            await loop.sock_connect(client, server.sockets[0].getsockname())
        rude_name = clients[1].getsockname()
        while len(service.connections) < 3:
            await asyncio.sleep(0)
        for number, client in enumerate(clients):  # all three are answered in one turn
            client.send(HEAD + b"event: e%d\r\nConnection: close\r\n\r\n" % number)
        found = [await asyncio.wait_for(loop.sock_recv(clients[n], 9999), 30) for n in (0, 2)]
        server.close()
        return found

    monkeypatch.setattr(transport_type, "write", write)
    answers = asyncio.run(serve())
    assert [statuses(answer) for answer in answers] == [[200], [200]]
    assert re.findall('"(e[0-9])"', (tmp_path / "access.log").read_text()) == ["e0", "e1", "e2"]
    for client in clients:
        client.close()


class Counted(bytes):
    """Bytes that count how many of them are copied or searched in slices."""

    copied = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        if isinstance(key, slice):
            Counted.copied += len(found)
        return found


@pytest.mark.parametrize("size", [1000, 16_000])
def test_a_body_of_one_byte_chunks_copies_no_byte_twice(size):
    Counted.copied = 0
    body, data = Body(0, True), Counted(b"1\r\nx\r\n" * size)
    assert body.feed(data, 0) == MORE and body.next == len(data)
    assert Counted.copied <= len(data)
