"""No answer may be read by a web page: without CORS headers a browser does not pass it on.

MiniStack sends `Access-Control-Allow-Origin: *` with every answer. AWS sends such headers only for
a bucket or an API with a CORS configuration, and the workshop has none. The module `access` refuses
pages altogether.
"""

import ministack.app

from .exchange import App, Receive, Send


def apply() -> None:
    """Wrap the emulator."""
    ministack.app.app = without_cors(ministack.app.app)


def without_cors(app: App) -> App:
    """Return an ASGI application that leaves the CORS headers out."""

    async def with_fewer_headers(scope: dict, receive: Receive, send: Send) -> None:
        async def send_without(message: dict) -> None:
            if "headers" in message:
                headers = message["headers"]
                kept = [h for h in headers if not h[0].lower().startswith(b"access-control-")]
                message = message | {"headers": kept}
            await send(message)

        await app(scope, receive, send_without)

    return with_fewer_headers
