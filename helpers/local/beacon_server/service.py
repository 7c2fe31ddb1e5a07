"""Shared by a server's connections: the log and the settings. Logs requests, then answers them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from .answers import answer
from .apache_log import AccessLog
from .pages import Page
from .rate_limited_log import RateLimitedLog

SWEEP_SECONDS = 0.25
# How much is read from a client in one turn of the loop, and parsed before the next one.
READ_BYTES = 16 * 1024
# About how many bytes finished requests may have before they are logged and answered.
FLUSH_BYTES = 1024 * 1024
# A head has up to 820 KB, usually a few hundred bytes. If all heads together have more than so many
# bytes for each connection, those that have more than that are refused.
HEAD_BYTES = 32 * 1024


class Client(Protocol):
    """The parts of a connection that a service uses."""

    held: int
    deadline: float

    def send(self, data: bytes, keep: bool) -> None: ...
    def abort(self) -> None: ...
    def refuse_head(self) -> None: ...
    def time_is_up(self) -> None: ...
    def close_if_idle(self) -> None: ...


@dataclass
class Service:
    """One server.

    Args:
        log: the access log.
        timeout: seconds a client has for a request's head, and as many for its body (and one more
            for each 500 bytes of it).
        proxy_header: the header, in lower case, in which a trusted proxy names the visitor.
        pages: the demo shop's files, by path.
        most_connections: how many clients may be connected; one more is answered 503.
    """

    log: AccessLog
    problems: RateLimitedLog
    timeout: float = 20
    proxy_header: bytes = b""
    pages: dict[bytes, Page] = field(default_factory=dict)
    most_connections: int = 1000
    connections: set[Client] = field(default_factory=set)
    refused: set[Client] = field(default_factory=set)
    closing: bool = False
    inbox: bytearray = field(default_factory=lambda: bytearray(READ_BYTES))
    _finished: list[tuple[Client, bytes, bytes, bool]] = field(default_factory=list)
    _finished_bytes: int = 0
    _held: int = 0

    def __post_init__(self) -> None:
        self.received = memoryview(self.inbox)

    def call(self, connection: Client, function: Callable[..., None], *given: object) -> None:
        """Call a function of one connection: an exception ends that connection, and no other."""
        try:
            function(*given)
        except Exception as error:
            connection.abort()
            self.problems.warn("error", f"A connection was ended by an error of ours: {error!r}")

    def hold(self, connection: Client, held: int) -> None:
        """Record how many bytes of an unfinished head a connection holds; refuse it if too many."""
        self._held += held - connection.held
        connection.held = held
        if held > HEAD_BYTES and self._held > HEAD_BYTES * self.most_connections:
            self.problems.warn("heads", "Many clients send long heads: these are answered 503.")
            connection.refuse_head()

    def finish(self, connection: Client, line: bytes, data: bytes, keep: bool) -> None:
        """Log a request, then answer it; the requests of one turn of the loop share one write.

        Args:
            connection: the connection.
            line: its log line.
            data: the whole answer; may be empty.
            keep: whether the connection stays open.
        """
        if not self._finished:
            asyncio.get_running_loop().call_soon(self._flush)
        self._finished.append((connection, line, data, keep))
        self._finished_bytes += len(line) + len(data)
        if self._finished_bytes > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        finished, self._finished, self._finished_bytes = self._finished, [], 0
        logged, failure = self.log.write(b"".join(line for _, line, _, _ in finished))
        refused = 0
        for connection, line, data, keep in finished:
            logged -= len(line)
            # A beacon that could not be logged must not be confirmed.
            if logged < 0:
                refused += 1
                data, keep = answer(503, keep_alive=False, head_only=False) if data else b"", False
            self.call(connection, connection.send, data, keep)
        if failure:
            sentence = f"The access log can't be written: {failure}; requests are answered 503."
            self.problems.warn("write", sentence, refused)
        else:
            self.problems.over(
                "write", "The access log can be written again; {count} requests were answered 503."
            )

    async def sweep(self) -> None:
        """End connections after their deadlines, four times a second, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for connection in [*self.connections, *self.refused]:
                if connection.deadline < now:
                    self.call(connection, connection.time_is_up)
