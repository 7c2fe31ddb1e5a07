"""The files of a log: the log itself and its rotated siblings."""

import contextlib
import os
import re
from pathlib import Path


def files_of(log: Path) -> dict[Path, os.stat_result]:
    """Return the log and its rotated siblings (`access.log.1`, `access.log-20261125`; none that are
    compressed), where there are any, with what the system knows of each.

    A log that is a symbolic link is rotated beside its target: that folder is looked at as well, so
    the same file may be there under two paths.

    Args:
        log: the path under which the server writes.

    Raises:
        OSError: a folder can't be read.

    Example:
        `list(files_of(Path("access.log")))` -> `[Path("access.log"), Path("access.log.1")]`
    """
    found = {}
    for path in dict.fromkeys([log, Path(os.path.realpath(log))]):
        sibling = re.compile(re.escape(path.name) + r"(?:[.-][0-9][0-9.\-]*)?")
        with contextlib.suppress(FileNotFoundError), os.scandir(path.parent) as entries:
            for entry in entries:
                # One renamed between the listing and the look is found next time.
                with contextlib.suppress(FileNotFoundError):
                    if sibling.fullmatch(entry.name) and entry.is_file():
                        found[path.with_name(entry.name)] = entry.stat()
    return found
