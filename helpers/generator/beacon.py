"""One beacon: what it says, and the bytes of the HTTP request that says it."""

import re
from dataclasses import dataclass, field

# Apache and aiohttp take a header line of up to 8,190 bytes, its name included
# (https://httpd.apache.org/docs/2.4/mod/core.html#limitrequestfieldsize).
LONGEST_VALUE = 8_000

# RFC 9110, 5.5: a field value holds no control characters but the tab.
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(slots=True)
class Beacon:
    """A beacon to be sent; header values are bytes, None where the header is absent.

    Args:
        event: what happened, e.g. `b"click"`.
        clientid: which visitor, e.g. `b"5f0c91d2"`.
        page: where, e.g. `b"/products"`.
        agent: the User-Agent header.
        referrer: the Referer header.
        extra: other headers, as `(name, value)`.
        kind: `beacon` or `malformed`, or `late`, which goes to the stream and not over HTTP.
        expect: what should become of it: `accepted`, or the reason of its rejection.
        altered: what had to be changed so that HTTP can carry it.
        due: when the schedule wants it sent, in seconds of the event loop's clock.
    """

    event: bytes | None = None
    clientid: bytes | None = None
    page: bytes | None = None
    agent: bytes | None = None
    referrer: bytes | None = None
    extra: tuple[tuple[bytes, bytes], ...] = ()
    kind: str = "beacon"
    expect: str = "accepted"
    altered: list[str] = field(default_factory=list)
    due: float = 0.0

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that are present, as `(name, value)`."""
        named = (
            (b"event", self.event),
            (b"clientid", self.clientid),
            (b"page", self.page),
            (b"Referer", self.referrer),
            (b"User-Agent", self.agent),
        )
        present = [(name, value) for name, value in named if value is not None]
        return present + list(self.extra)


def request_bytes(beacon: Beacon, start: bytes) -> bytes:
    """Return the beacon's whole HTTP request.

    Args:
        beacon: its values must be sendable (see `sendable`).
        start: request line and Host header, as `request_start` makes them.
    """
    lines = [b"%b: %b\r\n" % header for header in beacon.headers()]
    return b"%b%b\r\n" % (start, b"".join(lines))


def request_start(host: str, path: str = "/beacon") -> bytes:
    """Return the request line and the Host header of a beacon.

    Example:
        >>> request_start("127.0.0.1:8080")
        b'GET /beacon HTTP/1.1\\r\\nHost: 127.0.0.1:8080\\r\\n'
    """
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n".encode()


def sendable(value: bytes) -> tuple[bytes, str | None]:
    r"""Make a value one that HTTP can carry, keeping as much of it as possible.

    A control character becomes its visible `\xhh`, as an invalid byte does everywhere in this
    workshop; blanks at either end go, as every server drops them; what is over 8,000 bytes is cut.

    Args:
        value: any bytes.

    Returns:
        The value to send, and what was changed (None if nothing).

    Example:
        >>> sendable(b"a\x00b")
        (b'a\\x00b', 'control characters made visible')
    """
    changes = []
    visible = _UNSENDABLE.sub(lambda found: b"\\x%02x" % found[0][0], value)
    if visible != value:
        changes.append("control characters made visible")
    trimmed = visible.strip(b" \t")
    if trimmed != visible:
        changes.append("blanks at the ends dropped")
    if len(trimmed) > LONGEST_VALUE:
        trimmed = trimmed[:LONGEST_VALUE].rstrip(b" \t")
        changes.append(f"cut from {len(visible):,} to {LONGEST_VALUE:,} bytes")
    return trimmed, ", ".join(changes) or None
