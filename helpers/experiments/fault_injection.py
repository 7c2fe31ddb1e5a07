"""Injects the faults of AWS on request: throttling, errors, time-outs, lost responses.

They happen in HTTP, between the workshop's processes and the emulator: the agents, the stream job
and the functions see them exactly as in an AWS account.
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from helpers.core import process_lock
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError, check_number
from helpers.core.paths import read_json, write_json
from helpers.core.target_files import description_file, faults_file

# Operations that the pipeline itself calls. Helpers that show results mostly call others, and
# botocore retries theirs.
OPERATIONS = {
    "kinesis": ("PutRecords", "PutRecord", "GetRecords"),
    "dynamodb": ("PutItem", "BatchWriteItem", "UpdateItem", "GetItem", "BatchGetItem"),
    "cloudwatch": ("PutMetricData",),
}
SHARES = ("throttle", "error", "hang", "lost_answer", "partial")
DEFAULT_SECONDS, LONGEST_DELAY = 600, 60


@dataclass
class Fault:
    """A fault that can be switched on and off; a `with` statement does both.

    Args:
        entry: its entry in `faults.json`, without `until` and `id`.
        seconds: after which it ends by itself.
    """

    entry: dict[str, Any]
    seconds: float
    _id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self) -> "Fault":
        """Switch it on; if it is on, restart its time."""
        _replace(self._id, self.entry | {"until": time.time() + self.seconds, "id": self._id})
        return self

    def stop(self) -> None:
        """Switch it off, if it is on."""
        _replace(self._id, None)

    def is_on(self) -> bool:
        """Return whether it is in effect now."""
        return any(entry["id"] == self._id for entry in _entries())

    def __enter__(self) -> "Fault":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def fault(
    cloud: Cloud,
    service: str,
    *,
    throttle: float = 0,
    error: float = 0,
    hang: float = 0,
    lost_answer: float = 0,
    partial: float = 0,
    delay: float = 0,
    seconds: float = DEFAULT_SECONDS,
) -> Fault:
    """Return a fault of a service, to be used in a `with` statement or with `start` and `stop`.

    It affects the pipeline's calls: Kinesis' PutRecords, PutRecord and GetRecords, DynamoDB's
    PutItem, BatchWriteItem, UpdateItem, GetItem and BatchGetItem, CloudWatch's PutMetricData.

    Args:
        cloud: the workshop's local target.
        service: `"kinesis"`, `"dynamodb"` or `"cloudwatch"`.
        throttle: share of the calls (0 to 1) that the service throttles.
        error: share that it answers with status 500.
        hang: share that it never answers; these have no effect.
        lost_answer: share that takes effect, but whose response is lost.
        partial: share of the entries of a PutRecords or BatchWriteItem that it rejects.
        delay: seconds (0 to 60) before each call.
        seconds: after which the fault ends by itself, even if this kernel has died.

    Raises:
        WorkshopError: the target is not the workshop's emulator, or an argument is invalid.

    Example:
        with fault(cloud, "kinesis", throttle=0.3):
            wait(30)
    """
    if service not in OPERATIONS:
        raise WorkshopError(
            f"Faults of {service!r} can't be injected.", f"Use one of: {', '.join(OPERATIONS)}."
        )
    shares = dict(zip(SHARES, (throttle, error, hang, lost_answer, partial), strict=True))
    for name, share in shares.items():
        check_number(name, share, 0, 1)
    check_number("delay", delay, 0, LONGEST_DELAY)
    check_number("seconds", seconds)
    if not (any(shares.values()) or delay):
        raise WorkshopError("This fault has no effect.", "Give a share, e.g. throttle=0.3.")
    if partial and service == "cloudwatch":
        raise WorkshopError(
            "PutMetricData is accepted or rejected as a whole, never in part.",
            "Use throttle, error, hang or lost_answer with CloudWatch.",
        )
    require_emulator(cloud, "Faults can be injected only into the workshop's own emulator.")
    operations = list(OPERATIONS[service])
    entry = {"service": service, "operations": operations, "delay": delay, **shares}
    return Fault(entry, seconds)


def require_emulator(cloud: Cloud, cause: str) -> None:
    """Raise an error unless a cloud is the workshop's own emulator on this machine.

    Args:
        cloud: as `connect` returned it.
        cause: the error's first sentence.

    Raises:
        WorkshopError: the cloud is an AWS account or another emulator.
    """
    endpoint = read_json(description_file(), default={}).get("endpoint")
    if endpoint is None or cloud.endpoint != endpoint:
        raise WorkshopError(
            cause, 'Use connect("local"); in an AWS account, see AWS Fault Injection Service.'
        )


def _entries() -> list[dict[str, Any]]:
    now = time.time()
    return [e for e in read_json(faults_file(), default=[]) if e["until"] > now]


def _replace(identity: str, entry: dict[str, Any] | None) -> None:
    path = faults_file()
    with process_lock.take(path.with_suffix(".lock"), wait=True):
        others = [each for each in _entries() if each["id"] != identity]
        entries = [*others, entry] if entry else others
        if entries:
            write_json(path, entries)
        else:
            path.unlink(missing_ok=True)
