"""One request to the emulator and its answer in ASGI, for the modules that wrap the emulator."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hypercorn.protocol.http_stream import ASGIHTTPState

Send = Callable[[dict], Awaitable[None]]
Receive = Callable[[], Awaitable[dict]]
App = Callable[[dict, Receive, Send], Awaitable[None]]
Answer = tuple[int, list, bytes]  # status, headers, body


@dataclass(frozen=True)
class Exchange:
    """A request, and the ways to answer it."""

    app: App
    scope: dict
    receive: Receive
    send: Send

    def target(self) -> tuple[str, str]:
        """Return the API's name with its version, and the operation; `("", "")` without them."""
        for name, value in self.scope["headers"]:
            if name == b"x-amz-target":
                api, _, operation = value.decode("latin-1").partition(".")
                return api, operation
        return "", ""

    async def body(self) -> bytes:
        parts, more = [], True
        while more:
            message = await self.receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def call(self, body: bytes | None = None) -> Answer:
        """Pass the request to the emulator; return its answer.

        Args:
            body: replaces the request's own, which has been read.
        """
        messages: list[dict] = []

        async def keep(message: dict) -> None:
            messages.append(message)

        async def new_body() -> dict:
            return {"type": "http.request", "body": body, "more_body": False}

        if body is None:
            await self.app(self.scope, self.receive, keep)
        else:
            headers = _with_length(self.scope["headers"], len(body))
            await self.app(self.scope | {"headers": headers}, new_body, keep)
        answer = b"".join(message.get("body", b"") for message in messages[1:])
        return messages[0]["status"], messages[0]["headers"], answer

    async def answer(self, status: int, headers: list, body: bytes) -> None:
        headers = _with_length(headers, len(body))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, status: int, code: str, message: str) -> None:
        """Answer with an error, as an AWS JSON service does."""
        fault = "Sender" if status < 500 else "Receiver"
        headers = [
            (b"content-type", b"application/x-amz-json-1.1"),
            (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
            # CloudWatch's clients still read the error codes of its former query protocol.
            (b"x-amzn-query-error", f"{code};{fault}".encode()),
        ]
        await self.answer(
            status, headers, json.dumps({"__type": code, "message": message}).encode()
        )

    def hang_up(self) -> None:
        """Close the connection without an answer, once the application returns."""
        # Hypercorn answers 500 for an application that has sent nothing, unless its state is
        # CLOSED. Then it closes the connection, on which no answer was sent.
        self.send.__self__.state = ASGIHTTPState.CLOSED  # type: ignore[attr-defined]

    async def is_given_up(self, seconds: float) -> bool:
        """Return whether the client disconnects within so many seconds, after its body was read."""
        try:
            await asyncio.wait_for(self.receive(), seconds)
        except TimeoutError:
            return False
        return True


def _with_length(headers: list, length: int) -> list:
    # The checksum is of the former body, too.
    old = (b"content-length", b"x-amz-crc32")
    kept = [(name, value) for name, value in headers if name.lower() not in old]
    return [*kept, (b"content-length", b"%d" % length)]
