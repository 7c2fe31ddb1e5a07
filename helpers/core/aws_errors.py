"""Translates the errors of boto3 into a `WorkshopError`; the other helpers call `explained`."""

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
    "Ask the account's administrator for this permission (policy/ lists all that the workshop "
    "needs), then run this cell again."
)
_ORGANISATION = (
    "A policy of the organisation denies it: ask its administrator, or use another account."
)
_QUOTA = (
    "Delete resources that you no longer need, or request an increase in AWS's Service Quotas "
    "console, then run this cell again."
)
_CLOCK = "Set the clock (Linux: `sudo timedatectl set-ntp true`), then run this cell again."
_THROTTLED, _WAIT = "AWS is throttling requests", "Wait a minute, then run this cell again."
_OTHER_PREFIX = 'Choose another prefix, e.g. `connect("aws", prefix="rwa2")`, and begin again.'

# Errors by botocore's class, where AWS sent no response; the first match applies.
_TYPES = [
    (aws.NoCredentialsError, NotSignedIn, "No AWS credentials were found", _CONNECT),
    (aws.PartialCredentialsError, NotSignedIn, "No AWS credentials were found", _CONFIGURE),
    ((aws.SSOError, aws.TokenRetrievalError, aws.NoAuthTokenError), NotSignedIn,
     "You are no longer signed in to AWS", _SSO),
    (aws.LoginError, NotSignedIn, "You are no longer signed in to AWS",
     "Run `aws login` in a terminal, then this cell again."),
    (aws.CredentialRetrievalError, NotSignedIn, "The AWS credentials could not be fetched",
     _NEW_KEYS),
    ((aws.ProfileNotFound, aws.ConfigNotFound, aws.ConfigParseError, aws.InvalidConfigError),
     WorkshopError, "The AWS configuration is invalid", _CONFIGURE),
    (aws.MissingDependencyException, WorkshopError, "The configured sign-in needs a Python package",
     "Install it (`%pip install 'botocore[crt]'`), restart the kernel, then run this cell again."),
    (aws.NoRegionError, WorkshopError, "No AWS region is set",
     "Run `%env AWS_DEFAULT_REGION=us-east-1` (or another region), then this cell again."),
    (aws.SSLError, WorkshopError, "The certificate of the connection to AWS could not be verified",
     "Behind a company's proxy, set %env AWS_CA_BUNDLE to its certificates, then run it again."),
    ((aws.ConnectionError, aws.HTTPClientError), TargetStopped, "The cloud does not answer",
     _CONNECT),
]  # fmt: skip

# Errors by the code in AWS's response. Services have different codes for the same error.
_CODES = [
    ({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}, NotSignedIn,
     "Your AWS credentials have expired", _NEW_KEYS),
    ({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}, WorkshopError,
     "This machine's clock is wrong", _CLOCK),
    ({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
      "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure",
      "IncompleteSignature", "MissingAuthenticationToken"}, NotSignedIn,
     "AWS refused the credentials", _NEW_KEYS + " (Is the region not enabled?)"),
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
     WorkshopError, "A resource of this name already exists",
     "If an earlier run created it, run `destroy(cloud)`; else " + _OTHER_PREFIX[0].lower()
     + _OTHER_PREFIX[1:]),
]  # fmt: skip
# Translated only where the caller names the resource: else they may be a learner's own mistake.
_MISSING = {"ResourceNotFoundException", "ResourceNotFound", "NoSuchBucket", "ParameterNotFound",
            "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}  # fmt: skip
_CHANGED = {"ExpiredIteratorException", "NoSuchKey"}
# E.g. VpcLimitExceeded, TooManyBuckets, ServiceQuotaExceededException.
_QUOTA_CODE = re.compile(r"LimitExceeded|QuotaExceeded|^TooManyBuckets$|^MaxSpot|LimitsExceeded")
_DENIED_CODE = re.compile(r"^(AccessDenied|UnauthorizedOperation|AuthorizationError|403$)")
# A wrong clock makes a Signature Version 4 invalid; only the message names that cause.
_SKEWED = re.compile(r"Signature (expired|not yet current)", re.IGNORECASE)
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:\w+)(?: on resource: (\S+))?")

# Words in CloudFormation's reason for a failed resource -> the next thing to do.
_REASONS = [
    ("requested bucket name is not available", _OTHER_PREFIX),
    ("already exists", "Run `destroy(cloud)` to remove an earlier run's resources, then this cell; "
     'if it is not yours, `connect("aws", prefix="rwa2")`.'),
    ("No export named", "Deploy the earlier modules first, in their order."),
    ("explicit deny", _ORGANISATION),
    ("not authorized", _ADMINISTRATOR),
    ("AccessDenied", _ADMINISTRATOR),
    ("quota", _QUOTA),
    ("limit", _QUOTA),
    ("maximum number of", _QUOTA),
    ("insufficient", "AWS has no capacity for this instance type now: try again later, or choose "
     "another InstanceType."),
]  # fmt: skip
_CORRECT_IT = "Correct that, then run this cell again: it removes the failed stack first."


@contextmanager
def explained(what: str = "", module: str = "") -> Iterator[None]:
    """Translate an error of boto3 that the block raises into a WorkshopError.

    Any other error, and one without a known remedy, is raised unchanged.

    Args:
        what: the resource that the block reads, e.g. `"The table rwa-Metrics"`.
        module: the module that creates it, e.g. `"2-analyze"`.

    Raises:
        NotDeployed: the resource does not exist; only if `module` is given.
        TemporaryFailure: AWS is throttling requests or had an internal error, or the resource
            changed while it was read.
        TargetStopped: the endpoint does not respond.
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
    """Return the WorkshopError for an error of boto3, or None if no remedy is known.

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
    """Return a cause and a remedy for any error, for a thread, which can't raise one in a cell.

    Args:
        error: what was raised.

    Example:
        >>> cause_and_remedy(ValueError("no such column"))[0]
        'ValueError: no such column'
    """
    known = error if isinstance(error, WorkshopError) else explanation(error)
    if known is None:
        return f"{type(error).__name__}: {error}", "If the error remains, run the cell again."
    return known.cause, known.remedy


def remedy_for(reason: str) -> str:
    """Return the remedy for CloudFormation's reason for a resource that failed.

    Example:
        >>> remedy_for("No export named rwa-CodeBucket found")
        'Deploy the earlier modules first, in their order.'
    """
    lower = reason.lower()
    return next((todo for words, todo in _REASONS if words.lower() in lower), _CORRECT_IT)


def _answer(error: ClientError) -> WorkshopError | None:
    answer = error.response["Error"]
    # DynamoDB and others prefix the code with a namespace, some with "Client.".
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
    # S3 and some others send only "Access Denied": then the cause names the call.
    what = found[1] if found else f"the call {operation}"
    where = f" on {found[2].rstrip('.')}" if found and found[2] else ""
    by_policy = "explicit deny" in message or "service control policy" in message
    return WorkshopError(
        f"AWS did not allow {what}{where}.", _ORGANISATION if by_policy else _ADMINISTRATOR
    )


def _line(message: str) -> str:
    """Return a message in one line, cut to 300 characters (EC2 adds 800 encoded ones)."""
    text = " ".join(message.split())
    return text if len(text) <= 300 else text[:299] + "…"
