"""A class in one AWS account: each learner's file is in that learner's own code bucket.

A learner's permissions end at the learner's prefix, so no learner can write another's file, and
`policy/` needs nothing more. The instructor reads one key of each code bucket
(`policy/class/instructor.json`).
"""

import re

from botocore.exceptions import BotoCoreError, ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud

from .learner_file import LARGEST, Learner, read

KEY = "class/progress.json"
_PREFIX = re.compile("[a-z][a-z0-9]{1,11}")  # as in connect()
_MISSING = ("NoSuchKey", "NoSuchBucket", "404")


class SharedBuckets:
    """The files of a class in the code buckets of an account and a region.

    Args:
        cloud: a learner's, or the instructor's, with any prefix.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def where(self, key: str) -> str:
        """Return the address of this learner's own file; `key` is not in it."""
        return f"s3://{self.cloud.bucket('code')}/{KEY}"

    def put(self, key: str, content: bytes) -> None:
        """Write this learner's file, into the code bucket of this prefix.

        Raises:
            NotDeployed: module 1, which creates the bucket, is not deployed.
            ClientError: AWS does not allow it.
        """
        bucket = self.cloud.bucket("code")
        with explained(f"The bucket {bucket}", "1-capture"):
            self.cloud.client("s3").put_object(
                Bucket=bucket, Key=KEY, Body=content, ContentType="application/json"
            )

    def delete(self, key: str) -> None:
        """Delete this learner's file, if it is there.

        Raises:
            ClientError: AWS does not allow it.
        """
        try:
            self.cloud.client("s3").delete_object(Bucket=self.cloud.bucket("code"), Key=KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise

    def read_all(self) -> tuple[list[Learner], list[str]]:
        """Return the learners, and a line for each bucket whose file can't be read.

        Raises:
            WorkshopError: AWS does not allow to list the buckets.
        """
        ending = self.cloud.bucket("code").removeprefix(self.cloud.prefix)
        with explained():
            listed = self.cloud.client("s3").list_buckets()["Buckets"]
        learners, broken = [], []
        for name in (bucket["Name"] for bucket in listed):
            prefix = name.removesuffix(ending)
            if prefix == name or not _PREFIX.fullmatch(prefix):
                continue  # the bucket of another program
            try:
                learner = self._read(name, prefix)
            except (ClientError, BotoCoreError, OSError, ValueError) as error:
                broken.append(f"{name} ({_reason(error)})")
            else:
                learners += [learner] if learner else []
        return learners, broken

    def _read(self, bucket: str, prefix: str) -> Learner | None:
        """Return the learner of a prefix; None if this one has not joined."""
        try:
            answer = self.cloud.client("s3").get_object(Bucket=bucket, Key=KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return read(prefix, answer["Body"].read(LARGEST + 1))


def _reason(error: Exception) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)
