"""The folder in which the workshop writes its files on this machine: `.workshop/`."""

import errno
import json
import os
from pathlib import Path
from typing import Any

from .errors import WorkshopError

REPOSITORY = Path(__file__).resolve().parents[2]


def home() -> Path:
    """Return the folder for state, logs and ports, creating it if needed.

    It is `.workshop/` next to `helpers/`; the environment variable `WORKSHOP_HOME` names another
    one (tests use it, to leave a learner's running target alone).

    Example:
        >>> home().is_dir()
        True
    """
    folder = Path(os.environ.get("WORKSHOP_HOME", REPOSITORY / ".workshop")).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write a JSON file atomically: a reader gets the old or the new text, never a part of it.

    Args:
        path: the file; its folder is created.
        value: anything `json.dumps` takes.

    Raises:
        WorkshopError: the disk is full.

    Example:
        >>> write_json(home() / "example.json", {"rate": 5})
        >>> read_json(home() / "example.json")
        {'rate': 5}
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise WorkshopError(
            f"The disk is full: {path} can't be written.",
            "Free some space (`make reset` deletes the workshop's files), then try again.",
        ) from None


def read_json(path: Path, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON file's content, or `default` if it is missing or not JSON.

    Example:
        >>> read_json(home() / "no-such-file.json", default={})
        {}
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return default
