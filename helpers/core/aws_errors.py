"""Translates what boto3 raises when AWS can't be reached, or refuses, into a `WorkshopError`.

No other module does; `explained` is what the other helpers call.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as aws
from botocore.exceptions import ClientError

from .errors import NotDeployed, NotSignedIn, TargetStopped, TemporaryFailure, WorkshopError

_CONNECT = 'Run `cloud = connect("local")` again, or sign in to AWS and `cloud = connect("aws")`.'
_SSO = "Run `aws sso login` in a terminal (with your `--profile`), then this cell again."
_NEW_KEYS = (
    "Get new ones (`aws sso login`, `aws configure`, or your class's page), restart the kernel, "
    'then `connect("aws")`.'
)
_CONFIGURE = "Correct ~/.aws/config (`aws configure` writes it), or %env AWS_PROFILE; run it again."
_ADMINISTRATOR = (
    "Ask the account's administrator for it (the folder policy/ lists all that the workshop "
    "needs), then run this cell again."
)
_ORGANISATION = (
    "A policy above this role forbids it: ask who made that policy, or use another account."
)
_QUOTA = (
    "Delete what you no longer need there, or ask for more in AWS's Service Quotas console, "
    "then run this cell again."
)
_CLOCK = "Set the clock (Linux: `sudo timedatectl set-ntp true`), then run this cell again."
_THROTTLED, _WAIT = "AWS is throttling requests", "Wait a minute, then run this cell again."
_OTHER_PREFIX = 'Choose another prefix, e.g. `connect("aws", prefix="rwa2")`, and begin again.'

# Errors by the type that botocore raises before or instead of an answer: the first that fits.
_TYPES = [
    (aws.NoCredentialsError, NotSignedIn, "No AWS credentials were found", _CONNECT),
    (aws.PartialCredentialsError, NotSignedIn, "No AWS credentials were found", _CONFIGURE),
    ((aws.SSOError, aws.TokenRetrievalError, aws.NoAuthTokenError), NotSignedIn,
     "You are not signed in to AWS any more", _SSO),
    (aws.LoginError, NotSignedIn, "You are not signed in to AWS any more",
     "Run `aws login` in a terminal, then this cell again."),
    (aws.CredentialRetrievalError, NotSignedIn, "The AWS credentials could not be fetched",
     _NEW_KEYS),
    ((aws.ProfileNotFound, aws.ConfigNotFound, aws.ConfigParseError, aws.InvalidConfigError),
     WorkshopError, "Your AWS configuration can't be used", _CONFIGURE),
    (aws.MissingDependencyException, WorkshopError, "Your way to sign in needs a package",
     "Install it (`%pip install 'botocore[crt]'`), restart the kernel, then run this cell again."),
    (aws.NoRegionError, WorkshopError, "No AWS region is set",
     "Run `%env AWS_DEFAULT_REGION=us-east-1` (or another region), then this cell again."),
    (aws.SSLError, WorkshopError, "The connection to AWS can't be trusted",
     "Behind a company's proxy, %env AWS_CA_BUNDLE to its certificates; then run it again."),
    ((aws.ConnectionError, aws.HTTPClientError), TargetStopped, "The cloud does not answer",
     _CONNECT),
]  # fmt: skip

# Errors by the code in AWS's answer. One thing has a code of its own in almost every service.
_CODES = [
    ({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}, NotSignedIn,
     "Your AWS credentials have expired", _NEW_KEYS),
    ({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}, WorkshopError,
     "This machine's clock is wrong", _CLOCK),
    ({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
      "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure",
      "IncompleteSignature", "MissingAuthenticationToken"}, NotSignedIn,
     "AWS refused the credentials", _NEW_KEYS[:-1] + " (a region you never enabled says so too)."),
    ({"OptInRequired", "SubscriptionRequiredException"}, WorkshopError,
     "This AWS account can't use that service yet",
     "Finish the account's sign-up in the AWS console (a payment method), then run this again."),
    ({"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
      "TooManyRequestsException", "SlowDown", "ProvisionedThroughputExceededException"},
     TemporaryFailure, _THROTTLED, _WAIT),
    ({"InternalError", "InternalFailure", "InternalServerError", "InternalServiceError",
      "ServiceUnavailable"}, TemporaryFailure, "AWS had an internal error", _WAIT),
    ({"BucketAlreadyExists"}, WorkshopError, "Another AWS account owns a bucket of this name",
     _OTHER_PREFIX),
    ({"BucketAlreadyOwnedByYou", "EntityAlreadyExists", "AlreadyExistsException",
      "ResourceAlreadyExistsException", "ResourceConflictException", "QueueAlreadyExists"},
     WorkshopError, "Something of this name exists already",
     "If it is an earlier run's, run `destroy(cloud)`; else " + _OTHER_PREFIX[0].lower()
     + _OTHER_PREFIX[1:]),
]  # fmt: skip
# Codes that are told from a learner's mistake only where it is known what is read.
_MISSING = {"ResourceNotFoundException", "ResourceNotFound", "NoSuchBucket", "ParameterNotFound",
            "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}  # fmt: skip
_CHANGED = {"ExpiredIteratorException", "NoSuchKey"}
# A name for "too many of them": VpcLimitExceeded, TooManyBuckets, ServiceQuotaExceededException ...
_QUOTA_CODE = re.compile(r"LimitExceeded|QuotaExceeded|^TooManyBuckets$|^MaxSpot|LimitsExceeded")
_DENIED_CODE = re.compile(r"^(AccessDenied|UnauthorizedOperation|AuthorizationError|403$)")
# A signature made by a wrong clock: Signature Version 4 says so in the message alone.
_SKEWED = re.compile(r"Signature (expired|not yet current)", re.IGNORECASE)
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:\w+)(?: on resource: (\S+))?")

# What CloudFormation's reasons for a failed resource say -> the next thing to do.
_REASONS = [
    ("requested bucket name is not available", _OTHER_PREFIX),
    ("already exists", "Run `destroy(cloud)` to remove what an earlier run left, then this cell; "
     'if it is not yours, `connect("aws", prefix="rwa2")`.'),
    ("No export named", "Deploy the earlier modules first, in their order."),
    ("explicit deny", _ORGANISATION),
    ("not authorized", _ADMINISTRATOR),
    ("AccessDenied", _ADMINISTRATOR),
    ("quota", _QUOTA),
    ("limit", _QUOTA),
    ("maximum number of", _QUOTA),
    ("insufficient", "AWS has none of this size there now: try again later, or choose another "
     "InstanceType."),
]  # fmt: skip
_CORRECT_IT = "Correct that, then run this cell again: it removes what the failed attempt left."


@contextmanager
def explained(what: str = "", module: str = "") -> Iterator[None]:
    """Turn what boto3 raises when AWS can't be reached, or refuses, into a WorkshopError.

    Anything else passes as it is.

    Args:
        what: the resource that is read in the block, e.g. `"The table rwa-Metrics"`, if it is one.
        module: the module that creates it, e.g. `"2-analyze"`.

    Raises:
        NotDeployed: the resource does not exist; only where it is named.
        TemporaryFailure: AWS is throttling requests or had an internal error, or the resource
            changed meanwhile.
        TargetStopped: nothing answers.
        NotSignedIn: AWS refuses the credentials, or there are none.
        WorkshopError: another error with a remedy.

    Example:
        with explained("The stream rwa-clicks", "1-capture"):
            cloud.client("kinesis").list_shards(StreamName="rwa-clicks")
    """
    try:
        yield
    except (ClientError, aws.BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if module and code in _MISSING:
            raise NotDeployed(what, module) from None
        if module and code in _CHANGED:
            raise TemporaryFailure(
                f"{what} changed while it was being read: {error}", "Run this cell again."
            ) from None
        translated = explanation(error)
        if translated is None:
            raise
        raise translated from None


def explanation(error: BaseException) -> WorkshopError | None:
    """Return an error of boto3's in two lines, or None where there is no remedy to name.

    Args:
        error: what was raised.

    Example:
        >>> print(explanation(aws.NoRegionError()))
        No AWS region is set: You must specify a region.
        → Run `%env AWS_DEFAULT_REGION=us-east-1` (or another region), then this cell again.
    """
    if isinstance(error, ClientError):
        return _answer(error)
    for types, kind, cause, remedy in _TYPES:
        if isinstance(error, types):
            return kind(f"{cause}: {_line(str(error))}", remedy)
    return None


def cause_and_remedy(error: Exception) -> tuple[str, str]:
    """Return a cause and a remedy for any error, to be shown where none can be raised: by a thread.

    Args:
        error: what was raised.

    Example:
        >>> cause_and_remedy(ValueError("no such column"))[0]
        'ValueError: no such column'
    """
    known = error if isinstance(error, WorkshopError) else explanation(error)
    if known is None:
        return f"{type(error).__name__}: {error}", "If it stays, run the cell again."
    return known.cause, known.remedy


def remedy_for(reason: str) -> str:
    """Return what to do about CloudFormation's reason for a resource that failed.

    Example:
        >>> remedy_for("No export named rwa-CodeBucket found")
        'Deploy the earlier modules first, in their order.'
    """
    lower = reason.lower()
    return next((todo for words, todo in _REASONS if words.lower() in lower), _CORRECT_IT)


def _answer(error: ClientError) -> WorkshopError | None:
    answer = error.response["Error"]
    # DynamoDB and others put a namespace before the code, some a "Client." too.
    code, message = answer["Code"].rsplit("#", 1)[-1].removeprefix("Client."), answer["Message"]
    if _SKEWED.search(message):
        return WorkshopError(f"This machine's clock is wrong: {_line(message)}", _CLOCK)
    if _DENIED_CODE.match(code):
        return _denied(error.operation_name, message)
    for codes, kind, cause, remedy in _CODES:
        if code in codes:
            return kind(f"{cause}: {_line(message)}", remedy)
    if _QUOTA_CODE.search(code):
        # Kinesis has one code for "too many shards" and for "too many calls".
        if "rate exceeded" in message.lower():
            return TemporaryFailure(f"{_THROTTLED}: {_line(message)}", _WAIT)
        return WorkshopError(f"A limit of this AWS account is reached: {_line(message)}", _QUOTA)
    return None


def _denied(operation: str, message: str) -> WorkshopError:
    found = _ACTION.search(message)
    # S3 and some others say no more than "Access Denied": then the call must do.
    what = found[1] if found else f"the call {operation}"
    where = f" on {found[2].rstrip('.')}" if found and found[2] else ""
    by_policy = "explicit deny" in message or "service control policy" in message
    return WorkshopError(
        f"AWS did not allow {what}{where}.", _ORGANISATION if by_policy else _ADMINISTRATOR
    )


def _line(message: str) -> str:
    """Return a message in one line of bearable length (EC2 adds 800 encoded characters)."""
    text = " ".join(message.split())
    return text if len(text) <= 300 else text[:299] + "…"
