"""Our beacon server's log against a real Apache httpd's, request by hostile request.

Both servers get the same bytes. Their logs are compared completely, except for the time, and so are
the agent's records of each line.

Not tested, because they differ: the answers' Date and Server headers; Apache's answers from files
(304, 206, If-Match), for the demo shop's pages are always sent whole; MaxKeepAliveRequests; a zone
of this machine in X-Forwarded-For (`fe80::1%eth0`), which Apache logs and ours passes over; a port
of more than 32 bits, of which Apache looks at the last 32.
"""

import concurrent.futures
import contextlib
import ipaddress
import re
import select
import socket
import time
from pathlib import Path

import pytest
from access_log import beacon_id, click_record

from helpers.core.beacon_definition import is_beacon_line
from tests import beacon_lines
from tests.parity import hostile, oddities, servers
from tests.running_server import all_of, statuses

# Not logged: the client disconnects before its request line has ended.
NOT_LOGGED = {"nothing", "half a request line", "a blank line"}
NOW_MS = int(time.time() * 1000)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A real Apache and our server."""
    yield from _pair(tmp_path_factory.mktemp("parity"))


@pytest.fixture
def proxied(tmp_path):
    """Both servers, trusting X-Forwarded-For."""
    yield from _pair(tmp_path, trust_proxy=True)


def _pair(folder: Path, **options):
    with contextlib.ExitStack() as ending:
        apache = servers.start_apache(folder / "apache", **options)
        ending.callback(apache.end)
        ours = servers.start_ours(folder / "ours", **options)
        ending.callback(ours.end)
        yield apache, ours


def exchange(address, data: bytes, half_close: bool = False) -> bytes:
    """Send bytes, return all that comes until the server ends the connection."""
    with socket.create_connection(address, timeout=10) as client:
        try:
            client.sendall(data)
            if half_close:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has answered and gone before it had read everything
        return all_of(client)


def without_time(line: bytes) -> bytes:
    """The line without its two times."""
    return re.sub(rb" [0-9]{13}$", b"", re.sub(rb" \[[^]]*\]", b"", line, count=1))


def new_lines(pair, seen, at_least: int, order=list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Both servers' lines after `seen`, as soon as they are the same, or after half a minute."""
    deadline = time.monotonic() + 30
    while True:
        logged = [
            order(without_time(line) for line in server.lines()[count:])
            for server, count in zip(pair, seen, strict=True)
        ]
        if time.monotonic() > deadline or (logged[0] == logged[1] and len(logged[0]) >= at_least):
            return tuple(logged)
        time.sleep(0.01)


def compare(pair, data: bytes, half_close: bool = False, at_least: int = 1):
    seen = [len(server.lines()) for server in pair]
    apache, ours = (exchange(server.address, data, half_close) for server in pair)
    logged = new_lines(pair, seen, at_least)
    assert logged[0] == logged[1]
    assert len(logged[0]) >= at_least
    assert statuses(apache) == statuses(ours)
    if not data.startswith(b"OPTIONS * "):  # to Apache no part of any site, so without its headers
        assert allowed(apache) == allowed(ours)


def allowed(answer: bytes) -> list[bytes]:
    names = rb"Access-Control-[^:]*|Cache-Control|Content-Security-Policy|X-Content-Type-Options"
    return re.findall(rb"^(?:" + names + rb"):[^\r]*", answer, re.M)


@pytest.mark.parametrize("name", [name for name, data in oddities.ODD.items() if b"secret" in data])
def test_no_password_is_logged(pair, name):
    seen = [len(server.lines()) for server in pair]
    for server in pair:
        exchange(server.address, oddities.ODD[name])
    for logged in new_lines(pair, seen, 1):
        # In a path or a query it is not a password in HTTP's sense.
        assert len(logged) == 1 and (b"secret" not in logged[0] or b"GET //user" in logged[0])


REQUESTS = hostile.WHOLE | oddities.ODD


@pytest.mark.parametrize("data", REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_answered_and_logged_as_apache_does(pair, data):
    compare(pair, data)


@pytest.mark.parametrize("line", beacon_lines.SENT, ids=lambda line: line.decode("latin-1"))
def test_both_servers_answer_200_only_to_requests_that_are_counted(pair, line):
    compare(pair, hostile.get(hostile.FIELDS, line=line))
    status = beacon_lines.SENT[line]
    for server in pair:
        seen = len(server.lines())
        assert statuses(exchange(server.address, hostile.get(line=line))) == [status]
        record = click_record(server.new_line(seen), "server:1:0:0", NOW_MS + 3_600_000)
        counted = is_beacon_line(record["request"], record["response"], record["agent"])
        assert counted == (status == beacon_lines.BEACON), record


def test_the_shops_files_are_sent_as_apache_does(pair):
    for file in sorted(servers.SITE.iterdir()):
        data = hostile.get(line=b"GET /%s HTTP/1.1" % file.name.encode())
        compare(pair, data)
        kinds, bodies = set(), set()
        for server in pair:
            seen = len(server.lines())
            head, _, body = exchange(server.address, data).partition(b"\r\n\r\n")
            server.new_line(seen)
            kinds.add(re.search(rb"^Content-Type: ([^\r]*)", head, re.M)[1])
            bodies.add(body)
        assert bodies == {file.read_bytes()} and len(kinds) == 1, (file.name, kinds)


@pytest.mark.parametrize("name", hostile.CUT_OFF)
def test_an_incomplete_request_is_logged_as_apache_does(pair, name):
    at_least = 0 if name in NOT_LOGGED else 1
    compare(pair, hostile.CUT_OFF[name], half_close=True, at_least=at_least)


def test_a_client_that_stops_sending_is_logged_as_apache_does(pair):
    seen = [len(server.lines()) for server in pair]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [
            list(pool.map(lambda d, a=server.address: exchange(a, d), hostile.CUT_OFF.values()))
            for server in pair
        ]
    apache, ours = new_lines(pair, seen, len(hostile.CUT_OFF), order=sorted)
    assert apache == ours and len(ours) == len(hostile.CUT_OFF)
    assert [statuses(a) for a in answers[0]] == [statuses(a) for a in answers[1]]


def test_a_slow_body_is_ended_as_apache_does(pair):
    """It has the timeout, and a second more for each 500 bytes: so it never waits for long."""
    seen = [len(server.lines()) for server in pair]
    data = b"POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda server: drip(server.address, data), pair))
    apache, ours = new_lines(pair, seen, 1)
    assert apache == ours and len(ours) == 1
    assert [statuses(answer) for answer in answers] == [[408], [408]]


def drip(address, data: bytes) -> bytes:
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(data)
        for _ in range(600):
            if select.select([client], [], [], 0.1)[0]:
                return client.recv(65536)
            client.sendall(b"x")
    raise AssertionError("the server does not end the connection")


def test_behind_a_load_balancer_the_visitors_address_is_logged(proxied):
    for forwarded in oddities.FORWARDED:
        compare(proxied, hostile.get(b"X-Forwarded-For: " + forwarded + b"\r\nevent: x\r\n"))
        visitor = proxied[1].lines()[-1].partition(b" ")[0].decode()
        assert ipaddress.ip_address(visitor), forwarded
    visitors = {line.partition(b" ")[0] for line in proxied[1].lines()}
    assert {b"203.0.113.9", b"1.2.3.4", b"127.0.0.1", b"2001:db8::a"} <= visitors


def test_without_a_load_balancer_x_forwarded_for_is_ignored(pair):
    compare(pair, hostile.get(b"X-Forwarded-For: 203.0.113.9\r\n"))
    assert pair[1].lines()[-1].startswith(b"127.0.0.1 ")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_client_is_logged_as_apache_does(tmp_path):
    for apache, ours in _pair(tmp_path, host="::1"):
        compare((apache, ours), hostile.get(hostile.FIELDS))
        assert ours.lines()[-1].startswith(b"::1 ")


def test_the_agent_reads_the_same_from_both_logs(pair):
    """Reads the lines of the tests above, and of one request of its own."""
    compare(pair, hostile.get(hostile.FIELDS))
    apache, ours = ([_record(line) for line in server.lines()] for server in pair)
    assert sorted(apache, key=repr) == sorted(ours, key=repr)
    assert {record.get("rejected") for record in apache} <= {None, "too_long"}
    assert ours[-1]["custom_metric_int_value"] == 312


def _record(line: bytes) -> dict:
    record = click_record(line, beacon_id("server", 1, 0, b""), NOW_MS + 3_600_000)
    if "rejected" in record:
        return {"rejected": record["rejected"]}
    seconds = record.pop("received_at") // 1000
    zone = record.pop("datetime").split()[1]
    # Both are the request's; between the two readings of the clock a second may begin.
    assert record.pop("requested_at") // 1000 in (seconds - 1, seconds, seconds + 1)
    minutes = abs(time.localtime(seconds).tm_gmtoff) // 60
    assert zone[1:] == f"{minutes // 60:02}{minutes % 60:02}"
    return record
