"""Whether this learner has joined a class: the chosen name, and where the file is shared."""

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from helpers.core.cloud import Cloud
from helpers.core.paths import home, read_json, write_json

from .shared_buckets import SharedBuckets
from .shared_folder import SharedFolder


@dataclass(frozen=True)
class Membership:
    """A learner's place in a class.

    Args:
        key: random, so that no two learners write the same file.
        name: as the learner chose it.
        folder: the shared folder's path; empty if the learner's code bucket is used.
    """

    key: str
    name: str
    folder: str

    def place(self, cloud: Cloud) -> SharedFolder | SharedBuckets:
        """Return where the learner's file is."""
        return SharedFolder(Path(self.folder)) if self.folder else SharedBuckets(cloud)


def membership(cloud: Cloud) -> Membership | None:
    """Return the learner's place in a class, or None.

    Args:
        cloud: the account, region and prefix that joined.

    Example:
        `membership(cloud).name` -> `"Ada"`
    """
    found = read_json(_path(cloud), default={})
    try:
        return Membership(**found)
    except TypeError:  # there is none, or the file is damaged
        return None


def store(cloud: Cloud, joined: Membership) -> None:
    """Store the learner's place in a class."""
    write_json(_path(cloud), asdict(joined))


def forget(cloud: Cloud) -> None:
    """Delete the learner's place in a class."""
    _path(cloud).unlink(missing_ok=True)


def new_key() -> str:
    """Return the key of a learner's file."""
    return secrets.token_hex(6)


def _path(cloud: Cloud) -> Path:
    return home() / "class" / f"{cloud.identity}.json"
