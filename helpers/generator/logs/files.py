"""The files of access logs: one, a folder or a pattern of them; plain or compressed."""

import bz2
import glob
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from helpers.core.errors import WorkshopError

from ..beacon import Beacon
from .beacons import beacon_of
from .formats import recognise
from .sources import own_host

LONGEST_LINE = 1 << 20  # bytes; the rest of a longer line is skipped
RECOGNISED_BY = 200  # lines
OWN_SITE_BY = 5_000  # lines: not each of them has a referrer
MOST_BLANK = 1_000_000  # a small compressed file may begin with gigabytes of blank lines
_DAMAGES = (EOFError, OSError, zlib.error)


def _gzip(raw: IO[bytes]) -> io.BufferedIOBase:
    return gzip.GzipFile(fileobj=raw)


def _zstandard(raw: IO[bytes]) -> io.BufferedIOBase:
    import zstandard

    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return io.BufferedReader(_ZstandardFile(reader))


class _ZstandardFile(io.RawIOBase):
    """A stream of zstandard whose damage is an OSError, as that of the other kinds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        import zstandard

        try:
            piece = self._stream.read(len(buffer))
        except zstandard.ZstdError as error:
            raise OSError(str(error)) from None
        buffer[: len(piece)] = piece
        return len(piece)


# The first bytes of a compressed file, whatever its name is.
_KINDS: dict[bytes, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": bz2.BZ2File,
    b"\x28\xb5\x2f\xfd": _zstandard,
}


class LogFile:
    """A log file, plain or compressed, read line by line.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._raw: IO[bytes] = path.open("rb")
        self._size = max(1, path.stat().st_size)
        begins = self._raw.read(4)
        self._raw.seek(0)
        openers = [opener for magic, opener in _KINDS.items() if begins.startswith(magic)]
        self._file = openers[0](self._raw) if openers else self._raw
        self.problem: str | None = None

    @property
    def progress(self) -> float:
        """The share of the file that has been read, 0 to 1."""
        return 1.0 if self._raw.closed else min(1.0, self._raw.tell() / self._size)

    def lines(self) -> Iterator[bytes | None]:
        """Yield each line that is not blank, without its line break, at most its first megabyte.

        A blank line, and each further megabyte of a longer line, yields None: a small compressed
        file may contain hours of those, and the caller must be able to stop between them.

        A damaged file ends where the damage begins; `problem` then contains the reason.
        """
        at_line_start = True
        try:
            while piece := self._file.readline(LONGEST_LINE):
                line = piece.rstrip(b"\r\n") if at_line_start else b""
                yield line if line.strip() else None
                at_line_start = piece.endswith(b"\n")
        except _DAMAGES as error:
            self.problem = f"The log can't be read to its end: {error}."

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


class Log:
    """A log file of a known format.

    Args:
        path: the file.

    Raises:
        WorkshopError: the file can't be read, or is in no known format.

    Attributes:
        name: the format's name.
        begins: the time of its first request, epoch seconds.
        requests, skipped: how many lines were read, and how many of others were left out.
        first_skipped: the first line that was left out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            first = _first_lines(path, RECOGNISED_BY)
        except OSError as error:
            raise WorkshopError(
                f"{path} can't be read: {error.strerror}.", "Give the path of an access log."
            ) from None
        self._format, self.name = recognise(first, path.name)
        reader = self._format.reader()
        times = [request.time for line in first if (request := reader(line)) and request.time]
        self.begins = min(times)
        self.requests = self.skipped = 0
        self.first_skipped: bytes | None = None
        self.file: LogFile | None = None

    def beacons(self) -> Iterator[tuple[Beacon, float | None] | None]:
        """Yield each request's beacon and time (epoch seconds); None for a line without one."""
        reader = self._format.reader()
        own = own_host(filter(None, map(reader, _first_lines(self.path, OWN_SITE_BY))))
        self.file, reader = LogFile(self.path), self._format.reader()
        for line in self.file.lines():
            request = reader(line) if line is not None else None
            if line is None or request is None:
                self._note_skipped(line)
                yield None
                continue
            self.requests += 1
            beacon = beacon_of(request, own)
            if len(line) >= LONGEST_LINE:
                beacon.altered.append(f"line: cut to {LONGEST_LINE:,} bytes")
            yield beacon, request.time
        self.file.close()

    def _note_skipped(self, line: bytes | None) -> None:
        if line is not None and not line.startswith(b"#"):
            self.skipped += 1
            self.first_skipped = line if self.first_skipped is None else self.first_skipped


def _first_lines(path: Path, number: int) -> list[bytes]:
    """Return so many lines that are not blank, of the file's first megabyte."""
    file, found, size = LogFile(path), [], 0
    for line in islice(file.lines(), MOST_BLANK):
        if line:
            found.append(line)
            size += len(line)
        if len(found) == number or size > LONGEST_LINE:
            break
    file.close()
    return found


def find_logs(path: str | Path) -> list[Log]:
    """Return the logs of a file, a folder, or a pattern like `logs/access.log*`, by their time.

    Of a folder or a pattern, files that are no access logs are left out, as is one that is empty.

    Raises:
        WorkshopError: nothing is there, a file can't be read, or none is in a known format.

    Example:
        `find_logs("/var/log/nginx/access.log*")`
    """
    place = Path(path).expanduser().absolute()
    if not place.is_dir() and (place.exists() or not glob.has_magic(str(place))):
        return [Log(place)]
    if place.is_dir():
        found = place.rglob("*")
    else:
        found = Path(place.anchor).glob(str(place.relative_to(place.anchor)))
    files = sorted(file for file in found if file.is_file() and file.stat().st_size)
    if not files:
        raise WorkshopError(f"There is no file in {place}.", "Give the path of an access log.")
    logs, refused = [], []
    for file in files:
        try:
            logs.append(Log(file))
        except WorkshopError as error:
            refused.append(error)
    if not logs:
        raise refused[0]
    return sorted(logs, key=lambda log: log.begins)
