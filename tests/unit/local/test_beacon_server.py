"""The beacon server as a process. (The log's exact text: tests/parity.)"""

import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers.local.beacon_server.apache_log import AccessLog
from helpers.local.beacon_server.body import MORE, Body
from helpers.local.beacon_server.header_fields import MAX_FIELDS
from helpers.local.beacon_server.rate_limited_log import RateLimitedLog
from helpers.local.ports import answers
from tests.catcher import until
from tests.running_server import Server


def test_a_beacon_is_in_the_log_before_it_is_answered(server):
    connection = server.connect()
    for count in range(1, 101):
        assert server.beacon(f"e{count}", connection) == 200
        assert server.events()[-1] == f"e{count}"


def test_lines_of_many_clients_never_interleave(server):
    agent = "x" * 4000

    def client(number):
        connection = server.connect()
        for count in range(50):
            headers = {"event": f"{number}-{count}", "User-Agent": agent}
            connection.request("POST", "/beacon", b"body", headers)
            connection.getresponse().read()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client, range(8)))
    assert sorted(server.events()) == sorted(f"{n}-{c}" for n in range(8) for c in range(50))
    assert all(line.count(agent) == 1 for line in server.log.read_text().splitlines())


def test_after_a_rename_a_request_or_hup_begins_a_new_file(server):
    server.beacon("before")
    first, second = (server.log.with_name(f"access.log.{n}") for n in (1, 2))
    server.log.rename(first)
    server.beacon("between")
    server.log.rename(second)
    server.process.send_signal(signal.SIGHUP)
    until(server.log.exists)
    server.beacon("after")
    assert [server.events(log) for log in (first, second)] == [["before"], ["between"]]
    assert server.events() == ["after"] and server.said == []


def test_term_answers_a_kept_connections_last_request_and_accepts_no_new_connection(server):
    connection = server.connect()
    server.beacon("first", connection)
    server.process.terminate()
    until(lambda: not answers(f"http://127.0.0.1:{server.port}/health"))
    connection.request("GET", "/beacon", headers={"event": "last"})
    response = connection.getresponse()
    assert (response.status, response.headers["Connection"]) == (200, "close")
    assert server.process.wait(10) == 0
    assert server.events()[0] == "first" and server.events()[-1] == "last"


def test_term_ends_idle_connections_and_half_sent_requests(server):
    idle = server.connect()
    server.beacon("first", idle)
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(b"GET /beacon HTTP/1.1\r\nHost: a\r\n")
        assert server.end() == 0
    assert server.events() == ["first"]


def test_a_beacon_that_cannot_be_logged_is_not_confirmed():
    with Server("/dev/full") as server:
        for _ in range(20):
            assert server.beacon("lost") == 503
        assert server.process.poll() is None
    (said,) = server.said  # rate limited
    assert said.startswith("The access log can't be written: [Errno 28] No space left on device")


def test_two_servers_share_a_port(server, tmp_path):
    with Server(tmp_path / "other.log", server.port) as other:
        for count in range(60):
            assert server.beacon(f"e{count}") == 200
        both = server.events() + other.events()
        assert sorted(both) == sorted(f"e{count}" for count in range(60))
        if sys.platform == "linux":  # elsewhere the kernel may give all to one of them
            assert server.events() and other.events()


def test_a_port_in_use_is_reported_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(tmp_path / "access.log", taken.getsockname()[1], wait=False)
        _, said = server.process.communicate(timeout=20)
    assert server.process.returncode == 1
    assert said.startswith(b"The server can't run: ") and said.count(b"\n") == 1


def test_half_a_line_of_a_killed_server_is_ended_first(tmp_path):
    path = tmp_path / "access.log"
    path.write_bytes(b"whole\nhal")
    log = AccessLog(path, RateLimitedLog())
    assert (log.write(b"next\n"), log.write(b"after\n")) == ((5, None), (6, None))
    assert path.read_bytes() == b"whole\nhal\nnext\nafter\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_body_ends_where_it_ends_however_it_arrives(size):
    trailers = b"name: value\r\n" * MAX_FIELDS
    chunks = b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n" + trailers + b"\r\n"
    for body, sent in ((Body(8, False), b"abcdefgh"), (Body(0, True), chunks)):
        data, left, status = sent + b"NEXT", b"", MORE
        while status == MORE:
            left, data = left + data[:size], data[size:]
            status = body.feed(left, 0)
            left = left[body.next :]
        assert (left + data, status) == (b"NEXT", 0)


def test_requests_that_arrive_byte_by_byte_are_answered(server):
    request = b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: slow\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            client.sendall(bytes([byte]))
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert server.events() == ["slow"]


def test_a_server_imports_none_of_the_large_packages():
    """Up to five servers run on one machine, and each has to start quickly."""
    code = "import sys, helpers.local.beacon_server.__main__; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], encoding="utf-8").split()
    assert not {"boto3", "botocore", "numpy", "pandas", "matplotlib"} & set(loaded)
