"""Downloads access logs from S3, where AWS's load balancers and CloudFront put them."""

import shutil
from pathlib import Path
from typing import Any

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import waiting
from helpers.generator.settings import folder

SCHEME = "s3://"


def is_s3(path: str | Path) -> bool:
    """Return whether a path is an address in S3."""
    return str(path).startswith(SCHEME)


def download(cloud: Cloud, url: str) -> Path:
    """Download an object, or all objects below a prefix; return the folder where they are.

    The former download is deleted.

    Args:
        cloud: whose credentials are used.
        url: e.g. `s3://my-logs/AWSLogs/123456789012/elasticloadbalancing/`.

    Raises:
        WorkshopError: there is no such object, or it may not be read.

    Example:
        `download(cloud, "s3://my-logs/cloudfront/")`
    """
    bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
    place = folder() / "downloads"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    s3 = cloud.client("s3")
    with explained(), waiting(f"Downloading {url}"):
        keys = _keys(s3, bucket, prefix)
        for number, key in enumerate(keys):
            # An object's key may be no file's name: only its last part is kept, after a number.
            s3.download_file(bucket, key, str(place / f"{number}-{Path(key).name}"))
    if not keys:
        raise WorkshopError(f"There is no object at {url}.", "Give the address of access logs.")
    return place


def _keys(s3: Any, bucket: str, prefix: str) -> list[str]:  # noqa: ANN401 - a boto3 client
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    try:
        return [each["Key"] for page in pages for each in page.get("Contents", ()) if each["Size"]]
    except s3.exceptions.NoSuchBucket:
        return []
