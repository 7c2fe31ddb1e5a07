"""A folder that a class shares, such as a network folder: one file for each learner.

Learners can write to it, and so can put anything there. A learner's own file is written with a new
name first, never through a link; the instructor's side opens regular files only.
"""

import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from .learner_file import LARGEST, Learner, read

MOST_FILES = 1000
_NAME = re.compile(r"learner-([0-9a-f]{12})\.json")


class SharedFolder:
    """The files of a class in a folder.

    Args:
        folder: its path; it must exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def where(self, key: str) -> str:
        """Return the path of a learner's file."""
        return str(self.folder / f"learner-{key}.json")

    def put(self, key: str, content: bytes) -> None:
        """Write a learner's file; a reader sees the old or the new one.

        Args:
            key: the learner's own, 12 hexadecimal digits.
            content: of the file.

        Raises:
            OSError: the folder is missing or read-only, or the disk is full.
        """
        # The folder is not created: it is missing when a network folder is not connected.
        descriptor, draft = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".draft")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            with suppress(OSError):  # some network folders have no permissions
                Path(draft).chmod(0o644)  # the instructor is another user
            Path(draft).replace(self.where(key))
        except BaseException:
            with suppress(OSError):
                Path(draft).unlink()
            raise

    def delete(self, key: str) -> None:
        """Delete a learner's file, if it is there.

        Raises:
            OSError: it can't be deleted.
        """
        Path(self.where(key)).unlink(missing_ok=True)

    def read_all(self) -> tuple[list[Learner], list[str]]:
        """Return the learners, and a line for each file that can't be read.

        Raises:
            OSError: the folder can't be read.
        """
        learners, broken = [], []
        names = sorted(path.name for path in self.folder.iterdir())
        names = [name for name in names if name.startswith("learner-")]
        for name in names[:MOST_FILES]:
            try:
                learners.append(self._read(name))
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                broken.append(f"{name} ({reason})")
        if len(names) > MOST_FILES:
            broken.append(f"{len(names) - MOST_FILES} more files")
        return learners, broken

    def _read(self, name: str) -> Learner:
        match = _NAME.fullmatch(name)
        if not match:
            raise ValueError("not the name of a learner's file")
        # A link could lead out of the folder, and reading a pipe could wait forever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self.folder / name, flags)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("no regular file")
            return read(match[1], file.read(LARGEST + 1))
