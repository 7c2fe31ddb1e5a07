"""One request of an access log, whatever the log's format."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.agent import access_log

_REQUEST = re.compile(rb"[A-Za-z]++ ([^ ?]++)")
_SITE = re.compile(rb"\A[A-Za-z][A-Za-z0-9+.-]*+://[^/?]*+")
# `192.0.2.1:443`, `[2001:db8::1]:443`, `[2001:db8::1]`, `host:443`; not `2001:db8::1`.
_WITH_PORT = re.compile(rb"\[([^\]]*+)\](?::[0-9]++)?|([^:]*+):[0-9]++")


@dataclass(slots=True)
class Request:
    """The parts of a logged request from which its beacon is made; None where the log has none.

    Args:
        address: the visitor's address; a port is left out.
        agent: the User-Agent header.
        referrer: the Referer header.
        page: the URL's path, without the query.
        time: epoch seconds.
        query: the URL's query.
        site: the host that was asked, if the log's format names it.
    """

    address: bytes
    agent: bytes | None
    referrer: bytes | None
    page: bytes | None
    time: float | None
    query: bytes | None = None
    site: bytes | None = None


def without_port(address: bytes) -> bytes:
    """Return an address without its port and brackets.

    Example:
        >>> without_port(b"[2001:db8::1]:443"), without_port(b"::1"), without_port(b"192.0.2.1:80")
        (b'2001:db8::1', b'::1', b'192.0.2.1')
    """
    match = _WITH_PORT.fullmatch(address)
    return address if match is None else match[1] or match[2] or b""


def path_of(url: bytes) -> bytes:
    """Return a URL's path.

    Example:
        >>> path_of(b"https://shop.example:443/cart?id=1"), path_of(b"/cart?id=1")
        (b'/cart', b'/cart')
    """
    return _SITE.sub(b"", url, count=1).split(b"?", 1)[0] or b"/"


def page_of(request_line: bytes) -> bytes | None:
    """Return the page of a request line, e.g. `GET /cart?id=1 HTTP/1.1`; None if it has none."""
    match = _REQUEST.match(request_line)
    return match and match[1]


def query_of(text: bytes) -> bytes | None:
    """Return the query of a URL or of a request line.

    Example:
        >>> query_of(b"GET /cart?id=1 HTTP/1.1"), query_of(b"/cart")
        (b'id=1', None)
    """
    return text.partition(b"?")[2].partition(b" ")[0] or None


def present(value: bytes | None) -> bytes | None:
    """Return a logged value; None for `-`, which is how a log writes that there is none."""
    return None if value is None or value == b"-" else value


def apache_time(text: bytes) -> float | None:
    """Return the epoch seconds of `25/Nov/2026:00:00:00 +0000`; None if it is no such time."""
    try:
        return access_log.epoch_ms(text.decode("ascii")) / 1000
    except ValueError:
        return None


def iso_time(text: str) -> float | None:
    """Return the epoch seconds of an ISO 8601 time, of UTC if it names no zone; None if it is none.

    Example:
        >>> iso_time("2026-11-25T00:00:00.5Z"), iso_time("yesterday")
        (1795564800.5, None)
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
