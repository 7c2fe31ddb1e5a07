"""A real, tiny HTTP server that keeps every beacon it receives, for tests of senders."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Catcher:
    """Keeps each request's headers as bytes, exactly as they came.

    Args:
        answer: what is answered to each request; None = nothing, and the connection is closed.
    """

    def __init__(self, answer: bytes | None = ANSWER) -> None:
        self.answer = answer
        self.beacons: list[dict[str, bytes]] = []
        self.request_lines: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="catcher")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def close_connections(self) -> None:
        """Close every connection, as a server that leaves the fleet does; keep listening."""
        done = threading.Event()

        def close() -> None:
            for writer in list(self._writers):
                writer.close()
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait()

    def start(self) -> "Catcher":
        self._thread.start()
        self._ready.wait()
        return self

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ending.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head[:-4].split(b"\r\n")
                self.request_lines.append(first)
                headers = dict(line.split(b":", 1) for line in lines)
                # As servers do: the blank after the colon is no part of the value.
                self.beacons.append(
                    {name.decode().lower(): value.strip(b" \t") for name, value in headers.items()}
                )
                if self.answer is None:
                    break
                writer.write(self.answer)
                if re.search(rb"(?i)connection: *close", self.answer):
                    break
        self._writers.discard(writer)
        writer.close()


@contextlib.contextmanager
def catching(answer: bytes | None = ANSWER) -> Iterator[Catcher]:
    """A catcher that runs for the length of a `with` block."""
    catcher = Catcher(answer).start()
    try:
        yield catcher
    finally:
        catcher.close()


def until(holds: Callable[[], Any], seconds: float = 900) -> Any:
    """Wait until something holds, and return it; fail if it never does.

    Args:
        holds: what is waited for.
        seconds: for how long: longer than it takes on any busy machine.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if found := holds():
            return found
        assert time.monotonic() < deadline, "the condition never became true"
        # A check takes processor time from the process that the test waits for.
        time.sleep(min(30, max(0.02, 3 * (time.monotonic() - began))))


def sent_all(traffic, **settings):
    """Send traffic for `seconds`, with these settings; return its totals."""
    traffic.start(**settings)
    until(lambda: traffic.status()["state"] != "running")
    return traffic.stop()
