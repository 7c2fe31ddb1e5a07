"""What the connections of a server share: the log, the settings, and the order log-then-answer."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from answers import answer
from apache_log import AccessLog
from pages import Page
from troubles import Troubles

if TYPE_CHECKING:
    from connection import Connection

SWEEP_SECONDS = 0.25


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
    troubles: Troubles
    timeout: float = 20
    proxy_header: bytes = b""
    pages: dict[bytes, Page] = field(default_factory=dict)
    most_connections: int = 1000
    connections: set["Connection"] = field(default_factory=set)
    refused: set["Connection"] = field(default_factory=set)
    closing: bool = False
    _finished: list[tuple["Connection", bytes, bytes, bool]] = field(default_factory=list)

    def finish(self, connection: "Connection", line: bytes, data: bytes, keep: bool) -> None:
        """Log a request, then answer it; the requests of one turn of the loop share one write.

        Args:
            connection: whose request it is.
            line: its log line.
            data: the whole answer; may be empty.
            keep: whether the connection stays open.
        """
        if not self._finished:
            asyncio.get_running_loop().call_soon(self._flush)
        self._finished.append((connection, line, data, keep))

    def _flush(self) -> None:
        finished, self._finished = self._finished, []
        logged, failure = self.log.write(b"".join(line for _, line, _, _ in finished))
        refused = 0
        for connection, line, data, keep in finished:
            logged -= len(line)
            # A beacon that could not be logged must not be confirmed.
            if logged < 0:
                refused += 1
                data, keep = answer(503, keep_alive=False, head_only=False) if data else b"", False
            connection.send(data, keep)
        if failure:
            sentence = f"The access log can't be written: {failure}; requests are answered 503."
            self.troubles.say("write", sentence, refused)
        else:
            self.troubles.over(
                "write", "The access log can be written again; {count} requests were answered 503."
            )

    async def sweep(self) -> None:
        """End what has waited too long, four times a second, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for connection in [*self.connections, *self.refused]:
                if connection.deadline < now:
                    connection.time_is_up()
