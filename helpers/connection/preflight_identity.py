"""Preflight: the credentials and how long they are valid, and this machine's clock."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from helpers.core.aws_errors import cause_and_remedy, explanation
from helpers.core.errors import TargetStopped

from .preflight_probe import Probe
from .preflight_report import CHECK_NETWORK, Line, State

# AWS refuses a Signature Version 4 whose time is off by more than five minutes:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
LARGEST_SKEW = 300
# Latency is the difference of this machine's times and AWS's, and a bucket has ten seconds.
SMALL_SKEW = 5
SHORT = timedelta(hours=1)  # a module takes up to half an hour
_CLOCK = "Set the clock (Linux: `sudo timedatectl set-ntp true`), then run this cell again."
_NEW_KEYS = "Get new ones before you deploy (`aws sso login`, or your class's page)."
# botocore renews the credentials of all other sources by itself.
_NOT_RENEWED = ("env", "explicit", "shared-credentials-file", "config-file")


def short_arn(arn: str) -> str:
    """Return the identity in an ARN, without the account: `role/session`, `user/name` or `root`.

    Example:
        >>> short_arn("arn:aws:sts::111122223333:assumed-role/Learner/alice")
        'Learner/alice'
    """
    return arn.split(":", 5)[5].removeprefix("assumed-role/")


def identity(probe: Probe) -> tuple[str, list[Line]]:
    """Ask AWS who the caller is; return the ARN and the lines of the credentials and the clock.

    Args:
        probe: its clients are created.

    Returns:
        The caller's ARN, or "" if AWS does not accept the credentials; and two lines.
    """
    began = time.time()
    try:
        answer = probe.client("sts").get_caller_identity()
    except Exception as error:  # e.g. a page in place of an answer
        # An error of the network may have a `response`, too: None.
        answer = error.response if isinstance(error, ClientError) else {}
        return "", [_refused(error), clock(answer.get("ResponseMetadata", {}), began, time.time())]
    line = credentials(probe.cloud.session, answer["Arn"], datetime.now(UTC))
    return answer["Arn"], [line, clock(answer["ResponseMetadata"], began, time.time())]


def credentials(session: boto3.Session, arn: str, now: datetime) -> Line:
    """Return the line of credentials that AWS accepted.

    Args:
        session: has the credentials.
        arn: of the caller.
        now: the time, in UTC.
    """
    who = f"AWS accepts them, as {short_arn(arn)}"
    found = session.get_credentials()
    # botocore has no public name for the end of credentials.
    end = getattr(found, "_expiry_time", None)
    if end and found.method in _NOT_RENEWED and end - now < SHORT:
        text = f"{who}, but only until {end:%H:%M} UTC."
        return Line("credentials", State.WARNING, text, _NEW_KEYS)
    if short_arn(arn) == "root":
        text = f"{who}: the account's root user, with all permissions."
        return Line("credentials", State.WARNING, text, "Better sign in as a role.")
    if end:
        renewed = "" if found.method in _NOT_RENEWED else "; boto3 renews them"
        return Line("credentials", State.OK, f"{who}, until {end:%H:%M} UTC{renewed}.")
    temporary = found.get_frozen_credentials().token
    known = ", for a limited time that is not known here" if temporary else ""
    return Line("credentials", State.OK, f"{who}{known}.")


def _refused(error: Exception) -> Line:
    cause, remedy = cause_and_remedy(error)
    if isinstance(explanation(error), TargetStopped):
        remedy = CHECK_NETWORK
    return Line("credentials", State.FAILURE, cause, remedy)


def clock(metadata: dict[str, Any], began: float, ended: float) -> Line:
    """Return the line of this machine's clock, compared with the Date of an answer.

    Args:
        metadata: boto3's `ResponseMetadata`.
        began, ended: this machine's time before and after the call, in seconds since 1970.

    Example:
        `clock(answer["ResponseMetadata"], began, time.time()).state` -> `State.OK`
    """
    date = metadata.get("HTTPHeaders", {}).get("date")
    try:
        theirs = parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        theirs = None
    if theirs is None:
        text = "could not be checked: the answer has no date."
        return Line("clock", State.UNKNOWN, text, "Compare it with https://time.gov.")
    # A Date has whole seconds: the answer was sent within the second after it.
    difference = (began + ended) / 2 - (theirs + 0.5)
    allowed = (ended - began) / 2 + 0.5
    if abs(difference) <= SMALL_SKEW + allowed:
        return Line("clock", State.OK, "This machine's clock agrees with AWS's.")
    side = "ahead of" if difference > 0 else "behind"
    text = f"This machine's clock is {abs(difference):,.0f} s {side} AWS's"
    if abs(difference) <= LARGEST_SKEW:
        return Line("clock", State.WARNING, f"{text}: latencies will be wrong by that.", _CLOCK)
    return Line("clock", State.FAILURE, f"{text}; it refuses more than 300 s.", _CLOCK)
