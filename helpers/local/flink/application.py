"""A Flink application as the emulator describes it, and its code."""

import io
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.flink.groups import Groups, property_groups

LOG_STREAM = re.compile(r":log-group:(.+):log-stream:(.+)")


@dataclass(frozen=True)
class Application:
    """A Flink application as DescribeApplication reports it.

    Args:
        name: its name, e.g. `rwa-analytics`.
        status: e.g. `READY` (stopped) or `RUNNING`.
        version: a number that grows with each update of code or properties.
        created: when it was created, epoch seconds: another one of the same name differs in it.
        bucket, key: where its zip is in S3.
        groups: its property groups by their names.
        log: the log group and the log stream of its log in CloudWatch; None if it has none.
    """

    name: str
    status: str
    version: int
    created: float
    bucket: str
    key: str
    groups: Groups
    log: tuple[str, str] | None = None

    def stream(self, group: str) -> str:
        """Return the name of the stream of a property group, `clicks` or `metrics`.

        Raises:
            KeyError: there is no such group, or it has no `stream.arn`.
        """
        return self.groups[group]["stream.arn"].rsplit("/", 1)[1]


def applications(client: Any) -> dict[str, Application]:  # noqa: ANN401 - a boto3 client
    """Return all Flink applications by their names."""
    by_name: dict[str, Application] = {}
    for page in client.get_paginator("list_applications").paginate():
        for summary in page["ApplicationSummaries"]:
            name = summary["ApplicationName"]
            try:
                detail = client.describe_application(ApplicationName=name)["ApplicationDetail"]
            except client.exceptions.ResourceNotFoundException:
                continue  # deleted since it was listed
            if application := _parse(detail):
                by_name[name] = application
    return by_name


def _parse(detail: dict) -> Application | None:
    configuration = detail.get("ApplicationConfigurationDescription", {})
    code = configuration.get("ApplicationCodeConfigurationDescription", {})
    location = code.get("CodeContentDescription", {}).get("S3ApplicationCodeLocationDescription")
    if location is None:
        return None  # its code is not in S3: not one of the workshop's
    return Application(
        name=detail["ApplicationName"],
        status=detail["ApplicationStatus"],
        version=detail["ApplicationVersionId"],
        created=detail["CreateTimestamp"].timestamp(),
        bucket=location["BucketARN"].rsplit(":", 1)[1],
        key=location["FileKey"],
        groups=property_groups(detail),
        log=_log(detail),
    )


def _log(detail: dict) -> tuple[str, str] | None:
    for option in detail.get("CloudWatchLoggingOptionDescriptions", []):
        if found := LOG_STREAM.search(option["LogStreamARN"]):
            return found[1], found[2]
    return None


def unpack_code(s3: Any, application: Application, folder: Path) -> None:  # noqa: ANN401
    """Download an application's zip and unpack it.

    Args:
        s3: the boto3 client of S3.
        application: the application.
        folder: is replaced by the zip's contents.

    Raises:
        botocore.exceptions.ClientError: the bucket or the zip does not exist.
        zipfile.BadZipFile: the file is not a zip.
    """
    body = s3.get_object(Bucket=application.bucket, Key=application.key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        shutil.rmtree(folder, ignore_errors=True)
        archive.extractall(folder)
