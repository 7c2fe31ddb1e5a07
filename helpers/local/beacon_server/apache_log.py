"""The access log, exactly as Apache httpd writes it with httpd.conf's `LogFormat`."""

import errno
import os
import re
import time
from functools import lru_cache
from pathlib import Path

from assets.agent.access_log import LOGGED_HEADERS, MONTHS
from assets.agent.siblings import files_of

from .rate_limited_log import RateLimitedLog

# The agent reads a line that has not ended from this length on (its MAX_LINE_BYTES).
LONGEST_CUT_BYTES = 8192
_MONTHS = [month.encode() for month in MONTHS]
_UNSAFE = re.compile(rb"[^ !#-\[\]-~]")
_ESCAPES = {
    b'"': rb"\"",
    b"\\": rb"\\",
    b"\b": rb"\b",
    b"\n": rb"\n",
    b"\r": rb"\r",
    b"\t": rb"\t",
    b"\v": rb"\v",
}


def escape(value: bytes) -> bytes:
    r"""Return a value as Apache logs it: printable ASCII as it is, the rest escaped.

    Example:
        >>> escape('"é"'.encode())
        b'\\"\\xc3\\xa9\\"'
    """
    return _UNSAFE.sub(_escaped, value)


def _escaped(match: re.Match[bytes]) -> bytes:
    return _ESCAPES.get(match[0]) or b"\\x%02x" % match[0][0]


def format_line(
    host: str, now_ms: int, request: bytes, status: int, sent: int, fields: dict[bytes, bytes]
) -> bytes:
    """Return the log line of a request, with its newline.

    Args:
        host: the visitor's address.
        now_ms: when the request arrived, epoch milliseconds.
        request: the request line; `-` if there was none.
        status: the answer's status.
        sent: how many bytes its body had.
        fields: the request's header fields, names in lower case.
    """
    values = [
        b"-" if (value := fields.get(name)) is None else _UNSAFE.sub(_escaped, value)
        for name in LOGGED_HEADERS
    ]
    return b'%s - - [%s] "%s" %d %s "%s" %d\n' % (
        host.encode(),
        _datetime(now_ms // 1000),
        _UNSAFE.sub(_escaped, request),
        status,
        b"%d" % sent if sent else b"-",
        b'" "'.join(values),
        now_ms,
    )


@lru_cache(maxsize=8)  # one text a second
def _datetime(seconds: int) -> bytes:
    # The machine's local time and its offset from UTC, as Apache's %t. The months are English;
    # strftime's %b would depend on the machine's language.
    at = time.localtime(seconds)
    minutes = abs(at.tm_gmtoff) // 60
    return b"%02d/%b/%04d:%02d:%02d:%02d %c%02d%02d" % (
        *(at.tm_mday, _MONTHS[at.tm_mon - 1], at.tm_year, at.tm_hour, at.tm_min, at.tm_sec),
        *(b"-" if at.tm_gmtoff < 0 else b"+", minutes // 60, minutes % 60),
    )


class AccessLog:
    """The open log file. Only whole lines are written, each batch of them with one write.

    A line counts as logged once it is in a file that the agent finds: the file at the path, or a
    rotated one. The path is checked before each write: if it was renamed, deleted or replaced, it
    is opened again, and its folder is created again. After the write it is checked once more.

    Args:
        path: the file; its folder is created.
        problems: logs that the file can't be opened, or was deleted.

    Raises:
        OSError: the file can't be opened at the start.
    """

    def __init__(self, path: Path, problems: RateLimitedLog) -> None:
        self._path, self._problems = path, problems
        self._descriptor = -1
        self._file = (0, 0)  # its `_identity`
        self._torn = False
        self._open()

    def reopen(self) -> OSError | None:
        """Open the path again, after logrotate has renamed the file.

        If that fails (a full disk), lines are written to the old file as long as the agent finds
        it, and each write tries again.

        Returns:
            Why it failed, or None.
        """
        try:
            self._open()
        except OSError as error:
            self._problems.warn("open", f"The access log can't be opened again: {error}", 0)
            return error
        self._problems.over("open", "The access log is open again.")
        return None

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o644)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self._file = _identity(status)
        # A server that was killed in a write leaves half a line, which has to be ended first.
        size = status.st_size
        self._torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"

    def _is_at_path(self) -> bool:
        try:
            return _identity(self._path.stat()) == self._file
        except OSError:
            return False

    def _is_found(self) -> bool:
        # By the agent, at the path or as a rotated file, a link's target too.
        try:
            return any(_identity(status) == self._file for status in files_of(self._path).values())
        except OSError:
            return False

    def _open_if_moved(self) -> OSError | None:
        # Returns why no line may be written, or None.
        if self._is_at_path():
            return None
        is_found = self._is_found()
        if not is_found:
            self._problems.warn(
                "deleted",
                f"{self._path} was deleted, moved away or replaced: a new one is begun. The last "
                "lines of the old one are shipped only if the agent has it open.",
                0,
            )
        error = self.reopen()
        return None if is_found else error

    def write(self, lines: bytes) -> tuple[int, OSError | None]:
        """Append lines.

        Args:
            lines: whole lines.

        Returns:
            How many bytes of them are in the file, up to the end of the last whole line; and why
            not all are, or None.
        """
        failure = self._open_if_moved()
        if failure:
            return 0, failure
        data = b"\n" + lines if self._torn else lines
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            failure = error
        if written and not self._is_at_path() and not self._is_found():
            self._cut(written)
            return 0, OSError(errno.ENOENT, "it was deleted while it was written to")
        whole = data.rfind(b"\n", 0, written) + 1
        if written and written > whole:
            # Half a line would be counted as an unreadable beacon, though it is answered 503. The
            # agent has not read it yet: it reads whole lines, or 8 KB of one.
            self._torn = written - whole > LONGEST_CUT_BYTES or not self._cut(written - whole)
        elif written:
            self._torn = False
        return max(0, whole - (len(data) - len(lines))), failure

    def _cut(self, last: int) -> bool:
        try:
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - last)
        except OSError:
            return False
        return True


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
