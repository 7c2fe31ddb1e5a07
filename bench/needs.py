"""What a figure of the bench needs that this machine may lack."""

import shutil


class NeedsError(Exception):
    """A figure can't be measured here; its text is what is needed, e.g. "`ab` (Debian: ...)"."""


def program(name: str, package: str) -> str:
    """Return the path of a program.

    Args:
        name: as a shell finds it.
        package: Debian's, which has it.

    Raises:
        NeedsError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise NeedsError(f"`{name}` (Debian: {package})")
    return path
