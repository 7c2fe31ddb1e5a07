"""The answers to requests: those of Apache with assets/fleet/httpd.conf."""

import re
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from .apache_request import Request
from .body import MAX_BODY_BYTES

BODIES = {
    200: b"ok",
    400: b"bad request",
    403: b"forbidden",
    404: b"not found",
    405: b"method not allowed",
    408: b"request timeout",
    413: b"request entity too large",
    414: b"request-uri too long",
    417: b"expectation failed",
    501: b"not implemented",
    503: b"service unavailable",
}
# Without these a browser sends no beacon to another site, and none with our headers.
CORS = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
    "Access-Control-Allow-Headers: Content-Type, event, clientid, page, source, campaign, "
    "automation, custom_metric_name, custom_metric_int_value, custom_metric_float_value, "
    "custom_metric_string_value\r\n"
    "Access-Control-Max-Age: 86400\r\n"
    "Cache-Control: no-store\r\n"
)
_KNOWN_METHODS = {b"PUT", b"DELETE", b"PATCH", b"TRACE", b"CONNECT"}
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_HIDDEN = re.compile(rb"%2f|%00", re.IGNORECASE)  # an encoded slash or NUL


def status_of(request: Request) -> int:
    """Return the status of a valid request; 0 if it depends on the demo shop's files."""
    method = request.method
    path = path_of(request.target)
    if request.target == b"*" or method == b"CONNECT":
        return 200 if method == b"OPTIONS" else 405
    if path is None:
        return 400
    if _HIDDEN.search(request.target.partition(b"?")[0]):
        return 404
    if method == b"OPTIONS":
        return 204
    if path == b"/beacon" and not is_spelt_as_counted(request.target):
        return 404
    if path == b"/beacon" and method not in (b"GET", b"POST"):
        return 405
    if request.length > MAX_BODY_BYTES:
        return 413
    if path in (b"/beacon", b"/health"):
        return 200
    if len(path) > 4000 or any(len(name) > 255 for name in path.split(b"/")):
        return 403  # longer than a file's name can be, as Apache answers
    if method in (b"GET", b"HEAD", b"POST"):
        return 0
    return 405 if method in _KNOWN_METHODS else 501


def is_spelt_as_counted(target: bytes) -> bool:
    """Return whether a target is written as /beacon, because beacons are counted by the log's line.

    If `//beacon` or `/%62eacon` were answered 200, no stage would count it.

    Example:
        >>> is_spelt_as_counted(b"/beacon?a=b"), is_spelt_as_counted(b"http://a/beacon")
        (True, False)
    """
    return target.partition(b"?")[0] == b"/beacon"


@lru_cache(maxsize=1024)
def path_of(target: bytes) -> bytes | None:
    """Return the path of a request's target: decoded, `//` and dots resolved; None if malformed.

    Example:
        >>> path_of(b"/x/..//%62eacon?event=click")
        b'/beacon'
    """
    path = target.partition(b"?")[0]
    scheme, colon, rest = path.partition(b":")
    if colon and b"/" not in scheme:  # a whole URL, or one without a host
        if scheme.lower() not in (b"http", b"https"):
            return None
        path = b"/" + rest[2:].partition(b"/")[2] if rest.startswith(b"//") else rest or b"/"
    if _BAD_ESCAPE.search(path):
        return None
    names: list[bytes] = []
    parts = unquote_to_bytes(path).split(b"/")[1:]
    for name in parts:
        if name == b"..":
            if not names:
                return None
            names.pop()
        elif name not in (b"", b"."):
            names.append(name)
    folder = b"/" if names and parts[-1] in (b"", b".", b"..") else b""
    return b"/" + b"/".join(names) + folder


@lru_cache(maxsize=256)
def answer(status: int, keep_alive: bool, head_only: bool) -> bytes:
    """Return the whole answer of a status, with its short body.

    Example:
        >>> answer(200, keep_alive=True, head_only=False).endswith(b"ok")
        True
    """
    return build(status, BODIES.get(status, b""), "text/plain", keep_alive, head_only)


def build(
    status: int, body: bytes, kind: str, keep_alive: bool, head_only: bool, more: str = ""
) -> bytes:
    """Return an answer with a body of its own.

    Args:
        status: the HTTP status.
        body: the body.
        kind: its Content-Type.
        keep_alive: whether the connection stays open.
        head_only: whether the body is left out (HEAD).
        more: further header lines, each with its line end.
    """
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{CORS}"
    if status == 405:
        head += "Allow: GET, POST, OPTIONS\r\n"
    if status != 204:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}"
    head += f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    return head.encode() + (b"" if head_only or status == 204 else body)
