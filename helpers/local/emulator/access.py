"""Access: only clients of this run are answered, no web page and no other user's program.

The emulator runs the code that it receives (Lambda functions) as the learner, and every program of
this machine and every page of its browser can send requests to its port. So each request, whatever
it asks for, is refused with 403 unless

    its Host is this emulator's: a page whose name was made to lead to 127.0.0.1 keeps its own name
    it has no Origin and no Sec-Fetch-...: browsers send them, the workshop's clients do not
    it carries this run's access key (Authorization, or a presigned URL's X-Amz-Credential)

The secret is the key's id: requests stay on this machine, so only programs that can read
`.workshop/access-key` have it, and the signature, which the emulator does not check, would prove no
more. OPTIONS and WebSockets, which the workshop does not use, are refused. Without the key only
/_ministack/health is answered, with `ok`.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote

import ministack.app
from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource

from .exchange import App, Exchange, Receive, Send
from .settings import HEALTH

SIGNED = "AWS4-HMAC-SHA256 "
CODE = "InvalidClientTokenId"
SECONDS_BETWEEN_LINES = 1.0
PATH_LENGTH = 200
log = logging.getLogger("access")
_response_url = custom_resource._response_url


def apply() -> None:
    """Check each request first; give the key to the functions that the emulator runs."""
    key = os.environ["AWS_ACCESS_KEY_ID"]
    rules = Rules(key, int(os.environ["GATEWAY_PORT"]))
    ministack.app.app = guarded(ministack.app.app, rules, RefusalLog(log.warning))
    # MiniStack uses the number of a function's account as its key.
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = function_credentials
    custom_resource._response_url = response_url


def function_credentials(config: dict) -> dict[str, str]:
    """Return the credentials of a function, which calls the emulator: those of this run.

    boto3 writes AWS_SDK_UA_APP_ID into the User-Agent: the price meter counts by it.
    """
    own = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return own | {"AWS_SESSION_TOKEN": "", "AWS_SDK_UA_APP_ID": config.get("FunctionName", "")}


def response_url(token: str) -> str:
    """Return where a custom resource's function answers CloudFormation: as on AWS a signed URL."""
    credential = quote(f"{os.environ['AWS_ACCESS_KEY_ID']}/cloudformation", safe="")
    return f"{_response_url(token)}?X-Amz-Credential={credential}"


class Rules:
    """Decides which requests are refused."""

    def __init__(self, key: str, port: int) -> None:
        self._key = key.encode()
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    def objection(self, scope: dict) -> str | None:
        """Return why a request is refused; None if it is not."""
        names = {name.lower() for name, _ in scope["headers"]}
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return "its Host is not this emulator's"
        if any(name == b"origin" or name.startswith(b"sec-fetch-") for name in names):
            return "a web page sent it"
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            return "the workshop does not use such requests"
        if not is_health(scope) and not self._has_key(scope):
            return "it does not carry this run's access key"
        return None

    def _has_key(self, scope: dict) -> bool:
        signed = [value for value in _values(scope, b"authorization") if value.startswith(SIGNED)]
        credentials = [value.partition("Credential=")[2] for value in signed]
        query = parse_qs(scope["query_string"].decode("latin-1"))
        credentials += query.get("X-Amz-Credential", [])
        ids = [credential.partition("/")[0].encode() for credential in credentials]
        # The emulator uses one of them, so all must be right.
        return bool(ids) and all(secrets.compare_digest(each, self._key) for each in ids)


def is_health(scope: dict) -> bool:
    """Return whether a request is the health check."""
    return scope["type"] == "http" and scope["path"] == HEALTH and scope["method"] == "GET"


def _values(scope: dict, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]


class RefusalLog:
    """Logs refusals: at most one line a second."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._clock = write, clock
        self._unlogged, self._next = 0, 0.0

    def note(self, scope: dict, objection: str) -> None:
        """Log a refused request without its headers, query and body, which may be secret."""
        now = self._clock()
        if now < self._next:
            self._unlogged += 1
            return
        more = f" (and {self._unlogged} more before it)" if self._unlogged else ""
        self._unlogged, self._next = 0, now + SECONDS_BETWEEN_LINES
        request = f"{scope.get('method', 'WebSocket')} {ascii(scope['path'][:PATH_LENGTH])}"
        self._write(f"refused with 403: {request}: {objection}{more}")


def guarded(app: App, rules: Rules, refusals: RefusalLog) -> App:
    """Return an ASGI application that answers clients of this run only."""

    async def with_rules(scope: dict, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif objection := rules.objection(scope):
            refusals.note(scope, objection)
            await _refuse(Exchange(app, scope, receive, send), objection)
        elif is_health(scope):
            text = [(b"content-type", b"text/plain")]
            await Exchange(app, scope, receive, send).answer(200, text, b"ok")
        else:
            await app(scope, receive, send)

    return with_rules


async def _refuse(exchange: Exchange, objection: str) -> None:
    if exchange.scope["type"] == "websocket":
        await exchange.send({"type": "websocket.close"})  # before it is accepted: 403
        return
    # Read to its end without keeping it: a client that is still sending would miss the answer.
    while (await exchange.receive()).get("more_body"):
        pass
    message = f'The local target refuses this request: {objection}. Run connect("local") again.'
    if exchange.target() != ("", ""):
        await exchange.refuse(403, CODE, message)
        return
    error = f"<Error><Code>{CODE}</Code><Message>{message}</Message></Error>"
    headers = [(b"content-type", b"text/xml"), (b"x-amzn-errortype", CODE.encode())]
    await exchange.answer(403, headers, f"<ErrorResponse>{error}</ErrorResponse>".encode())
