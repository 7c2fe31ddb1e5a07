"""A disk that is really full: a file system of a few MB, or a limit on a process's files."""

import contextlib
import errno
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a file system of so many MB on a folder; skip the test where that is not allowed."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a small disk (Linux, root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Let a file take all the space that is left, to the last byte, for the length of the block."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC
    try:
        yield
    finally:
        filler.unlink()


def limit_files(pid: int, most_bytes: int | None) -> None:
    """Let no file of a process grow beyond so many bytes (Linux); None lifts the limit.

    A write that crosses the limit is cut short there, and the next fails: as at a disk's last byte.
    """
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    soft = hard if most_bytes is None else most_bytes
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
