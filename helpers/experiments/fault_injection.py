"""What AWS does on a bad day, on request: throttling, errors, time-outs, lost answers.

The faults happen between our processes and the emulator, at the HTTP layer: the agents, the stream
job and the functions meet them exactly as they would meet them in an account.
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from helpers.core import process_lock as locks
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import read_json, write_json
from helpers.core.target_files import description_file, faults_file

# What the pipeline itself calls. Helpers that show its results call other operations, mostly, and
# botocore repeats theirs.
OPERATIONS = {
    "kinesis": ("PutRecords", "PutRecord", "GetRecords"),
    "dynamodb": ("PutItem", "BatchWriteItem", "UpdateItem", "GetItem", "BatchGetItem"),
    "cloudwatch": ("PutMetricData",),
}
SHARES = ("throttle", "error", "hang", "lost_answer", "partial")
DEFAULT_SECONDS, LONGEST_DELAY = 600, 60


@dataclass
class Fault:
    """A fault that can be switched on and off; `with` does both.

    Args:
        entry: its line in `faults.json`, without its end.
        seconds: after how long it ends by itself.
    """

    entry: dict[str, Any]
    seconds: float
    _id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self) -> "Fault":
        """Switch it on; once more, and its time begins anew."""
        _replace(self._id, self.entry | {"until": time.time() + self.seconds, "id": self._id})
        return self

    def stop(self) -> None:
        """Switch it off; doing so twice does no harm."""
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

    It hits what the pipeline calls: Kinesis' PutRecords, PutRecord and GetRecords, DynamoDB's
    PutItem, BatchWriteItem, UpdateItem, GetItem and BatchGetItem, CloudWatch's PutMetricData.

    Args:
        cloud: whose service.
        service: `"kinesis"`, `"dynamodb"` or `"cloudwatch"`.
        throttle: share of the calls (0 to 1) that the service refuses as too many.
        error: share that it answers with status 500.
        hang: share that it accepts and never answers; they have no effect.
        lost_answer: share that takes effect, and whose answer is lost.
        partial: share of the entries of a PutRecords or BatchWriteItem that it refuses.
        delay: seconds (0 to 60) that each call waits first.
        seconds: it ends by itself after so many seconds, even if this kernel has died.

    Raises:
        WorkshopError: the workshop's own emulator is not there, or an argument makes no sense.

    Example:
        with fault(cloud, "kinesis", throttle=0.3):
            wait(30)
    """
    if service not in OPERATIONS:
        raise WorkshopError(
            f"There are no faults of {service!r}.", f"Name one of: {', '.join(OPERATIONS)}."
        )
    shares = dict(
        zip(SHARES, map(_share, SHARES, (throttle, error, hang, lost_answer, partial)), strict=True)
    )
    _check(delay, "delay", LONGEST_DELAY)
    _check(seconds, "seconds", float("inf"))
    if not (any(shares.values()) or delay):
        raise WorkshopError("This fault does nothing.", "Say what shall happen, e.g. throttle=0.3.")
    if partial and service == "cloudwatch":
        raise WorkshopError(
            "PutMetricData is taken or refused as a whole, never in part.",
            "Use throttle, error, hang or lost_answer with CloudWatch.",
        )
    if not has_emulator(cloud):
        raise WorkshopError(
            "Faults can be injected only where the workshop's own emulator runs.",
            'Use connect("local"); in an AWS account, see AWS Fault Injection Service.',
        )
    operations = list(OPERATIONS[service])
    entry = {"service": service, "operations": operations, "delay": delay, **shares}
    return Fault(entry, seconds)


def has_emulator(cloud: Cloud) -> bool:
    """Return whether the workshop's own emulator, on this machine, answers for a cloud.

    Args:
        cloud: as `connect` returned it.
    """
    endpoint = read_json(description_file(), default={}).get("endpoint")
    return endpoint is not None and cloud.endpoint == endpoint


def _share(name: str, value: float) -> float:
    return _check(value, name, 1)


def _check(value: float, name: str, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        bound = f"0 to {most}" if most < float("inf") else "0 or more"
        raise WorkshopError(f"{name} can't be {value!r}.", f"Give a number: {bound}.")
    return value


def _entries() -> list[dict[str, Any]]:
    now = time.time()
    return [e for e in read_json(faults_file(), default=[]) if e["until"] > now]


def _replace(identity: str, entry: dict[str, Any] | None) -> None:
    path = faults_file()
    with locks.take(path.with_suffix(".lock"), wait=True):
        others = [each for each in _entries() if each["id"] != identity]
        entries = [*others, entry] if entry else others
        if entries:
            write_json(path, entries)
        else:
            path.unlink(missing_ok=True)
