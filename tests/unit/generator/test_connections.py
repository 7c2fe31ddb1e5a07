"""The generator's HTTP: a beacon is sent once, and its outcome is reported, if known."""

import asyncio
import contextlib

import pytest

from helpers.generator.beacon import Beacon
from helpers.generator.connections import MIN_CONNECTIONS, Connections, parse_answer
from tests.catcher import Catcher, catching

BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (BODY, (200, len(BODY), True)),
        (BODY + b"HTTP/1.1 500", (200, len(BODY), True)),
        (b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", (204, 33, True)),
        (b"HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", (400, 58, False)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n", (200, 50, False)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", (100, 25, True)),
    ],
)
def test_a_response_is_parsed(data, answer):
    assert parse_answer(data) == answer


def test_an_incomplete_response_is_not_parsed():
    assert {parse_answer(BODY[:length]) for length in range(len(BODY))} == {None}


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n", b"H2", b"HTTP/1.1 abc OK\r\n\r\n"])
def test_a_response_that_is_not_http_is_an_error(data):
    with pytest.raises(ValueError):
        parse_answer(data)


def send(catcher: Catcher, number: int, *, between=None, patience=2.0) -> list[int | None]:
    """Send beacons and return their statuses."""
    statuses = []

    async def run():
        connections = Connections(
            catcher.url, lambda beacon, at, status: statuses.append(status), patience=patience
        )
        for count in range(number):
            if between is not None and count == number // 2:
                while connections.unfinished:
                    await asyncio.sleep(0.01)
                between()
                await asyncio.sleep(0.05)
            connections.send(Beacon(event=b"%d" % count, due=connections.loop.time()))
        await connections.close(5)

    asyncio.run(run())
    return statuses


def test_every_beacon_is_answered_over_a_few_connections():
    with catching() as catcher:
        assert send(catcher, 500, patience=60) == [200] * 500
        assert {beacon["event"] for beacon in catcher.beacons} == {b"%d" % n for n in range(500)}
        assert catcher.connections >= MIN_CONNECTIONS


def test_headers_arrive_as_they_are():
    beacon = Beacon(b"click", b"c1", "/käse".encode(), b"\xff\xfe", b'"q" \\', ((b"x-y", b""),))
    with catching() as catcher:

        async def run():
            connections = Connections(catcher.url, lambda *_: None, patience=2)
            connections.send(beacon)
            await connections.close(5)

        asyncio.run(run())
        host = f"127.0.0.1:{catcher.port}".encode()
    assert catcher.request_lines == [b"GET /beacon HTTP/1.1"]
    assert catcher.beacons == [
        {
            "host": host,
            "event": b"click",
            "clientid": b"c1",
            "page": "/käse".encode(),
            "user-agent": b"\xff\xfe",
            "referer": b'"q" \\',
            "x-y": b"",
        }
    ]


def test_connections_that_the_server_closed_between_two_beacons_lose_nothing():
    with catching() as catcher:
        assert send(catcher, 40, between=catcher.close_connections) == [200] * 40
        assert len(catcher.beacons) == 40


def test_a_server_that_closes_after_each_answer():
    with catching(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") as catcher:
        assert send(catcher, 30) == [200] * 30
        assert catcher.connections == 30


def test_a_beacon_without_an_answer_is_not_sent_again():
    with catching(answer=None) as catcher:
        assert send(catcher, 20) == [None] * 20
        assert len(catcher.beacons) == 20


def test_an_error_status_is_reported():
    with catching(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as catcher:
        assert send(catcher, 5) == [503] * 5


def test_a_response_that_is_not_http_counts_as_no_response():
    with catching(b"SSH-2.0-x\r\n") as catcher:
        assert send(catcher, 3) == [None] * 3


def test_without_a_server_beacons_are_not_sent_and_the_reason_is_reported():
    with catching() as catcher:
        pass
    statuses = []

    async def run():
        connections = Connections(
            catcher.url, lambda beacon, at, status: statuses.append(status), patience=0.1
        )
        connections.send(Beacon(due=connections.loop.time()))
        while not statuses:
            await asyncio.sleep(0.05)
            connections.sweep()
        assert f"No server answers at 127.0.0.1:{catcher.port}" in connections.problem
        assert connections.down_since is not None
        await connections.close(1)

    with contextlib.suppress(TimeoutError):
        asyncio.run(asyncio.wait_for(run(), 20))
    assert statuses == [0]
