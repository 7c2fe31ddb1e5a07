"""Zips of code. The same files always give the same bytes, so a zip's hash is its version."""

import io
import zipfile
from pathlib import Path

from .errors import WorkshopError

# The earliest time that a zip can store; the files' own times differ between clones.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def zip_folder(folder: Path | str, *more: Path) -> bytes:
    """Return a zip of all files in a folder, byte for byte the same for the same files.

    Hidden files and those that Python or an editor generates (`__pycache__`, `*.pyc`) are left out.

    Args:
        folder: its files are at the root of the zip, its sub-folders below.
        more: further folders, whose files are added at the root of the zip.

    Raises:
        WorkshopError: the first folder is missing or holds no file.

    Example:
        `zip_folder("assets/functions/process_metrics")[:2]` -> `b"PK"`
    """
    files = _files(Path(folder))
    if not files:
        raise WorkshopError(
            f"There is no code to package in {folder}.",
            "Restore it with `git checkout assets`, then run this cell again.",
        )
    for other in more:
        files |= _files(other)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            # Lambda runs as another user: every file must be readable by all.
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _files(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path for name, path in found.items() if path.is_file() and _belongs(name)}


def _belongs(name: str) -> bool:
    parts = name.split("/")
    return not (
        any(part.startswith(".") for part in parts)
        or "__pycache__" in parts
        or name.endswith((".pyc", "~"))
    )
