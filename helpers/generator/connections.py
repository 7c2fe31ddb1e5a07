"""Many keep-alive HTTP/1.1 connections with hand-written requests.

A general HTTP client uses several times as much processor time for a request, and the generator
shares two cores with everything that it measures.

A beacon is sent once, as `navigator.sendBeacon` does: if its connection breaks after the request
was sent, it is unknown whether the server received it, and a second request would be another
beacon. Only a beacon that has not been sent waits for a new connection.
"""

import asyncio
import random
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from .beacon import Beacon, request_bytes, request_start
from .journal import NOT_SENT

MIN_CONNECTIONS, MAX_CONNECTIONS = 12, 128
# Connections end after a while, so that a server that joined the fleet gets its share. Idle ones
# end before the server closes them (Apache's KeepAliveTimeout is 5 s) while they are being used.
LIFE_SECONDS = (5.0, 15.0)
IDLE_SECONDS = 3.0
ANSWER_SECONDS = 10.0
CONNECT_SECONDS = 5.0

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)

Done = Callable[[Beacon, float, int | None], None]


def parse_answer(data: bytes) -> tuple[int, int, bool] | None:
    """Parse the first HTTP response in `data`.

    Returns:
        `(status, its length in bytes, whether the connection stays open)`; None if incomplete.

    Raises:
        ValueError: the data is not HTTP.

    Example:
        >>> parse_answer(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        (200, 40, True)
    """
    if data and not data.startswith(b"HTTP/1."[: len(data)]):
        raise ValueError("not an HTTP answer")
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    status, head = int(data[9:12]), data[: end + 2]
    if status in (204, 304) or status < 200:
        return status, end + 4, not _CLOSE.search(head)
    length = _LENGTH.search(head)
    if length is None:
        # It ends with the connection, or with its last chunk: only its status is needed.
        return status, len(data), False
    total = end + 4 + int(length[1])
    return (status, total, not _CLOSE.search(head)) if len(data) >= total else None


class _Connection(asyncio.Protocol):
    """One connection, which waits for the response to one beacon at most."""

    def __init__(self, pool: "Connections") -> None:
        self.pool = pool
        self.beacon: Beacon | None = None
        self.transport: asyncio.Transport | None = None
        self.ends = pool.loop.time() + random.uniform(*LIFE_SECONDS)
        self.used = pool.loop.time()
        self.sent_at = 0.0
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, beacon: Beacon) -> None:
        self.beacon, self.sent_at, self.used = beacon, time.time(), self.pool.loop.time()
        self.transport.write(request_bytes(beacon, self.pool.start))

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            answer = parse_answer(self._received)
        except ValueError:
            self.transport.abort()
            return
        if answer is None:
            return
        status, length, open_ = answer
        self._received = self._received[length:]
        if status < 200:  # an interim answer, e.g. 100: the real one follows
            self.data_received(b"")
            return
        beacon, self.beacon = self.beacon, None
        if beacon is None or self._received:  # a response without a request
            open_ = False
        if beacon is not None:
            self.pool.done(beacon, self.sent_at, status)
        self.pool.answered(self, open_)

    def connection_lost(self, error: Exception | None) -> None:
        self.pool.lost(self)
        if self.beacon is not None:
            beacon, self.beacon = self.beacon, None
            self.pool.done(beacon, self.sent_at, None)


class Connections:
    """Sends beacons to one server address, each over a free connection.

    Args:
        url: where beacons are sent, without `/beacon`, e.g. `http://127.0.0.1:8080`.
        done: called with `(beacon, when it was sent, epoch s, status)` when its outcome is known;
            status None = sent, but no response arrived, 0 = not sent.
        patience: seconds past its due time that a beacon waits for a connection before it is
            given up; None = no limit.
    """

    def __init__(self, url: str, done: Done, *, patience: float | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.done, self.patience = done, patience
        self.problem: str | None = None
        self.down_since: float | None = None
        self.lag = 0.0
        address = urlsplit(url)
        self._secure = ssl.create_default_context() if address.scheme == "https" else None
        self._host = address.hostname or "127.0.0.1"
        self._port = address.port or (443 if self._secure else 80)
        self.start = request_start(address.netloc, address.path.rstrip("/") + "/beacon")
        self._free: deque[_Connection] = deque()
        self._all: set[_Connection] = set()
        self._waiting: deque[Beacon] = deque()
        self._opening: set[asyncio.Task] = set()
        self._closed = False

    def send(self, beacon: Beacon) -> None:
        """Send a beacon now, or as soon as a connection is free."""
        self._waiting.append(beacon)
        self._work()

    @property
    def waiting(self) -> int:
        """How many beacons wait for a connection."""
        return len(self._waiting)

    @property
    def unfinished(self) -> int:
        """How many beacons wait for a connection or for a response."""
        return len(self._waiting) + sum(each.beacon is not None for each in self._all)

    def _work(self) -> None:
        while self._waiting and self._free:
            if len(self._all) + len(self._opening) < MIN_CONNECTIONS:
                break  # a new connection is better: it may reach another server of the fleet
            self._send_next(self._free.popleft())
        wanted = min(len(self._waiting), MAX_CONNECTIONS - len(self._all))
        while len(self._opening) < wanted and not self._closed:
            task = self.loop.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _send_next(self, connection: _Connection) -> None:
        if connection.transport.is_closing():
            return
        beacon = self._waiting.popleft()
        self.lag = max(self.lag, self.loop.time() - beacon.due)
        connection.send(beacon)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await self.loop.create_connection(
                    lambda: _Connection(self), self._host, self._port, ssl=self._secure
                )
        except (OSError, TimeoutError) as error:
            self.problem = f"No server answers at {self._host}:{self._port} ({error})."
            self.down_since = self.down_since or self.loop.time()
            await asyncio.sleep(0.2)
            return
        self.problem = self.down_since = None
        self._all.add(connection)
        if self._waiting:
            self._send_next(connection)
        else:
            self._free.append(connection)

    def answered(self, connection: _Connection, open_: bool) -> None:
        """Use a connection again after its response, or close it at the end of its life."""
        if not open_ or self._closed or self.loop.time() > connection.ends:
            self.lost(connection)
            connection.transport.close()
        else:
            self._free.append(connection)
        if self._waiting:
            self._work()

    def lost(self, connection: _Connection) -> None:
        """Remove a connection that has ended."""
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)

    def sweep(self) -> None:
        """Give up beacons and connections that waited too long; called a few times a second."""
        now = self.loop.time()
        if self.patience is not None:
            while self._waiting and now - self._waiting[0].due > self.patience:
                self.done(self._waiting.popleft(), time.time(), NOT_SENT)
        for connection in list(self._all):
            if connection.beacon is not None and now - connection.used > ANSWER_SECONDS:
                self.problem = f"An answer took more than {ANSWER_SECONDS:.0f} s."
                connection.transport.abort()
            elif connection.beacon is None and now - connection.used > IDLE_SECONDS:
                self.lost(connection)
                connection.transport.close()
        self._work()

    def take_lag(self) -> float:
        """Return the longest delay of a beacon since the last call, in seconds."""
        waiting = self.loop.time() - self._waiting[0].due if self._waiting else 0.0
        lag, self.lag = max(self.lag, waiting), 0.0
        return lag

    async def close(self, seconds: float) -> None:
        """Wait `seconds` at most until every response has arrived; then close all connections."""
        deadline = self.loop.time() + seconds
        while self.unfinished and self.loop.time() < deadline:
            await asyncio.sleep(0.02)
            self.sweep()
        self._closed = True
        for beacon in self._waiting:
            self.done(beacon, time.time(), NOT_SENT)
        self._waiting.clear()
        for task in self._opening:
            task.cancel()
        for connection in list(self._all):
            connection.transport.abort()
        await asyncio.sleep(0.02)  # lets connection_lost be called
