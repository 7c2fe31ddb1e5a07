r"""Real access logs: each line of Apache's combined format becomes one beacon.

The format: `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`
(https://httpd.apache.org/docs/2.4/logs.html#combined). Apache writes `-` for an absent header, and
`\"`, `\\`, `\n`, `\xhh` for bytes that would break a line. Both are undone here, so that the
beacon server, which logs in the same way, logs the same values again.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assets.agent import access_log

from .beacon import Beacon, sendable

LONGEST_LINE = 1 << 20  # bytes; the rest of a longer line is skipped

# Possessive quantifiers: an untrusted line in another format must not cause backtracking.
_QUOTED = rb'"((?:[^"\\]++|\\.)*+)"'
# The user's name may contain spaces and brackets: it ends before the first `[...] "`.
_USER = rb'.(?: \[[^\]]*+\](?! ")|(?! \[).)*+'
_LINE = re.compile(
    rb"(\S++) \S++ %b \[([^\]]*+)\] %b(?: \S++ \S++ %b %b)?" % (_USER, *[_QUOTED] * 3)
)
_REQUEST = re.compile(rb"[A-Za-z]++ ([^ ?]++)")


def beacon_of(line: bytes) -> tuple[Beacon, float | None]:
    """Convert a log line to a beacon; return the beacon, and the time in the line.

    Args:
        line: without its line break. A line in another format becomes a beacon without a page.

    Returns:
        The beacon, and epoch seconds (None if the line has no valid time).

    Example:
        >>> line = b'::1 - - [25/Nov/2026:00:00:00 +0000] "GET /a?b HTTP/1.1" 200 5 "-" "curl/8"'
        >>> beacon_of(line)[0].page
        b'/a'
    """
    match = _LINE.match(line)
    parts: Any = match.groups() if match else (line, None, b"-", None, None)
    address, time, request, referrer, agent = parts
    path = _REQUEST.match(access_log.unescape(request))
    visitor = hashlib.blake2s(b"%b %b" % (address, agent or b"-"), digest_size=6).hexdigest()
    beacon = Beacon(event=b"pageview", clientid=visitor.encode())
    if len(line) >= LONGEST_LINE:
        beacon.altered.append(f"line: cut to {LONGEST_LINE:,} bytes")
    values = {"page": path and path[1], "referrer": _present(referrer), "agent": _present(agent)}
    for name, value in values.items():
        if value is not None:
            value, change = sendable(value)
            setattr(beacon, name, value)
            if change:
                beacon.altered.append(f"{name}: {change}")
    return beacon, _epoch_seconds(time)


def _present(value: bytes | None) -> bytes | None:
    return None if value is None or value == b"-" else access_log.unescape(value)


def _epoch_seconds(time: bytes | None) -> float | None:
    try:
        return access_log.epoch_ms((time or b"").decode()) / 1000
    except ValueError:
        return None


class LogFile:
    """A log file, plain or gzip, read line by line.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self._size = max(1, path.stat().st_size)
        zipped = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self._file = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw
        self.problem: str | None = None

    @property
    def progress(self) -> float:
        """The share of the file that has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size)

    def lines(self) -> Iterator[bytes | None]:
        """Yield each line that is not blank, without its line break, at most its first megabyte.

        A blank line, and each further megabyte of a longer line, yields None: a small gzip file
        may contain hours of those, and the caller must be able to stop between them.

        A damaged gzip file ends where the damage begins; `problem` then contains the reason.
        """
        at_line_start = True
        try:
            while piece := self._file.readline(LONGEST_LINE):
                line = piece.rstrip(b"\r\n") if at_line_start else b""
                yield line if line.strip() else None
                at_line_start = piece.endswith(b"\n")
        except (EOFError, OSError, zlib.error) as error:
            self.problem = f"The log can't be read to its end: {error}."
