"""One beacon: its values, and the bytes of its HTTP request."""

import re
from dataclasses import dataclass, field

# Apache and aiohttp accept a header line of up to 8,190 bytes, its name included
# (https://httpd.apache.org/docs/2.4/mod/core.html#limitrequestfieldsize).
LONGEST_VALUE = 8_000

# RFC 9110, 5.5: a field value contains no control character except the tab.
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(slots=True)
class Beacon:
    """A beacon to send; header values are bytes, None if the header is absent.

    Args:
        event: what happened, e.g. `b"click"`.
        clientid: which visitor, e.g. `b"5f0c91d2"`.
        page: where, e.g. `b"/products"`.
        agent: the User-Agent header.
        referrer: the Referer header.
        extra: other headers, as `(name, value)`.
        source: where the visitor came from, e.g. `b"google.com"`; None = direct, or not known.
        campaign: the campaign that brought the visitor.
        kind: `beacon` or `malformed`, sent over HTTP; `late` or `duplicate`, put to the stream.
        expect: its expected outcome: `accepted`, `duplicate`, or the reason for its rejection. The
            journal has `bot` for an accepted beacon of a bot.
        altered: the changes that were needed to send it over HTTP.
        due: when it is to be sent, in seconds of the event loop's clock.
    """

    event: bytes | None = None
    clientid: bytes | None = None
    page: bytes | None = None
    agent: bytes | None = None
    referrer: bytes | None = None
    extra: tuple[tuple[bytes, bytes], ...] = ()
    source: bytes | None = None
    campaign: bytes | None = None
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
            (b"source", self.source),
            (b"campaign", self.campaign),
        )
        present = [(name, value) for name, value in named if value is not None]
        return present + list(self.extra)


def request_bytes(beacon: Beacon, start: bytes) -> bytes:
    """Return the beacon's whole HTTP request.

    Args:
        beacon: its values must be sendable (see `sendable`).
        start: request line and Host header, as `request_start` returns them.
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
    r"""Change a value so that HTTP can carry it; keep as much of it as possible.

    A control character becomes a visible `\xhh`, as an invalid byte does everywhere in this
    workshop; spaces at both ends are dropped, as by every server; a value is cut at 8,000 bytes.

    Args:
        value: any bytes.

    Returns:
        The value to send, and a description of the changes (None if there are none).

    Example:
        >>> sendable(b"a\x00b")
        (b'a\\x00b', 'control characters made visible')
    """
    changes = []
    visible = _UNSENDABLE.sub(lambda match: b"\\x%02x" % match[0][0], value)
    if visible != value:
        changes.append("control characters made visible")
    trimmed = visible.strip(b" \t")
    if trimmed != visible:
        changes.append("blanks at the ends dropped")
    if len(trimmed) > LONGEST_VALUE:
        trimmed = trimmed[:LONGEST_VALUE].rstrip(b" \t")
        changes.append(f"cut from {len(visible):,} to {LONGEST_VALUE:,} bytes")
    return trimmed, ", ".join(changes) or None
