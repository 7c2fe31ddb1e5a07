"""Uploads the zips of code that the stacks name.

A stack names the zip it runs by a key that holds the zip's hash. Code that did not change is not
uploaded again and updates no stack; code that changed has another key, and does.
"""

import hashlib
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.code_zip import zip_folder


def upload(cloud: Cloud, name: str, folder: Path | str) -> str:
    """Package a folder, put the zip into the code bucket unless it is there, and return its key.

    Args:
        cloud: where to; its `extras` may add to the zip.
        name: what the key begins with, e.g. `"process-metrics"`.
        folder: as for `zip_folder`.

    Raises:
        NotDeployed: module 1-capture is not deployed.
        WorkshopError: no code to package, or an extra that can't be had.

    Example:
        `upload(cloud, "analytics", "assets/flink")` -> `"code/analytics-3f2a91c07be4.zip"`
    """
    more = [cloud.extras[name]()] if name in cloud.extras else []
    body = zip_folder(folder, *more)
    key = f"code/{name}-{hashlib.sha256(body).hexdigest()[:12]}.zip"
    s3, bucket = cloud.client("s3"), cloud.bucket("code")
    with explained(f"The bucket {bucket}", "1-capture"):
        if not _is_there(s3, bucket, key):
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/zip")
    return key


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise
