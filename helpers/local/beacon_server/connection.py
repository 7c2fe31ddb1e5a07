"""One client's connection: reads requests and sends answers until one side ends it."""

import asyncio
import contextlib
import socket
import time
from typing import cast

from .answers import BODIES, answer, build, path_of, status_of
from .apache_log import format_line
from .apache_request import HeadReader, Request
from .authority import loggable, visitor
from .body import BEHIND, MORE, Body
from .service import Service

# Longer than the 60 s after which a load balancer closes an idle connection.
KEEP_ALIVE_SECONDS = 65
LINGER_SECONDS = 2
# A body has the timeout and a second more for each so many bytes (httpd.conf's MinRate).
BODY_BYTES_A_SECOND = 500
# So many clients beyond the maximum get a 503 at a time; further ones are disconnected.
REFUSED_AT_A_TIME = 100
# After these statuses, the beginning of the next request is unknown.
CLOSING_STATUSES = {400, 408, 413, 414, 417, 503}
# About how much is done for one client in one turn of the loop, before other clients are served.
# A short answer counts as more than its bytes, because a request takes time as well.
ANSWER_BYTES_A_TURN = 8 * 1024
LEAST_ANSWER_BYTES = 1024
LINES_A_TURN = 64  # of a head or of a chunked body


class Connection(asyncio.BufferedProtocol):
    """A connection: idle, in a request's head, in its body, or lingering after the last answer.

    Its memory is limited: no more is read while requests wait for their turn, and no request is
    begun while the client does not read its answers. Each callback of the loop is short.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer, self._start = b"", 0  # received bytes; from where they are unread
        self._head = HeadReader()
        self._request = Request()
        self._status = 0  # the answer's status; 0 if a file decides
        self._body: Body | None = None
        self._has_answered = self._has_ended = self._lingering = False
        self._credit = 0
        self._is_behind = self._is_full = False  # requests wait; answers are unread
        self.held = 0  # bytes of an unfinished head, as reported to the service
        self.deadline = 0.0  # of time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (called by asyncio, as are the other methods of a Protocol)."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0].removeprefix("::ffff:") if peer else "-"
        self._wait(self._service.timeout)
        if len(self._service.connections) < self._service.most_connections:
            self._service.connections.add(self)
        else:
            self._refuse()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lingering = True  # unread requests are discarded: the client is gone
        self._service.hold(self, 0)
        self._service.connections.discard(self)
        self._service.refused.discard(self)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read its answers."""
        self._is_full = True
        self._pause_or_resume()

    def resume_writing(self) -> None:
        self._is_full = False
        self._wait_for_more()
        self._proceed_soon()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return the buffer of the next bytes: all connections share it, each copies its own."""
        return self._service.inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Read the client's bytes, and answer each complete request."""
        if self._lingering:
            return
        if self._body:
            self.deadline += nbytes / BODY_BYTES_A_SECOND
        elif self.is_idle():
            self._wait(self._service.timeout)
        data = self._service.received[:nbytes].tobytes()
        self._buffer = self._buffer[self._start :] + data if self._buffer else data
        self._start = 0
        self._proceed()

    def eof_received(self) -> bool:
        """The client will send no more."""
        if not self._lingering:
            self._cut_off(400)
        # After this turn of the loop: the last answers are sent first.
        asyncio.get_running_loop().call_soon(self._transport.close)
        return True

    def time_is_up(self) -> None:
        """The deadline has passed."""
        # The client has not read its answers if the connection is closing, or full.
        if self._lingering or self._is_full or self._transport.is_closing():
            self.abort()
        elif self._is_behind:
            self._wait(self._service.timeout)  # the server is slow, not the client
        elif self.is_idle() and self._has_answered:
            self._transport.close()
        elif not self._cut_off(408):
            self._log_timeout()

    def abort(self) -> None:
        """End the connection at once."""
        self._lingering = True
        self._transport.abort()

    def is_idle(self) -> bool:
        """Return whether no request has begun."""
        return self._start == len(self._buffer) and self._body is None and not self._head.has_begun

    def close_if_idle(self) -> None:
        """Close unless a request is under way."""
        if self.is_idle():
            self._transport.close()

    def refuse_head(self) -> None:
        """Answer 503 to a request whose head uses too much of the shared memory."""
        self._cut_off(503)
        self._service.hold(self, 0)

    def send(self, data: bytes, keep: bool) -> None:
        """Send an answer; then close the connection unless it is kept.

        To close, the server ends its side and continues to read for a moment. With unread bytes
        the kernel would reset the connection, and the client might lose the answer.
        """
        if self._transport.is_closing() or self._has_ended:
            return
        self._transport.write(data)
        if not keep:
            self._lingering = self._has_ended = True
            self._wait(LINGER_SECONDS)
            with contextlib.suppress(OSError):  # the client has disconnected already
                self._transport.write_eof()

    def _refuse(self) -> None:
        # Without a line in the log: no request has been read.
        service = self._service
        most = service.most_connections
        service.problems.warn(
            "crowd", f"{most} clients are connected, the maximum: others are answered 503."
        )
        if len(service.refused) >= REFUSED_AT_A_TIME:
            self.abort()
            return
        service.refused.add(self)
        self.send(answer(503, keep_alive=False, head_only=False), keep=False)

    def _wait(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def _wait_for_more(self) -> None:
        self._wait(KEEP_ALIVE_SECONDS if self.is_idle() else self._service.timeout)

    def _proceed(self) -> None:
        # The service has sent the answers of earlier turns in between.
        self._credit = ANSWER_BYTES_A_TURN
        while self._credit > 0 and self._may_advance() and self._advance():
            pass
        self._is_behind = self._credit <= 0 and self._may_advance()
        if self._is_behind and self._is_reset():
            self.abort()
        elif self._is_behind:
            self._proceed_soon()
        held = (self._body or self._head).held
        if held != self.held:
            self._service.hold(self, held)
        self._pause_or_resume()

    def _proceed_soon(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self._service.call, self, self._proceed)

    def _is_reset(self) -> bool:
        # asyncio does not notice a reset while a connection is not read, and many requests of a
        # client that has disconnected may be left.
        sock = self._transport.get_extra_info("socket")
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def _may_advance(self) -> bool:
        return self._start < len(self._buffer) and not (self._lingering or self._is_full)

    def _pause_or_resume(self) -> None:
        # A lingering connection is read, and its bytes are discarded: see `send`.
        may_read = self._lingering or not (self._is_full or self._is_behind)
        if may_read != self._transport.is_reading() and not self._transport.is_closing():
            if may_read:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _advance(self) -> bool:
        # Returns whether a part was completed, so that the buffer may have another one.
        if self._body:
            error = self._body.feed(self._buffer, self._start, LINES_A_TURN)
            self._start = self._body.next
            if error in (MORE, BEHIND):
                return self._stop(error == BEHIND)
            self._finish(error)
            return True
        request = self._head.read(self._buffer, self._start, most_lines=LINES_A_TURN)
        self._start = self._head.next
        if request is None:
            return self._stop(self._head.is_behind)
        self._head = HeadReader()
        self._request, self._status = request, request.status or status_of(request)
        if self._status in CLOSING_STATUSES or not (request.chunked or request.length):
            self._finish()
            return True
        self._body = Body(request.length, request.chunked)
        left = len(self._buffer) - self._start
        self._wait(self._service.timeout + left / BODY_BYTES_A_SECOND)
        if request.expects_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _stop(self, is_behind: bool) -> bool:
        if is_behind:
            self._credit = 0
        return False

    def _cut_off(self, status: int) -> bool:
        # Answers a request that has not arrived completely; returns whether there was one.
        if self._body:
            self._finish(status)
            return True
        request = self._head.read(self._buffer, self._start, ended=status)
        if request is None:
            return False
        self._request, self._status = request, request.status or status
        self._finish()
        return True

    def _finish(self, error: int = 0) -> None:
        # `error`: the body was bad.
        request, page = self._request, None
        status = error or self._status
        if status == 0:
            page = self._service.pages.get(path_of(request.target) or b"")
            status = 200 if page else 404
        keep = request.keep_alive and status not in CLOSING_STATUSES and not self._service.closing
        head_only = request.method == b"HEAD"
        if page:
            body, data = page.body, build(status, *page[:2], keep, head_only, page.headers)
        elif request.target == b"*" and status == 200:
            body, data = b"", build(status, b"", "text/plain", keep, head_only)
        else:
            body, data = BODIES.get(status, b""), answer(status, keep, head_only)
        sent = 0 if head_only else len(body)
        if error and self._status in (200, 405) and not head_only:
            sent += len(BODIES[self._status])  # Apache counts the prepared answer, too
        self._body = None
        self._has_answered, self._lingering = True, not keep
        self._wait_for_more()
        self._credit -= max(len(data), LEAST_ANSWER_BYTES)
        self._log(request, status, sent, data, keep)

    def _log(self, request: Request, status: int, sent: int, data: bytes, keep: bool) -> None:
        now_ms, line = time.time_ns() // 1_000_000, loggable(request.line)
        visitor = self._visitor(request)
        entry = format_line(visitor, now_ms, line, status, sent, request.fields)
        self._service.finish(self, entry, data, keep)

    def _log_timeout(self) -> None:
        # Not even a request line arrived in time: Apache logs 408 and sends no answer.
        self._lingering = True
        self._log(Request(line=b"-"), 408, 0, b"", keep=False)

    def _visitor(self, request: Request) -> str:
        forwarded = request.fields.get(self._service.proxy_header)
        return visitor(forwarded, self._peer) if forwarded and not request.status else self._peer
