"""The files of a log: the log itself and its rotated siblings."""

import contextlib
import os
import re
from pathlib import Path


def files_of(log: Path) -> dict[Path, os.stat_result]:
    """Return the existing log and rotated siblings, with their `stat` results.

    Siblings are named like `access.log.1` or `access.log-20261125`; compressed ones are left out.
    If the log is a symbolic link, its target is rotated in the target's folder. That folder is
    searched too, so one file may be listed under two paths.

    Args:
        log: the path that the server writes to.

    Raises:
        OSError: a folder can't be read.

    Example:
        `list(files_of(Path("access.log")))` -> `[Path("access.log"), Path("access.log.1")]`
    """
    files = {}
    for path in dict.fromkeys([log, Path(os.path.realpath(log))]):
        sibling = re.compile(re.escape(path.name) + r"(?:[.-][0-9][0-9.\-]*)?")
        with contextlib.suppress(FileNotFoundError), os.scandir(path.parent) as entries:
            for entry in entries:
                # A file that is renamed meanwhile is found next time.
                with contextlib.suppress(FileNotFoundError):
                    if sibling.fullmatch(entry.name) and entry.is_file():
                        files[path.with_name(entry.name)] = entry.stat()
    return files
