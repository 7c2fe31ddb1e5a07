"""Event source mappings: Creating at first, then polls at AWS's rate.

D: Lambda "polls shards in your Kinesis stream for records at a base rate of once per second", and
"shards in your DynamoDB stream for records at a base rate of 4 times per second" (Lambda Developer
Guide). "Event source mapping creation is eventually consistent"; its State is `Creating` until it
is `Enabled` (M: some ten seconds).

The rates are AWS's, whatever the pace.
"""

from ministack.core.arn import parse_arn
from ministack.services import dynamodb, kinesis, lambda_svc

from helpers.local.emulator import event_sources
from helpers.local.pace import scaled

from .observed import age, observe

SECONDS_UNTIL_ENABLED = 10
POLL_SECONDS = {"kinesis": 1.0, "dynamodb": 0.25}
_is_enabled, _described = event_sources.is_enabled, lambda_svc._esm_response


class _NoWake:
    """Replaces the emulator's event that a stream has new records: Lambda polls."""

    def set(self) -> None:
        pass


def apply() -> None:
    """Let new mappings wait, and all of them poll."""
    observe(lambda_svc._esms)
    kinesis.esm_wake = dynamodb.esm_wake = _NoWake()
    event_sources.poll_seconds = poll_seconds
    event_sources.is_enabled = is_enabled
    lambda_svc._esm_response = described


def poll_seconds(mapping: dict) -> float:
    """Return the seconds between two polls of a shard without records."""
    return POLL_SECONDS[parse_arn(mapping["EventSourceArn"]).service]


def is_enabled(mapping: dict) -> bool:
    """Return whether a mapping polls."""
    return _is_enabled(mapping) and not is_new(mapping)


def described(mapping: dict) -> dict:
    """Return a mapping as its API shows it."""
    shown = _described(mapping)
    return shown | {"State": "Creating"} if is_new(mapping) else shown


def is_new(mapping: dict) -> bool:
    """Return whether a mapping is still being created."""
    return age(lambda_svc._esms, mapping["UUID"]) < scaled(SECONDS_UNTIL_ENABLED)
