"""Reads a request's body and discards it: a beacon's contents are its headers."""

import re

from .header_fields import ALL, FieldReader

MAX_BODY_BYTES = 1024 * 1024
MAX_LINE_BYTES = 8190  # of a chunk's size and extension, with the line's end (LimitRequestLine)
_CHUNK_SIZE = re.compile(rb"0*+([0-9A-Fa-f]*+)[ \t]*+(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r")
_LONGEST_SIZE = 16  # hex digits
MORE, BEHIND = -1, -2


class Body:
    r"""A body that is being received.

    Attributes:
        next: how many of the bytes given to `feed` are read.

    Example:
        >>> body = Body(3, chunked=False)
        >>> body.feed(b"abcGET / HTTP/1.1\r\n", 0), body.next
        (0, 3)
    """

    def __init__(self, length: int, chunked: bool) -> None:
        self._chunked, self._left = chunked, 0 if chunked else length
        self._total = self.next = 0
        self._trailers = FieldReader()
        self._expects = "size"  # of a chunk; then "end" of its data; at last the "trailers"

    @property
    def held(self) -> int:
        """How many bytes of it are kept."""
        return self._trailers.held

    def feed(self, data: bytes, start: int, most_lines: int = ALL) -> int:
        """Read the bytes that belong to the body. Each byte is read once.

        Args:
            data: the bytes that the client has sent and that were not read yet.
            start: where in it the body continues.
            most_lines: the maximum number of lines (chunks' sizes, chunks' ends, trailers) to read.

        Returns:
            MORE if more has to arrive, BEHIND if the data has more of it, 0 at its end, or the
            status with which a bad body is answered.
        """
        self.next = start
        for _ in range(most_lines):
            if self._left:
                taken = min(self._left, len(data) - self.next)
                self.next += taken
                self._left -= taken
                self._total += taken
                if self._total > MAX_BODY_BYTES:
                    return 413
                if self._left:
                    return MORE
            if not self._chunked:
                return 0
            if self._expects == "trailers":
                error = self._trailers.read(data, self.next, most_lines)
                self.next = self._trailers.next
                if error is None:
                    return BEHIND if self._trailers.is_behind else MORE
                return error
            status = self._read_line(data)
            if status:
                return status
        return BEHIND

    def _read_line(self, data: bytes) -> int:
        # After a chunk's data, or before it. 0: continue.
        start, end = self.next, data.find(b"\n", self.next)
        if (end + 1 if end >= 0 else len(data)) - start > MAX_LINE_BYTES:
            return 413
        if end < 0:
            return MORE
        self.next = end + 1
        if self._expects == "end":
            self._expects = "size"
            return 0 if end == start + 1 and data[start] == 0x0D else 400
        match = _CHUNK_SIZE.fullmatch(data, start, end)
        if match is None or match.end(1) == start:
            return 400
        if match.end(1) - match.start(1) > _LONGEST_SIZE:
            return 413
        self._left = int(match[1] or b"0", 16)
        self._expects = "end" if self._left else "trailers"
        return 413 if self._left >= 1 << 63 else 0
