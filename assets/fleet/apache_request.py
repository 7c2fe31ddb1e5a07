"""Reads the head of an HTTP/1 request as Apache httpd 2.4 does, its mistakes included.

What Apache writes into its log about a bad request depends on how far it had read: a bad request
line is logged alone, a bad header field with the fields before it. A general HTTP library does
not give that away (it repairs, or it refuses without a word about what it had read), so this is
one of our own; tests/parity holds it against a real httpd.
"""

import re
from dataclasses import dataclass, field

# Apache's defaults: LimitRequestLine, LimitRequestFieldSize (8190 and a byte), LimitRequestFields.
# Together they bound a head: 100 fields of 8190 bytes are 819 KB.
MAX_LINE_BYTES = 8191
MAX_FOLDED_BYTES = 8190
MAX_FIELDS = 100
MAX_BLANK_LINES = 10  # before a request (DEFAULT_LIMIT_BLANK_LINES)

_REQUEST_LINE = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/([1-9])\.([0-9])"
)
# The same line without its rules: three words, and whatever stands between and behind them.
_WORDS = re.compile(rb"\s*([^\s]*)\s*([^\s]*)\s*([\x21-\x7e\x80-\xff]*)")
_TARGET = re.compile(rb"[/?][^#]*|[A-Za-z][A-Za-z0-9+.-]*://[^#]*")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME_OR_NOTHING = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# A name (whose last part begins with a letter), IPv4, or IPv6 in brackets; and a port.
_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9_-]+\.)*[A-Za-z_-][A-Za-z0-9_-]*\.?"
    rb"|(?:(?:0|[1-9][0-9]*)\.){3}(?:0|[1-9][0-9]*)"
    rb"|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
)


@dataclass(slots=True)
class Request:
    """The head of a request.

    Args:
        line: the request line as Apache logs it (`%r`).
        status: 0, or the status with which a bad head is answered.
        consumed: how many bytes of the buffer the head took.
    """

    line: bytes = b""
    status: int = 0
    consumed: int = 0
    method: bytes = b""
    target: bytes = b""
    version: tuple[int, int] = (1, 1)
    fields: dict[bytes, bytes] = field(default_factory=dict)
    chunked: bool = False
    length: int = 0
    keep_alive: bool = False
    expects_continue: bool = False


def read_request(data: bytes, ended: int = 0) -> Request | None:
    r"""Read the head of the request with which the buffer begins.

    Args:
        data: what the client has sent.
        ended: 0 while more may come; else the status that a head cut off here gets (400, 408).

    Returns:
        The request; None if its head has not ended yet, or, once `ended`, if not even the
        request line has.

    Example:
        >>> read_request(b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: x\r\n\r\n").fields[b"event"]
        b'x'
    """
    return HeadReader().read(data, ended)


class HeadReader:
    """Reads the head of one request while it arrives. Each line is looked at once: a client that
    sends a long head in small pieces must not cost more than one that sends it whole.
    """

    def __init__(self) -> None:
        self._request: Request | None = None
        self._next = 0  # where the next line begins
        self._pending = b""  # a field that the next line may continue
        self._repeated: dict[bytes, list[bytes]] = {}
        self._count = 0

    def read(self, data: bytes, ended: int = 0) -> Request | None:
        """Read on, as `read_request` does.

        Args:
            data: all that the client has sent since the request before.
            ended: as `read_request` takes it.
        """
        if self._request is None:
            self._request = self._read_first_line(data)
        request = self._request
        if request is None or request.status:
            return request
        error = self._read_fields(request, data, ended)
        if error is None:
            return None
        request.status = error or _check(request)
        return request

    def _read_first_line(self, data: bytes) -> Request | None:
        start = 0
        while data.startswith(b"\r\n", start):
            start += 2
            if start > 2 * MAX_BLANK_LINES:
                return Request(status=400)
        end = data.find(b"\n", start)
        length = (end if end >= 0 else len(data)) - start
        if length > MAX_LINE_BYTES + 1 or (
            length > MAX_LINE_BYTES and data[start + MAX_LINE_BYTES] != 0x0D
        ):
            return Request(line=_text(data[start : start + MAX_LINE_BYTES]), status=414)
        if end < 0:
            return None
        self._next = end + 1
        return _request_line(data[start : end + 1])

    def _read_fields(self, request: Request, data: bytes, ended: int) -> int | None:
        # Returns 0, an error's status, or None if the head has not ended. A field is looked at
        # only when the line behind it has been read, for that may continue it.
        while True:
            start = self._next
            end = data.find(b"\n", start)
            if (end if end >= 0 else len(data)) - start > MAX_LINE_BYTES + 1:
                return 400
            if end < 0:
                return ended or None
            line = data[start:end]
            if line[-1:] != b"\r" or b"\0" in line:
                return 400
            line = line[:-1]
            self._next = end + 1
            if line[:1] in (b" ", b"\t"):
                self._pending += b" " + line.lstrip(b" \t")
                if not self._count or len(self._pending) > MAX_FOLDED_BYTES:
                    return 400
                continue
            if self._count and not self._take_field(request.fields):
                return 400
            if not line:
                break
            self._count += 1
            if self._count > MAX_FIELDS:
                return 400
            self._pending = line
        request.consumed = self._next
        for name, values in self._repeated.items():
            request.fields[name] = b", ".join(values)
        return 0

    def _take_field(self, fields: dict[bytes, bytes]) -> bool:
        name, colon, value = self._pending.partition(b":")
        if not colon or not _NAME.fullmatch(name) or _FORBIDDEN.search(value):
            return False
        name, value = name.lower(), value.strip(b" \t")
        if name in fields:
            self._repeated.setdefault(name, [fields[name]]).append(value)
        else:
            fields[name] = value
        return True


def _text(line: bytes) -> bytes:
    return line.partition(b"\0")[0]


def _request_line(line: bytes) -> Request:
    if not line.endswith(b"\r\n"):
        return Request(line=_text(line), status=400)
    if b"\0" in line:
        return Request(line=_text(line), status=400)
    line = line[:-2]
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        words = _WORDS.match(line).groups()
        if line[:1].isspace() and not _NAME.fullmatch(words[0]):
            # Of such a line Apache keeps what could be a method.
            words = [_NAME_OR_NOTHING.match(words[0])[0]]
        return Request(b" ".join(filter(None, words)), 400, method=words[0])
    method, target = match[1], match[2]
    if _TARGET.fullmatch(target) if method != b"CONNECT" else b"/" not in target:
        status = 0
    else:
        status = 0 if (method, target) == (b"OPTIONS", b"*") else 400
    return Request(line, status, 0, method, target, (int(match[3]), int(match[4])))


def _check(request: Request) -> int:
    fields = request.fields
    host = fields.get(b"host")
    if host is None:
        if request.version != (1, 0):
            return 400
    elif b"://" not in request.target:  # a whole URL names the host itself
        match = _HOST.fullmatch(host)
        if match is None or (match[1] and not 0 < int(match[1]) < 65536):
            return 400
    connection = {word.strip().lower() for word in fields.get(b"connection", b"").split(b",")}
    request.keep_alive = b"close" not in connection and (
        request.version != (1, 0) or b"keep-alive" in connection
    )
    return _check_body(request)


def _check_body(request: Request) -> int:
    fields = request.fields
    encoding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if length is not None:
        if not re.fullmatch(rb"[0-9]{1,18}", length):
            return 400
        request.length = int(length)
    if encoding is not None:
        if encoding.lower().rpartition(b",")[2].strip() != b"chunked":
            return 400
        request.chunked = length is None
        if length is not None:
            # Two lengths for one body: where it ends can't be trusted, so nothing more is read.
            request.length, request.keep_alive = 0, False
    expect = fields.get(b"expect")
    if expect is not None and request.version != (1, 0):
        if expect.lower() != b"100-continue":
            return 417
        request.expects_continue = True
    return 0
