"""Zips of code: the same files always give the same bytes, so a zip's hash is its version.

A stack names the zip it runs by a key that holds this hash. Code that did not change is not
uploaded again and updates no stack; code that changed has another key, and does.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from helpers.aws_errors import explained
from helpers.cloud import Cloud
from helpers.errors import WorkshopError

# The earliest time a zip can hold; the files' own times differ from clone to clone.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def package(folder: Path | str, *more: Path) -> bytes:
    """Return a zip of all files in a folder, byte for byte the same for the same files.

    Hidden files and what Python or an editor leaves behind (`__pycache__`, `*.pyc`) stay out.

    Args:
        folder: its files are at the root of the zip, its sub-folders below.
        more: further folders, whose files stand beside them.

    Raises:
        WorkshopError: the first folder is missing or holds no file.

    Example:
        `package("assets/lambda/process_metrics")[:2]` -> `b"PK"`
    """
    files = _files(Path(folder))
    if not files:
        raise WorkshopError(
            f"There is no code to package in {folder}.",
            "Get the file back with `git checkout assets`, then run this cell again.",
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


def upload(cloud: Cloud, name: str, folder: Path | str) -> str:
    """Package a folder, put the zip into the code bucket unless it is there, and return its key.

    Args:
        cloud: where to; its `extras` may add to the zip.
        name: what the key begins with, e.g. `"process-metrics"`.
        folder: as for `package`.

    Raises:
        NotDeployed: module 1-capture is not deployed.
        WorkshopError: no code to package, or an extra that can't be had.

    Example:
        `upload(cloud, "analytics", "assets/flink")` -> `"code/analytics-3f2a91c07be4.zip"`
    """
    more = [cloud.extras[name]()] if name in cloud.extras else []
    body = package(folder, *more)
    key = f"code/{name}-{hashlib.sha256(body).hexdigest()[:12]}.zip"
    s3, bucket = cloud.client("s3"), cloud.bucket("code")
    with explained(f"The bucket {bucket}", "1-capture"):
        if not _is_there(s3, bucket, key):
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/zip")
    return key


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


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise
