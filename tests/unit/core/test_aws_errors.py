"""Errors that botocore raises, from AWS's responses, from files and from the network."""

import hashlib
import json
import os
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from helpers.core.aws_errors import explained, remedy_for
from helpers.core.errors import (
    NotDeployed,
    NotSignedIn,
    TargetStopped,
    TemporaryFailure,
    WorkshopError,
)
from helpers.core.paths import REPOSITORY

DENIED = "User: arn:aws:sts::111122223333:assumed-role/L/a is not authorized to perform: "
# service, operation, parameters, AWS's code and message -> words of the cause, of the remedy
ANSWERS = [
    ("sts", "get_caller_identity", {}, "ExpiredToken", "The security token included in the "
     "request is expired", "credentials have expired", "Get new ones"),
    ("kinesis", "list_streams", {}, "ExpiredTokenException", "expired", "have expired", "new ones"),
    ("sts", "get_caller_identity", {}, "InvalidClientTokenId", "The security token included in "
     "the request is invalid.", "refused the credentials", "not enabled"),
    ("dynamodb", "list_tables", {}, "UnrecognizedClientException", "invalid",
     "refused the credentials", "Get new ones"),
    ("s3", "list_buckets", {}, "RequestTimeTooSkewed", "The difference between the request time "
     "and the current time is too large.", "clock is wrong", "timedatectl"),
    ("sts", "get_caller_identity", {}, "SignatureDoesNotMatch", "Signature expired: 20261125T0000Z"
     " is now earlier than 20261125T1145Z", "clock is wrong", "Set the clock"),
    ("sts", "get_caller_identity", {}, "SignatureDoesNotMatch", "The request signature we "
     "calculated does not match", "refused the credentials", "Get new ones"),
    ("kinesis", "list_streams", {}, "AccessDeniedException", DENIED + "kinesis:ListStreams because"
     " no identity-based policy allows the action", "not allow kinesis:ListStreams.",
     "policy/"),
    ("cloudformation", "describe_stacks", {}, "AccessDenied", DENIED + "cloudformation:DescribeSta"
     "cks on resource: arn:aws:cloudformation:us-east-1:1:stack/x/* with an explicit deny in a "
     "service control policy", "stack/x/*", "A policy of the organisation"),
    ("s3", "head_object", {"Bucket": "b", "Key": "k"}, "403", "Forbidden",
     "the call HeadObject", "administrator"),
    ("ec2", "describe_vpcs", {}, "UnauthorizedOperation", "You are not authorized to perform this "
     "operation. " + DENIED + "ec2:DescribeVpcs. Encoded authorization failure message: " + "x" *
     800, "not allow ec2:DescribeVpcs.", "administrator"),
    ("kinesis", "create_stream", {"StreamName": "x"}, "LimitExceededException", "This request "
     "would exceed the shard limit for the account", "limit of this AWS account", "Service Quotas"),
    ("kinesis", "list_streams", {}, "LimitExceededException", "Rate exceeded for account 1",
     "throttling requests", "Wait a minute"),
    ("lambda", "list_functions", {}, "TooManyRequestsException", "Rate Exceeded.",
     "throttling requests", "Wait a minute"),
    ("ec2", "describe_vpcs", {}, "VpcLimitExceeded", "The maximum number of VPCs has been reached.",
     "limit of this AWS account", "Service Quotas"),
    ("sns", "list_topics", {}, "ServiceQuotaExceededException", "Too many", "limit of", "Quotas"),
    ("s3", "create_bucket", {"Bucket": "b"}, "TooManyBuckets", "Too many", "limit of", "Quotas"),
    ("s3", "create_bucket", {"Bucket": "b"}, "BucketAlreadyExists", "The requested bucket name is "
     "not available.", "Another AWS account owns", 'connect("aws", prefix='),
    ("iam", "list_roles", {}, "EntityAlreadyExists", "Role with name rwa-x already exists.",
     "already exists", "destroy(cloud)"),
    ("athena", "list_work_groups", {}, "OptInRequired", "not subscribed",
     "can't use that service yet", "sign-up"),
]  # fmt: skip


def two_lines(error: pytest.ExceptionInfo) -> tuple[str, str]:
    cause, remedy = str(error.value).split("\n")  # exactly two
    assert remedy.startswith("→ ") and len(cause) < 420
    return cause, remedy


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: f"{case[0]}-{case[3]}-{case[4][:12]}")
def test_an_error_of_aws_is_explained_in_two_lines(case):
    service, operation, parameters, code, message, cause, remedy = case
    client = boto3.client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    stub.add_client_error(operation, code, message, expected_params=parameters)
    with stub, pytest.raises(WorkshopError) as error, explained():
        getattr(client, operation)(**parameters)
    shown = two_lines(error)
    assert cause in shown[0] and remedy in shown[1]


def test_an_error_without_a_known_remedy_is_raised_unchanged():
    client = boto3.client("sqs", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    stub.add_client_error("list_queues", "InvalidAddress", "oops")
    with stub, pytest.raises(ClientError, match="oops"), explained():
        client.list_queues()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredToken", NotSignedIn),
        ("InvalidClientTokenId", NotSignedIn),
        ("AccessDenied", WorkshopError),
        ("Throttling", TemporaryFailure),
        ("InternalFailure", TemporaryFailure),
        ("NoSuchKey", TemporaryFailure),
        ("NoSuchBucket", NotDeployed),
        ("QueueDoesNotExist", NotDeployed),
        ("ResourceNotFoundException", NotDeployed),
    ],
)
def test_the_code_of_aws_determines_the_class_of_the_error(code, kind):
    answer = ClientError({"Error": {"Code": code, "Message": "m"}}, "GetObject")
    with pytest.raises(WorkshopError) as error, explained("The bucket b", "1-capture"):
        raise answer
    assert type(error.value) is kind
    if kind is NotDeployed:
        assert two_lines(error) == (
            "The bucket b does not exist (yet): module 1-capture is not deployed.",
            '→ Run `deploy(cloud, "1-capture")` first.',
        )


def test_not_deployed_is_raised_only_for_a_named_resource():
    answer = ClientError({"Error": {"Code": "NoSuchBucket", "Message": "m"}}, "GetObject")
    with pytest.raises(ClientError), explained():
        raise answer


@pytest.mark.parametrize("fault", ["no network", "no certificate"])
def test_a_connection_error_is_explained(fault, emulator):
    endpoint, cause, kind = {
        "no network": ("http://127.0.0.1:9", "The cloud does not answer", TargetStopped),
        "no certificate": (
            emulator.endpoint.replace("http:", "https:"),
            "could not be verified",
            WorkshopError,
        ),
    }[fault]
    once = Config(retries={"total_max_attempts": 1})
    client = emulator.session.client("sts", endpoint_url=endpoint, config=once)
    with pytest.raises(WorkshopError) as error, explained():
        client.get_caller_identity()
    assert cause in two_lines(error)[0] and type(error.value) is kind


SSO = "sso_account_id=111122223333\nsso_role_name=L\nregion=us-east-1\n"
START = "https://example.awsapps.com/start"
LEGACY = f"[default]\nsso_start_url={START}\nsso_region=us-east-1\n{SSO}"
SESSION = (
    f"[default]\nsso_session=school\n{SSO}"
    f"[sso-session school]\nsso_start_url={START}\nsso_region=us-east-1\n"
)
EXPIRED = {"startUrl": START, "accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z"}
WHO = "from helpers.connection.aws_sign_in import *\nwith explained():\n"
WHO += "    boto3.Session().client('sts', "
WHO += "region_name='us-east-1').get_caller_identity()"
# ~/.aws/config, the SSO token in the cache if any -> words of the cause, of the remedy
FILES = {
    "never signed in": (LEGACY, None, "no longer signed in", "aws sso login"),
    "never signed in, by session": (SESSION, None, "no longer signed in", "aws sso login"),
    "expired": (LEGACY, EXPIRED, "no longer signed in", "aws sso login"),
    "expired, by session": (SESSION, EXPIRED, "no longer signed in", "aws sso login"),
    "no such session": (f"[default]\nsso_session=gone\n{SSO}", None, "is invalid", "Correct"),
    "half a key": ("[default]\naws_access_key_id=x\n", None, "No AWS credentials", "Correct"),
    "no file that parses": ("[default\n", None, "is invalid", "Correct"),
    "a program that fails": ("[default]\ncredential_process=/bin/false\n", None, "be fetched",
                             "Get new ones"),
    "nothing": ("", None, "No AWS credentials", "sign in"),
    "no such profile": ("AWS_PROFILE", None, "profile (AWS) could not be found", "AWS_PROFILE"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_missing_or_invalid_credentials_are_explained(name, tmp_path):
    config, token, cause, remedy = FILES[name]
    (tmp_path / "config").write_text("" if config == "AWS_PROFILE" else config)
    if token:
        cache = tmp_path / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True)
        for key in (START, "school"):
            (cache / f"{hashlib.sha1(key.encode()).hexdigest()}.json").write_text(json.dumps(token))
    # A separate process: botocore sets the folder of its cache when it is imported.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if config == "AWS_PROFILE":
        environment["AWS_PROFILE"] = "AWS"
    ended = subprocess.run(
        [sys.executable, "-c", WHO], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    shown = ended.stderr.strip().split("\n")[-2:]
    assert "helpers.core.errors." in shown[0] and cause in shown[0], ended.stderr
    assert remedy in shown[1]


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("The requested bucket name is not available.", "another prefix"),
        ("rwa-clicks already exists", "destroy(cloud)"),
        (DENIED + "iam:CreateRole", "administrator"),
        (DENIED + "iam:CreateRole with an explicit deny in an SCP", "A policy of the organisation"),
        ("The maximum number of VPCs has been reached.", "Service Quotas"),
        ("You have requested more vCPU capacity than your current vCPU limit", "Service Quotas"),
        ("Value must be an integer", "Correct that"),
    ],
)
def test_cloudformations_reason_determines_the_remedy(reason, remedy):
    assert remedy in remedy_for(reason)
