"""The access key of one run of the local target: only requests that carry it are answered.

The key belongs to the target, not to a process: if the emulator is killed, its successor uses the
same key, so clients continue. A later target has another key.

Only its owner can read the file `.workshop/access-key`, from its creation on. No log and no command
line contains the key; child processes get it in their environment, which only their own user can
read.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from helpers.core.errors import WorkshopError
from helpers.core.paths import home


@dataclass(frozen=True)
class AccessKey:
    """An access key, as on AWS.

    Args:
        id: its id; the emulator checks only this, see `emulator.access`.
        secret: signs requests.
    """

    id: str = field(repr=False)
    secret: str = field(repr=False)


def random_key() -> AccessKey:
    """Return a new key; its id can't be guessed, and is not an account's 12 digits.

    Example:
        >>> random_key() == random_key()
        False
    """
    return AccessKey(f"WORKSHOP{secrets.token_hex(16).upper()}", secrets.token_urlsafe(30))


def path() -> Path:
    """Return the path of the file that holds the key of the running target."""
    return home() / "access-key"


def make() -> AccessKey:
    """Create the key of a new target, and write its file."""
    key = random_key()
    draft = path().with_name(f".access-key.{os.getpid()}")
    draft.unlink(missing_ok=True)
    # O_EXCL: fails if a file or a link of that name exists, so it writes through no link.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{key.id}\n{key.secret}\n")
    draft.replace(path())
    return key


def current() -> AccessKey | None:
    """Return the key of the running target, or None if there is none.

    Raises:
        WorkshopError: the file belongs to another user, so its key can't be trusted.
    """
    try:
        with path().open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                raise WorkshopError(
                    f"{path()} belongs to another user of this machine.",
                    "Run `make reset` as the user who runs the workshop, then this cell again.",
                )
            words = file.read().split()
    except FileNotFoundError:
        return None
    return AccessKey(*words) if len(words) == 2 else None


def forget() -> None:
    """Delete the key of a target that has ended."""
    path().unlink(missing_ok=True)
