"""Uploads the code that the stacks run, as zips.

A stack's parameter is the S3 key of a zip, which contains the zip's hash. So unchanged code is not
uploaded again and updates no stack.
"""

import hashlib
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.code_zip import zip_folder


def upload(cloud: Cloud, name: str, folder: Path | str) -> str:
    """Zip a folder, upload the zip to the code bucket unless it is there, and return its key.

    Args:
        cloud: the target; its `extras` may add files to the zip.
        name: the beginning of the key, e.g. `"process-metrics"`.
        folder: as for `zip_folder`.

    Raises:
        NotDeployed: module 1-capture is not deployed.
        WorkshopError: the folder has no code, or an extra file can't be created.

    Example:
        `upload(cloud, "analytics", "assets/flink")` -> `"code/analytics-3f2a91c07be4.zip"`
    """
    key, body = code_zip(cloud, name, folder)
    s3, bucket = cloud.client("s3"), cloud.bucket("code")
    with explained(f"The bucket {bucket}", "1-capture"):
        if not _exists(s3, bucket, key):
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/zip")
    return key


def code_zip(cloud: Cloud, name: str, folder: Path | str) -> tuple[str, bytes]:
    """Return the key and the content of the zip that `upload` would upload.

    Args:
        cloud: the target; its `extras` may add files to the zip.
        name: the beginning of the key.
        folder: as for `zip_folder`.
    """
    extras = [cloud.extras[name]()] if name in cloud.extras else []
    body = zip_folder(folder, *extras)
    return f"code/{name}-{hashlib.sha256(body).hexdigest()[:12]}.zip", body


def _exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise
