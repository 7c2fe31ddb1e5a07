"""One client's connection: requests in, answers out, for as long as both want."""

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

# Longer than the 60 s after which a load balancer drops an idle connection by itself.
KEEP_ALIVE_SECONDS = 65
LINGER_SECONDS = 2
# A body may take the timeout and a second more for each so many bytes (httpd.conf's MinRate).
BODY_BYTES_A_SECOND = 500
# So many clients beyond the most are told so; for those after them there is no time.
REFUSED_AT_A_TIME = 100
# After these nobody knows where the next request begins.
LAST_WORDS = {400, 408, 413, 414, 417, 503}
# What is done for a client in one turn of the loop, at most and about; then the others have theirs.
# A short answer counts for more than its bytes, because a request costs time as well.
ANSWER_BYTES_A_TURN = 8 * 1024
LEAST_ANSWER_BYTES = 1024
LINES_A_TURN = 64  # of a head or of a chunked body


class Connection(asyncio.BufferedProtocol):
    """A connection: idle, in a request's head, in its body, or lingering after the last answer.

    What it holds is bounded: no more is read while requests wait for their turn, and no request is
    begun while the client leaves answers unread. What the loop calls, or a turn of it, is short.

    Args:
        service: what it shares with the others.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer, self._start = b"", 0  # what has come; from where it is not yet taken
        self._head = HeadReader()
        self._request = Request()
        self._status = 0  # what the request will be answered; 0 if a file decides
        self._body: Body | None = None
        self._has_answered = self._has_ended = self._lingering = False
        self._credit = 0
        self._is_behind = self._is_full = False  # requests wait; answers are unread
        self.held = 0  # bytes of an unfinished head, as the service knows it
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
        """End."""
        self._lingering = True  # what was not taken is not: nobody is there for the answer
        self._service.hold(self, 0)
        self._service.connections.discard(self)
        self._service.refused.discard(self)

    def pause_writing(self) -> None:
        """Take no more from a client that does not read its answers."""
        self._is_full = True
        self._pause_or_resume()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._wait_for_more()
        self._proceed_soon()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return where the next bytes are put: all connections share it, each takes its out."""
        return self._service.inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Take what the client sent, and answer each request that is complete."""
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
        # After this turn of the loop: what has just been answered is sent before the end.
        asyncio.get_running_loop().call_soon(self._transport.close)
        return True

    def time_is_up(self) -> None:
        """The deadline has passed."""
        # One that closes and is still here, or is full, has not read its answers all the while.
        if self._lingering or self._is_full or self._transport.is_closing():
            self.abort()
        elif self._is_behind:
            self._wait(self._service.timeout)  # it is we who are slow
        elif self.is_idle() and self._has_answered:
            self._transport.close()
        elif not self._cut_off(408):
            self._log_silence()

    def abort(self) -> None:
        """End at once."""
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
        """Answer 503 to a request whose head takes the memory of others."""
        self._cut_off(503)
        self._service.hold(self, 0)

    def send(self, data: bytes, keep: bool) -> None:
        """Send an answer; close behind it unless the connection is kept.

        Closing means: say that no more will come, and read on for a moment. Were bytes left
        unread, the kernel would reset the connection and the client might lose the answer.
        """
        if self._transport.is_closing() or self._has_ended:
            return
        self._transport.write(data)
        if not keep:
            self._lingering = self._has_ended = True
            self._wait(LINGER_SECONDS)
            with contextlib.suppress(OSError):  # the client has gone already
                self._transport.write_eof()

    def _refuse(self) -> None:
        # Without a line in the log: no request has been read.
        service = self._service
        most = service.most_connections
        service.problems.warn(
            "crowd", f"{most} clients are connected, the most: others are answered 503."
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
        # What was answered in an earlier turn has been sent: the service did so in between.
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
        # While a connection is not read, asyncio does not notice; and there may be much left to do
        # for a client that is there no more.
        sock = self._transport.get_extra_info("socket")
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def _may_advance(self) -> bool:
        return self._start < len(self._buffer) and not (self._lingering or self._is_full)

    def _pause_or_resume(self) -> None:
        # One that lingers is read, and what it sends thrown away: see `send`.
        may_read = self._lingering or not (self._is_full or self._is_behind)
        if may_read != self._transport.is_reading() and not self._transport.is_closing():
            if may_read:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _advance(self) -> bool:
        # Returns whether something was completed, so that the buffer is worth another look.
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
        if self._status in LAST_WORDS or not (request.chunked or request.length):
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
        # Answers a request that did not come to its end; returns whether there was one.
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
        keep = request.keep_alive and status not in LAST_WORDS and not self._service.closing
        head_only = request.method == b"HEAD"
        if page:
            body, data = page.body, build(status, *page[:2], keep, head_only, page.headers)
        elif request.target == b"*" and status == 200:
            body, data = b"", build(status, b"", "text/plain", keep, head_only)
        else:
            body, data = BODIES.get(status, b""), answer(status, keep, head_only)
        sent = 0 if head_only else len(body)
        if error and self._status in (200, 405) and not head_only:
            sent += len(BODIES[self._status])  # Apache counts the answer that it had ready, too
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

    def _log_silence(self) -> None:
        # Not even a request line came in time: Apache logs that and says nothing.
        self._lingering = True
        self._log(Request(line=b"-"), 408, 0, b"", keep=False)

    def _visitor(self, request: Request) -> str:
        forwarded = request.fields.get(self._service.proxy_header)
        return visitor(forwarded, self._peer) if forwarded and not request.status else self._peer
