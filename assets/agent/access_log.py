"""Converts a line of the beacon servers' access log into a click record.

Apache writes the line with the `LogFormat` of `assets/fleet/httpd.conf`:

    %a %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{event}i" "%{clientid}i" "%{page}i"
    "%{source}i" "%{campaign}i" "%{automation}i" "%{custom_metric_name}i"
    "%{custom_metric_int_value}i" "%{custom_metric_float_value}i" "%{custom_metric_string_value}i"
    %{msec}t      (one line)

No line is dropped: an invalid one becomes a record with the field `rejected`. The visitor's address
is shortened here, before a record leaves the server: no later stage needs it.

Only this file parses the time; the record has it as a number. Apache writes the months in English,
while `strptime`, `strftime` and Java use the names of the machine's language.
"""

import json
import re
import socket
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

# Apache's limit of a header field (LimitRequestFieldSize, 8190), rounded up.
MAX_LINE_BYTES = 8192
# How far a server's clock may be ahead of the agent's.
FUTURE_TOLERANCE_MS = 60_000
BIGINT = 2**63
# The request's header fields in a line, in this order; names in lower case.
LOGGED_HEADERS = (
    b"referer",
    b"user-agent",
    b"event",
    b"clientid",
    b"page",
    b"source",
    b"campaign",
    b"automation",
    b"custom_metric_name",
    b"custom_metric_int_value",
    b"custom_metric_float_value",
    b"custom_metric_string_value",
)
# How many bytes of an address are kept: /24 and /48, which many visitors share.
_KEPT_V4, _KEPT_V6 = 3, 6
# In these IPv6 addresses, an IPv4 address follows: ::ffff:203.0.113.9, 2002:cb00:7109::1.
_MAPPED, _6TO4 = b"\0" * 10 + b"\xff\xff", b"\x20\x02"
_LONGEST_ADDRESS = 64  # with the name of an interface
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Metrics add up to 1e100 (assets/functions/process_metrics/rows.py): a sum of these stays below.
LARGEST_FLOAT = 1e80

_QUOTED = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    rb"(\S+) (\S+) (\S+) \[([^\]]{26})\] "
    + _QUOTED
    + rb" ([0-9]+) (-|[0-9]+) "
    + b" ".join([_QUOTED] * len(LOGGED_HEADERS))
    + rb" ([0-9]+)",
    re.DOTALL,
)
_PLAIN_LINE = re.compile(_LINE.pattern.decode(), re.DOTALL | re.ASCII)
_TIME = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"([+-])([0-9]{2})([0-5][0-9])"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT = re.compile(r"[+-]?[0-9]+")
# Possessive: no backtracking when a visitor sends 8,000 digits and a letter after them.
_FLOAT = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"b": b"\b", b"r": b"\r", b"f": b"\f", b"v": b"\v"}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def beacon_id(server: str, inode: int, offset: int, line: bytes) -> str:
    """Return the ID of a line; it is the same each time the line is read.

    Inode and offset repeat when a log is truncated or an inode is reused, so the line's CRC-32 is
    part of the ID. It is that of the line with a shortened address (`short_address`): with the
    whole one, each of the 256 addresses of a /24 could be tried until the CRC is the same.

    Args:
        server: the server's name.
        inode: the log file's inode number.
        offset: position of the line in the file, in bytes.
        line: the line without its newline; only its first 8192 bytes count.

    Example:
        >>> beacon_id("rwa-fleet-1", 12, 340, b"a line")
        'rwa-fleet-1:12:340:43fb39b2'
    """
    shortened = _with_short_address(line[:MAX_LINE_BYTES])
    return f"{server}:{inode}:{offset}:{zlib.crc32(shortened):08x}"


def click_record(
    line: bytes, beacon_id: str, now_ms: int, whole_addresses: bool = False
) -> dict[str, Any]:
    """Return the click record of a log line; a rejected one if the line can't be a beacon.

    Args:
        line: the line without its newline. Of one that is too long, 8193 bytes are enough.
        beacon_id: the line's ID, from the function of that name.
        now_ms: the reader's clock, epoch milliseconds.
        whole_addresses: keep the visitor's address, instead of its /24 (IPv4) or /48 (IPv6).

    Returns:
        The record's fields in order, without browser, system, device and bot (`user_agent.py`), and
        without `shipped_at`, which `encode` adds at each put.
        Absent header fields (`-`) are None, as are numbers with an empty header.
        A rejected record has `beacon_id`, `rejected` (`unparsable`, `too_long` or
        `from_the_future`), `line` (cut at 8192 bytes) and `received_at` (now_ms).

    Example:
        >>> click_record(b"rubbish", "s:1:0:00000000", 1764028800000)["rejected"]
        'unparsable'
    """
    if len(line) > MAX_LINE_BYTES:
        return _rejected("too_long", line, beacon_id, now_ms, whole_addresses)
    try:
        record = _accepted(_texts(line), beacon_id)
    except ValueError:
        return _rejected("unparsable", line, beacon_id, now_ms, whole_addresses)
    if record["requested_at"] > now_ms + FUTURE_TOLERANCE_MS:
        return _rejected("from_the_future", line, beacon_id, now_ms, whole_addresses)
    if not whole_addresses:
        record["host"] = short_address(record["host"])
    return record


def short_address(host: str) -> str:
    """Return a visitor's address without the part that identifies one visitor.

    Args:
        host: a line's first word.

    Returns:
        The /24 of an IPv4 address, the /48 of an IPv6 address, and any other text as it is. An IPv4
        address within an IPv6 address (IPv4-mapped, 6to4) is shortened to its own /24.

    Example:
        >>> short_address("203.0.113.9"), short_address("2001:db8:1:2::3"), short_address("rubbish")
        ('203.0.113.0', '2001:db8:1::', 'rubbish')
    """
    # No longer text is an address, and the cache keeps none.
    return host if len(host) > _LONGEST_ADDRESS else _shortened(host)


@lru_cache(maxsize=4096)  # the lines of one second have the same text
def epoch_ms(text: str) -> int:
    """Return a log's time as epoch milliseconds (of a whole second).

    Args:
        text: the time as `%t` writes it, without its brackets.

    Raises:
        ValueError: the text is not such a time.

    Example:
        >>> epoch_ms("25/Nov/2026:00:00:00 +0000")
        1795564800000
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, name, year, hour, minute, second, sign, hours, minutes = match.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    moment = datetime(
        int(year),
        MONTHS.index(name) + 1,
        int(day),
        int(hour),
        int(minute),
        int(second),
        tzinfo=timezone(-ahead if sign == "-" else ahead),
    )
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def log_time(seconds: float) -> str:
    """Return a time as text, as `%t` writes it on a server in UTC.

    Args:
        seconds: the time, epoch seconds.

    Example:
        >>> log_time(1795564800.9)
        '25/Nov/2026:00:00:00 +0000'
    """
    at = datetime.fromtimestamp(int(seconds), UTC)
    return f"{at.day:02}/{MONTHS[at.month - 1]}/{at.year:04}:{at:%H:%M:%S} +0000"


def unescape(value: bytes) -> bytes:
    r"""Undo Apache's escapes: `\"`, `\\`, `\n \t \b \r \f \v` and `\xhh`.

    Example:
        >>> unescape(rb"a \"big\" caf\xc3\xa9").decode()
        'a "big" café'
    """
    return _ESCAPE.sub(_unescaped, value)


def encode(record: dict[str, Any], shipped_at: int) -> bytes:
    """Return a record as it is put into the stream: a line of JSON.

    Args:
        record: what `click_record` returned.
        shipped_at: the time of the put, epoch milliseconds.

    Example:
        >>> encode({"beacon_id": "s:1:0:00000000"}, 1764028800000)
        b'{"beacon_id":"s:1:0:00000000","shipped_at":1764028800000}\\n'
    """
    return (_encode(record | {"shipped_at": shipped_at}) + "\n").encode()


@lru_cache(maxsize=4096)
def _shortened(host: str) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # A link-local address may have its interface: fe80::1%eth0.
        packed = socket.inet_pton(family, host.partition("%")[0])
    except (OSError, ValueError):  # no address, or not even text of one (a NUL, other scripts)
        return host
    kept = _KEPT_V4
    if family == socket.AF_INET6:
        kept = _KEPT_V6
        if packed.startswith(_MAPPED):
            kept = len(_MAPPED) + _KEPT_V4
        elif packed.startswith(_6TO4):
            kept = len(_6TO4) + _KEPT_V4
    return socket.inet_ntop(family, packed[:kept].ljust(len(packed), b"\0"))


def _texts(line: bytes) -> Sequence[str]:
    """Return a line's fields; raise ValueError if it has others."""
    if line.isascii() and b"\\" not in line:  # most lines: decoded at once, instead of each field
        found = _PLAIN_LINE.fullmatch(line.decode("ascii"))
        if found is None:
            raise ValueError("not a line of the LogFormat")
        return found.groups()
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("not a line of the LogFormat")
    fields = [unescape(field) if b"\\" in field else field for field in match.groups()]
    return [field.decode("utf-8", "backslashreplace") for field in fields]


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) == 3:
        return bytes([int(code[1:], 16)])
    return _ESCAPED.get(code, code)


def _rejected(
    reason: str, line: bytes, beacon_id: str, now_ms: int, whole_addresses: bool
) -> dict[str, Any]:
    line = line[:MAX_LINE_BYTES]
    if not whole_addresses:
        line = _with_short_address(line)
    text = line.decode("utf-8", "backslashreplace")
    return {"beacon_id": beacon_id, "rejected": reason, "line": text, "received_at": now_ms}


def _with_short_address(line: bytes) -> bytes:
    # Even a line that can't be read usually begins with the address.
    host, space, rest = line.partition(b" ")
    shortened = short_address(host.decode("utf-8", "surrogateescape"))
    return shortened.encode("utf-8", "surrogateescape") + space + rest


def _accepted(texts: Sequence[str], beacon_id: str) -> dict[str, Any]:
    return {
        "beacon_id": beacon_id,
        "host": texts[0],
        "ident": _present(texts[1]),
        "authuser": _present(texts[2]),
        "datetime": texts[3],
        "requested_at": epoch_ms(texts[3]),
        "request": _present(texts[4]),
        "response": _bigint(texts[5]),
        "bytes": _optional(texts[6], _bigint),
        "referrer": _present(texts[7]),
        "agent": _present(texts[8]),
        "event": _present(texts[9]),
        "clientid": _present(texts[10]),
        "page": _present(texts[11]),
        "source": _present(texts[12]),
        "campaign": _present(texts[13]),
        "automation": _present(texts[14]),
        "custom_metric_name": _present(texts[15]),
        "custom_metric_int_value": _optional(texts[16], _bigint),
        "custom_metric_float_value": _optional(texts[17], _double),
        "custom_metric_string_value": _present(texts[18]),
        "received_at": _bigint(texts[19]),
    }


def _present(text: str) -> str | None:
    return None if text == "-" else text


def _optional(text: str, number: Callable[[str], int | float]) -> int | float | None:
    return None if text in ("-", "") else number(text)


def _bigint(text: str) -> int:
    # int() alone would also accept "1_000", " 5" and digits of other scripts.
    if not _INT.fullmatch(text):
        raise ValueError(text)
    value = int(text)
    if not -BIGINT <= value < BIGINT:
        raise ValueError(text)
    return value


def _double(text: str) -> float:
    # float() alone would also accept "nan", "infinity" and "1_000".
    if not _FLOAT.fullmatch(text):
        raise ValueError(text)
    value = float(text)
    if abs(value) > LARGEST_FLOAT:
        raise ValueError(text)
    return value
