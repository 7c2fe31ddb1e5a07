"""Reads a log's complete lines in order, across rotation, truncation and restarts.

A file is identified by its inode, not its name: a renamed file is read to its end before the next
one, even if the log was rotated several times while the agent was not running. The first bytes are
saved too. They identify a file that was truncated and has grown again, an inode that was reused,
and the copy that `copytruncate` makes, which is read from the original's position.
"""

import contextlib
import os
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from access_log import MAX_LINE_BYTES
from siblings import files_of

CHUNK_BYTES = 256 * 1024
HEAD_BYTES = 256  # holds at least a line's time in milliseconds, which no two logs share
# Time until a rotated file's last line is read without a newline (the server was killed).
ABANDONED_SECONDS = 60
# A log that was deleted under its own name is read until it has not grown for so long.
QUIET_SECONDS = 600


def whole_lines(
    chunk: bytes, skipping: bool, limit: int
) -> tuple[list[tuple[int, bytes]], int, bool]:
    r"""Split a chunk into complete lines. A line over 8192 bytes is returned before its end.

    Args:
        chunk: bytes of a log.
        skipping: whether the chunk begins within a line that was returned already.
        limit: maximum number of lines.

    Returns:
        The lines (position in the chunk; bytes, at most 8193), the number of bytes consumed, and
        whether the next bytes belong to a line that was returned already.

    Example:
        >>> whole_lines(b"a\nb\nunfinished", False, 500)
        ([(0, b'a'), (2, b'b')], 4, False)
    """
    start = 0
    if skipping:
        start = chunk.find(b"\n") + 1
        if start == 0:
            return [], len(chunk), True
    lines: list[tuple[int, bytes]] = []
    while len(lines) < limit:
        end = chunk.find(b"\n", start)
        if end < 0:
            if len(chunk) - start <= MAX_LINE_BYTES:
                break
            lines.append((start, chunk[start : start + MAX_LINE_BYTES + 1]))
            return lines, len(chunk), True
        lines.append((start, chunk[start : min(end, start + MAX_LINE_BYTES + 1)]))
        start = end + 1
    return lines, start, False


@dataclass(frozen=True)
class Line:
    """A line without its newline; the first 8193 bytes if it is too long."""

    inode: int
    offset: int
    text: bytes


@dataclass
class Position:
    """The position in a file.

    Args:
        name: the inode in the beacon_id of the file's lines (a copy keeps the original's).
        offset: the next byte to read.
        head_bytes: number of the file's first bytes that `head_crc` covers.
        head_crc: their CRC-32.
        skipping: whether `offset` is within a line that was too long and was returned already.
    """

    name: int
    offset: int = 0
    head_bytes: int = 0
    head_crc: int = 0
    skipping: bool = False


class LogFile:
    """An open log file and the position in it."""

    def __init__(self, descriptor: int, position: Position | None = None) -> None:
        self.descriptor = descriptor
        self.inode = os.fstat(descriptor).st_ino
        self.position = position or Position(self.inode)
        self.at_end = False
        self.was_current = False  # it last had the log's own name
        self.is_deleted = self.is_done = False  # done: deleted, and read to its end

    def is_intact(self) -> bool:
        """Return whether the file has the same beginning, and at least the bytes that were read."""
        return os.fstat(self.descriptor).st_size >= self.position.offset and self.begins_as(
            self.position
        )

    def begins_as(self, position: Position) -> bool:
        """Return whether the file begins with the bytes of a position's `head_crc`."""
        head = os.pread(self.descriptor, position.head_bytes, 0)
        return len(head) == position.head_bytes and zlib.crc32(head) == position.head_crc

    def is_abandoned(self) -> bool:
        """Return whether the file has not been written to for a minute."""
        return time.time() - os.fstat(self.descriptor).st_mtime > ABANDONED_SECONDS

    def read(self, limit: int, is_current: bool) -> list[Line]:
        """Return up to `limit` next lines, and advance the position."""
        position = self.position
        chunk = os.pread(self.descriptor, CHUNK_BYTES, position.offset)
        parts, consumed, skipping = whole_lines(chunk, position.skipping, limit)
        self.at_end = len(chunk) < CHUNK_BYTES and len(parts) < limit
        # Checked after the read, in case the file was replaced meanwhile.
        if not self.is_intact():
            return []
        if self.at_end and not is_current and consumed < len(chunk) and self.is_abandoned():
            parts.append((consumed, chunk[consumed:]))
            consumed, skipping = len(chunk), True
        lines = [Line(position.name, position.offset + start, text) for start, text in parts]
        position.offset += consumed
        position.skipping = skipping
        if position.head_bytes < HEAD_BYTES:
            head = os.pread(self.descriptor, min(HEAD_BYTES, position.offset), 0)
            position.head_bytes, position.head_crc = len(head), zlib.crc32(head)
        return lines


def positions(saved: dict[str, Any]) -> dict[int, Position]:
    """Return the positions in a state of `Tail.state`, by inode.

    Raises:
        ValueError, TypeError, AttributeError, KeyError: the state is invalid.

    Example:
        >>> positions({"files": {"7": {"name": 7, "offset": 120}}})[7].offset
        120
    """
    return {int(inode): Position(**fields) for inode, fields in saved["files"].items()}


class Tail:
    """The log and its rotated siblings, as `siblings.files_of` finds them.

    Args:
        log: the path that the server writes to; it may be a symbolic link.
        saved: an earlier `state()`, or `{"files": {}}` to read from the beginning.
        warn: called with a sentence when a file was cut or deleted, and lines may be lost.
    """

    def __init__(
        self, log: Path, saved: dict[str, Any], warn: Callable[[str], None] = lambda _: None
    ) -> None:
        self._log, self._warn = log, warn
        self._saved = positions(saved)
        self._reached = saved.get("inode")
        self._files: dict[int, LogFile] = {}
        self._before = self.state()

    def state(self) -> dict[str, Any]:
        """Return the state with which a later Tail continues.

        `inode` is the newest file that was opened. If it is the log itself, all rotated files
        have been read to their end.
        """
        open_now = {inode: f.position for inode, f in self._files.items() if not f.is_done}
        known = self._saved | open_now
        files = {str(inode): asdict(position) for inode, position in known.items()}
        return {"inode": self._reached, "files": files}

    def state_before(self) -> dict[str, Any] | None:
        """Return the state to save before the lines of the last `read` are shipped; None if saved.

        It has the first bytes of each new file. So after an agent was killed before it saved its
        position, the lines in a copy of the file still get the same beacon_ids.
        """
        is_new = False
        for inode, file in self._files.items():
            before, head = self._before["files"].get(str(inode)), file.position.head_bytes
            if before and head and not before["head_bytes"]:
                before |= {"head_bytes": head, "head_crc": file.position.head_crc}
                is_new = True
        return self._before if is_new else None

    def read(self, limit: int) -> list[Line]:
        """Return up to `limit` lines in the order of writing; an empty list at the end.

        Raises:
            OSError: the log's folder or a file can't be read.
        """
        lines: list[Line] = []
        files = self._oldest_first()
        self._before = self.state()
        for file, is_current in files:
            if is_current:
                self._reached = file.inode
            file.at_end = False
            while not file.at_end and len(lines) < limit:
                lines += file.read(limit - len(lines), is_current)
                if not file.is_intact():
                    return lines
            if not file.at_end:
                break
        return lines

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            os.close(file.descriptor)
        self._files.clear()

    def _oldest_first(self) -> list[tuple[LogFile, bool]]:
        # Truncation first, then the folder: a copy was complete before its original was truncated.
        truncated = [file for file in self._files.values() if not file.is_intact()]
        listed = files_of(self._log)
        current = listed[self._log].st_ino if self._log in listed else None
        opened = self._open_new(listed)
        for file in opened:
            saved = self._saved.pop(file.inode, None)
            if saved is not None:
                file.position = saved
                self._files[file.inode] = file
                if not file.is_intact():
                    truncated.append(file)
        for file in truncated:
            if file.inode != current:
                # A copy of the log may have replaced an older copy: read it like a new file.
                del self._files[file.inode]
        for file in dict.fromkeys([*opened, *truncated]):
            if file.inode not in self._files:
                self._adopt(file, truncated)
        for file in truncated:
            self._begin_again(file)
        self._forget_deleted(current)
        if current is not None:
            self._forget_unmet()
        order = {stat.st_ino: stat.st_mtime_ns for stat in listed.values()}
        files = sorted(
            self._files.values(), key=lambda f: (f.inode == current, order.get(f.inode, 0))
        )
        for file in files:
            if file.inode in order:
                file.was_current = file.inode == current
        return [(file, file.inode == current) for file in files]

    def _open_new(self, listed: Iterable[Path]) -> list[LogFile]:
        opened: dict[int, LogFile] = {}
        try:
            for path in listed:
                with contextlib.suppress(FileNotFoundError):  # renamed since it was listed
                    inode = path.stat().st_ino
                    if inode not in self._files and inode not in opened:
                        file = LogFile(os.open(path, os.O_RDONLY))
                        opened[file.inode] = file
        except OSError:
            # A file that can't be read stops all reading: skipping it would lose its lines.
            for file in opened.values():
                os.close(file.descriptor)
            raise
        return list(opened.values())

    def _adopt(self, file: LogFile, truncated: list[LogFile]) -> None:
        for original in self._files.values():
            if original.position.head_bytes and file.begins_as(original.position):
                if original not in truncated:
                    # An unfinished copy of a file that is read itself.
                    os.close(file.descriptor)
                    truncated[:] = [other for other in truncated if other is not file]
                    return
                file.position = original.position
                original.position = Position(original.inode)
                break
        self._files[file.inode] = file

    def _begin_again(self, file: LogFile) -> None:
        if file.is_intact():  # a copy that continues the original, or an original that has one
            return
        self._warn(
            f"A log file was cut or replaced after it was read to byte {file.position.offset}: "
            "any lines after that byte are lost. The agent reads it from the beginning."
        )
        file.position = Position(file.inode)

    def _forget_deleted(self, current: int | None) -> None:
        # A file that was deleted under the log's own name is still read, because a server writes
        # to it until it opens the log again (httpd does so when it is reloaded).
        for inode, file in list(self._files.items()):
            status = os.fstat(file.descriptor)
            if status.st_nlink == 0 and file.was_current and not file.is_deleted:
                self._warn(
                    f"{self._log} was deleted. This agent ships further lines of the deleted file "
                    "while it runs; reload the server, so that it opens a new log."
                )
            file.is_deleted = status.st_nlink == 0
            file.is_done = file.is_deleted and file.position.offset >= status.st_size
            quiet = time.time() - status.st_mtime > QUIET_SECONDS and current is not None
            if file.is_done and (quiet or not file.was_current):
                os.close(file.descriptor)
                del self._files[inode]

    def _forget_unmet(self) -> None:
        # These logs were deleted or moved away while no agent was running.
        for position in self._saved.values():
            self._warn(
                f"A log that had been read to byte {position.offset} does not exist any more: any "
                "lines after that byte are not shipped."
            )
        self._saved.clear()
