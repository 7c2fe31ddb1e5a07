"""No answer may be read by a web page: without CORS headers a browser keeps it from the page.

MiniStack sends `Access-Control-Allow-Origin: *` with everything. AWS sends such headers where a
bucket or an API is told to; the workshop tells none. See access for who is answered at all.
"""

import ministack.app

from .exchange import App, Receive, Send


def apply() -> None:
    """Stand in front of the emulator."""
    ministack.app.app = without_cors(ministack.app.app)


def without_cors(app: App) -> App:
    """Return an ASGI application that leaves the CORS headers out.

    Args:
        app: the emulator's.
    """

    async def with_fewer_headers(scope: dict, receive: Receive, send: Send) -> None:
        async def send_without(message: dict) -> None:
            if "headers" in message:
                kept = [pair for pair in message["headers"] if not _is_cors(pair[0])]
                message = message | {"headers": kept}
            await send(message)

        await app(scope, receive, send_without)

    return with_fewer_headers


def _is_cors(name: bytes) -> bool:
    return name.lower().startswith(b"access-control-")
