"""Reads a request's body and forgets it: a beacon's contents are its headers."""

import re

MAX_BODY_BYTES = 1024 * 1024
MAX_LINE_BYTES = 8192
MAX_TRAILERS = 100  # as LimitRequestFields
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*|[ \t].*")
MORE = -1


class Body:
    r"""What is still to come of a body.

    Args:
        length: its length in bytes.
        chunked: whether it comes in chunks, which say their own lengths.

    Example:
        >>> Body(3, chunked=False).feed(b"abcGET / HTTP/1.1\r\n")
        (b'GET / HTTP/1.1\r\n', 0)
    """

    def __init__(self, length: int, chunked: bool) -> None:
        self._chunked, self._left = chunked, 0 if chunked else length
        self._total = self._trailers = 0
        self._expects = "size"  # of a chunk; then "end" of its data; at last the "trailer"

    def feed(self, data: bytes) -> tuple[bytes, int]:
        """Take what belongs to the body.

        Args:
            data: what the client has sent since.

        Returns:
            The bytes that were not taken, and MORE while the body goes on, 0 at its end, or the
            status with which a bad one is answered.
        """
        while True:
            taken = min(self._left, len(data))
            data = data[taken:]
            self._left -= taken
            if self._left:
                return b"", MORE
            if not self._chunked:
                return data, 0
            line, found, rest = data.partition(b"\r\n")
            if not found:
                return data, 400 if len(data) > MAX_LINE_BYTES else MORE
            data = rest
            if self._expects == "trailer":
                if not line:
                    return data, 0
                self._trailers += 1
                if self._trailers > MAX_TRAILERS or not _TRAILER.fullmatch(line):
                    return data, 400
            if self._expects == "end":
                if line:
                    return data, 400
                self._expects = "size"
            elif self._expects == "size":
                status = self._begin_chunk(line)
                if status:
                    return data, status

    def _begin_chunk(self, line: bytes) -> int:
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            return 400
        self._left = int(match[1], 16)
        self._total += self._left
        self._expects = "end" if self._left else "trailer"
        return 413 if self._total > MAX_BODY_BYTES else 0
