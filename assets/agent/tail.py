"""Reads a log's whole lines in order, through rotation, truncation and restarts.

A file is known by its inode, not its name: renamed, it is read on to its end before the new one is
begun, even if several rotations took place while nobody read. The first bytes are remembered too:
they tell a truncated file that has grown again from one that has just grown, an inode that was
given out again, and the copy that `copytruncate` makes (which is read on where the original was).
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
# A rotated file's last line that never got its newline (the server was killed) waits this long.
ABANDONED_SECONDS = 60
# A log deleted under its own name is read on until it was quiet for so long.
QUIET_SECONDS = 600


def whole_lines(
    chunk: bytes, skipping: bool, limit: int
) -> tuple[list[tuple[int, bytes]], int, bool]:
    r"""Cut a chunk into whole lines. A line over 8192 bytes is handed out before it has ended.

    Args:
        chunk: bytes of a log.
        skipping: whether the chunk begins in a line that has been handed out already.
        limit: how many lines are wanted at most.

    Returns:
        The lines (where each begins in the chunk; its bytes, at most 8193), how many of the
        chunk's bytes are done with, and whether what follows belongs to a line handed out.

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
    """A line, without its newline; of one that is too long, the first 8193 bytes."""

    inode: int
    offset: int
    text: bytes


@dataclass
class Position:
    """How far a file has been read.

    Args:
        name: the inode that names the file's lines (a copy keeps the original's).
        offset: where reading goes on, in bytes.
        head_bytes: how many of the file's first bytes `head_crc` covers.
        head_crc: their CRC-32.
        skipping: whether `offset` lies in a line that was too long and has been handed out.
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
        self.was_current = False  # under the log's own name when it was last seen
        self.is_deleted = self.is_done = False  # done: deleted, and read to its end

    def is_intact(self) -> bool:
        """Return whether the file still begins as it did and reaches as far as it was read."""
        return os.fstat(self.descriptor).st_size >= self.position.offset and self.begins_as(
            self.position
        )

    def begins_as(self, position: Position) -> bool:
        """Return whether the file begins with the bytes that another position remembers."""
        head = os.pread(self.descriptor, position.head_bytes, 0)
        return len(head) == position.head_bytes and zlib.crc32(head) == position.head_crc

    def is_abandoned(self) -> bool:
        """Return whether nobody has written to the file for a while."""
        return time.time() - os.fstat(self.descriptor).st_mtime > ABANDONED_SECONDS

    def read(self, limit: int, is_current: bool) -> list[Line]:
        """Return up to `limit` lines that follow, and move on behind them."""
        position = self.position
        chunk = os.pread(self.descriptor, CHUNK_BYTES, position.offset)
        found, consumed, skipping = whole_lines(chunk, position.skipping, limit)
        self.at_end = len(chunk) < CHUNK_BYTES and len(found) < limit
        # Looked at after the bytes were read: they were this file's, not those of one that took
        # its place in between.
        if not self.is_intact():
            return []
        if self.at_end and not is_current and consumed < len(chunk) and self.is_abandoned():
            found.append((consumed, chunk[consumed:]))
            consumed, skipping = len(chunk), True
        lines = [Line(position.name, position.offset + start, text) for start, text in found]
        position.offset += consumed
        position.skipping = skipping
        if position.head_bytes < HEAD_BYTES:
            head = os.pread(self.descriptor, min(HEAD_BYTES, position.offset), 0)
            position.head_bytes, position.head_crc = len(head), zlib.crc32(head)
        return lines


def positions(saved: dict[str, Any]) -> dict[int, Position]:
    """Return the positions by inode of what `Tail.state` returned.

    Raises:
        ValueError, TypeError, AttributeError, KeyError: it is something else.

    Example:
        >>> positions({"files": {"7": {"name": 7, "offset": 120}}})[7].offset
        120
    """
    return {int(inode): Position(**fields) for inode, fields in saved["files"].items()}


class Tail:
    """The log and its rotated siblings, as `siblings.files_of` finds them.

    Args:
        log: the path under which the server writes; it may be a symbolic link.
        saved: what `state()` returned before, or `{"files": {}}`: everything there is, is read.
        warn: is given a sentence when a file was cut or deleted, and lines may be gone.
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
        """Return what a later Tail needs to go on from here.

        `inode` is the newest file begun: when it is the log's own, every rotated file has been
        read to its end.
        """
        open_now = {inode: f.position for inode, f in self._files.items() if not f.is_done}
        known = self._saved | open_now
        files = {str(inode): asdict(position) for inode, position in known.items()}
        return {"inode": self._reached, "files": files}

    def state_before(self) -> dict[str, Any] | None:
        """Return what to save before the lines of the last `read` are shipped; None if nothing new.

        A file is begun in this state, and known by its first bytes: an agent that is killed before
        it saves how far it came still gives the lines of a copy of it the names that they have.
        """
        is_new = False
        for inode, file in self._files.items():
            before, head = self._before["files"].get(str(inode)), file.position.head_bytes
            if before and head and not before["head_bytes"]:
                before |= {"head_bytes": head, "head_crc": file.position.head_crc}
                is_new = True
        return self._before if is_new else None

    def read(self, limit: int) -> list[Line]:
        """Return up to `limit` lines in the order they were written; an empty list at the end.

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
                # Perhaps a copy of the log was put over an older copy: it is as good as new.
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
            # One that can't be read stops all: to pass over it would lose its lines in silence.
            for file in opened.values():
                os.close(file.descriptor)
            raise
        return list(opened.values())

    def _adopt(self, file: LogFile, truncated: list[LogFile]) -> None:
        for original in self._files.values():
            if original.position.head_bytes and file.begins_as(original.position):
                if original not in truncated:
                    # A copy being made, of a file that is being read itself.
                    os.close(file.descriptor)
                    truncated[:] = [other for other in truncated if other is not file]
                    return
                file.position = original.position
                original.position = Position(original.inode)
                break
        self._files[file.inode] = file

    def _begin_again(self, file: LogFile) -> None:
        if file.is_intact():  # a copy that is read on in its place, or an original that has one
            return
        self._warn(
            f"A log file was cut or replaced when it had been read to byte {file.position.offset}: "
            "what stood behind that is gone. It is read from its beginning."
        )
        file.position = Position(file.inode)

    def _forget_deleted(self, current: int | None) -> None:
        # A file deleted under the log's own name is read on: a server that has not opened the log
        # again (httpd does not before its reload) still writes into it.
        for inode, file in list(self._files.items()):
            status = os.fstat(file.descriptor)
            if status.st_nlink == 0 and file.was_current and not file.is_deleted:
                self._warn(
                    f"{self._log} was deleted. What is written into it is shipped while this agent "
                    "runs; a server that goes on writing into it must be reloaded."
                )
            file.is_deleted = status.st_nlink == 0
            file.is_done = file.is_deleted and file.position.offset >= status.st_size
            quiet = time.time() - status.st_mtime > QUIET_SECONDS and current is not None
            if file.is_done and (quiet or not file.was_current):
                os.close(file.descriptor)
                del self._files[inode]

    def _forget_unmet(self) -> None:
        # Of what was read before the start: it was deleted or moved away while no agent ran.
        for position in self._saved.values():
            self._warn(
                f"A log that had been read to byte {position.offset} is not there any more: what "
                "it held behind that, if anything, is not shipped."
            )
        self._saved.clear()
