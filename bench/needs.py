"""Programs and packages that a figure of the bench needs, and that may be missing here."""

import shutil
import subprocess
from typing import Any


class NeedsError(Exception):
    """A figure can't be measured here; the message is what is missing, e.g. "`ab` (Debian: …)"."""


def program(name: str, package: str) -> str:
    """Return the path of a program.

    Args:
        name: its command.
        package: the Debian package that has it.

    Raises:
        NeedsError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise NeedsError(f"`{name}` (Debian: {package})")
    return path


def output(command: list[str], **options: Any) -> str:  # noqa: ANN401 - of subprocess.run
    """Run a command and return its standard output.

    Args:
        command: the program and its arguments.
        options: further arguments of `subprocess.run`.

    Raises:
        RuntimeError: the command failed; the message is the last line of its error output.
    """
    ended = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", **options
    )
    if ended.returncode:
        raise RuntimeError((ended.stderr.strip() or ended.stdout.strip()).rpartition("\n")[2])
    return ended.stdout
