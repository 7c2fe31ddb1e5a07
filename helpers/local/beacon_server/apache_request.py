"""Reads the head of an HTTP/1 request as Apache httpd 2.4 does, its mistakes included.

Apache's log line of a bad request depends on how far Apache has read it: a bad request line is
logged alone, a bad header field with the fields before it. A general HTTP library does not return
this (it repairs a request, or refuses it without the parts already read), so this is a parser of
our own; tests/parity compares it with a real httpd.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from .authority import host_in, is_good_field, is_good_host
from .header_fields import ALL, MAX_LINE_BYTES, NAME, FieldReader

MAX_BLANK_LINES = 10  # before a request (DEFAULT_LIMIT_BLANK_LINES)

_REQUEST_LINE = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/([1-9])\.([0-9])"
)
# The same line without these rules: three words, with any bytes between and after them.
_WORDS = re.compile(rb"\s*([^\s]*)\s*([^\s]*)\s*([\x21-\x7e\x80-\xff]*)")
_NAME_OR_NOTHING = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_LENGTH = re.compile(rb"0*+([0-9]{0,19})")
_LONGEST_LENGTH = 2**63 - 1


@dataclass(slots=True)
class Request:
    """The head of a request.

    Args:
        line: the request line as Apache logs it (`%r`).
        status: 0, or the status with which a bad head is answered.
        host: the host that the target names; None if it names none.
    """

    line: bytes = b""
    status: int = 0
    method: bytes = b""
    target: bytes = b""
    host: bytes | None = None
    version: tuple[int, int] = (1, 1)
    fields: dict[bytes, bytes] = field(default_factory=dict)
    chunked: bool = False
    length: int = 0
    keep_alive: bool = False
    expects_continue: bool = False


def read_request(data: bytes, ended: int = 0) -> Request | None:
    r"""Read the head of the request with which the bytes begin.

    Args:
        data: the bytes that the client has sent.
        ended: 0 while more may arrive; else the status of a head that ends here (400, 408).

    Returns:
        The request; None if its head has not ended yet, or, once `ended`, if not even the
        request line has.

    Example:
        >>> read_request(b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: x\r\n\r\n").fields[b"event"]
        b'x'
    """
    return HeadReader().read(data, 0, ended)


class HeadReader:
    """Reads the head of one request while it arrives. Each line is parsed once.

    Attributes:
        next: how many of the bytes given to `read` are read: the rest has to be given again.
        has_begun: whether a part of a head has been read.
    """

    def __init__(self) -> None:
        self._request: Request | None = None
        self._fields = FieldReader()
        self._blank_lines = 0
        self.next = 0

    @property
    def has_begun(self) -> bool:
        """Whether a part of a head has been read."""
        return self._request is not None or self._blank_lines > 0

    @property
    def held(self) -> int:
        """How many bytes of it are kept."""
        return self._fields.held

    @property
    def is_behind(self) -> bool:
        """Whether whole lines are left, because of the limit of lines in one call."""
        return self._fields.is_behind

    def read(
        self, data: bytes, start: int, ended: int = 0, most_lines: int = ALL
    ) -> Request | None:
        """Continue to read, as `read_request` does.

        Args:
            data: the bytes that the client has sent and that were not read yet.
            start: where in it the head continues.
            ended: as for `read_request`.
            most_lines: the maximum number of fields' lines to read.
        """
        self.next = start
        if self._request is None:
            self._request = self._read_first_line(data)
        request = self._request
        if request is None or request.status:
            return request
        error = self._fields.read(data, self.next, most_lines)
        self.next = self._fields.next
        if error is None and not ended:
            return None
        request.fields = self._fields.fields
        request.status = ended if error is None else error or _check(request)
        return request

    def _read_first_line(self, data: bytes) -> Request | None:
        while data.startswith(b"\r\n", self.next):
            self.next += 2
            self._blank_lines += 1
            if self._blank_lines > MAX_BLANK_LINES:
                return Request(status=400)
        start, end = self.next, data.find(b"\n", self.next)
        length = (end if end >= 0 else len(data)) - start
        if length > MAX_LINE_BYTES + 1 or (
            length > MAX_LINE_BYTES and data[start + MAX_LINE_BYTES] != 0x0D
        ):
            return Request(line=_text(data[start : start + MAX_LINE_BYTES]), status=414)
        if end < 0:
            return None
        self.next = end + 1
        return _request_line(data[start : end + 1])


def _text(line: bytes) -> bytes:
    return line.partition(b"\0")[0]


def _request_line(line: bytes) -> Request:
    if not line.endswith(b"\r\n") or b"\0" in line:
        return Request(line=_text(line), status=400)
    line = line[:-2]
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        words = _WORDS.match(line).groups()
        if line[:1].isspace() and not NAME.fullmatch(words[0]):
            # Of such a line Apache logs only the possible method.
            words = [_NAME_OR_NOTHING.match(words[0]).group()]
        return Request(b" ".join(filter(None, words)), 400, method=words[0])
    request = Request(line, 0, match[1], match[2])
    request.version = (int(match[3]), int(match[4]))
    try:
        request.host = host_in(request.method, request.target)
    except ValueError:
        request.status = 400
    return request


def _check(request: Request) -> int:
    host = request.fields.get(b"host")
    if host is None and request.version != (1, 0):
        return 400
    if request.host is not None:  # then Apache ignores the field
        good = is_good_host(request.host)
    else:
        good = host is None or is_good_field(host)
    if not good:
        return 400
    connection = request.fields.get(b"connection", b"")
    request.keep_alive = not _names(connection, b"close") and (
        request.version != (1, 0) or _names(connection, b"keep-alive")
    )
    return _check_body(request)


@lru_cache(maxsize=256)
def _names(connection: bytes, wanted: bytes) -> bool:
    # As Apache compares (ap_find_token): the beginning of a word is enough.
    return any(wanted.startswith(word.lower()) for word in NAME.findall(connection))


def _check_body(request: Request) -> int:
    fields = request.fields
    encoding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if length is not None:
        digits = _LENGTH.fullmatch(length)
        if not length or digits is None:
            return 400
        request.length = int(digits[1] or b"0")
        if request.length > _LONGEST_LENGTH:
            return 400
    if encoding is not None:
        if encoding.lower().rpartition(b",")[2].strip() != b"chunked":
            return 400
        request.chunked = length is None
        if length is not None:
            # Two lengths for one body: its end is uncertain, so nothing more is read.
            request.length, request.keep_alive = 0, False
    if expect := fields.get(b"expect"):
        if expect.lower() != b"100-continue":
            return 417
        request.expects_continue = request.version != (1, 0)
    return 0
