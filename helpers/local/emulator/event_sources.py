"""Event source mappings of streams, as Lambda documents them: see shard_reader.

MiniStack's own poller retries a failed batch without limit, ignores batch windows, retry limits,
bisection, the report of failed records and (for Kinesis) the on-failure destination, loses its
position when records expire, and begins at the end of a shard that resharding made. Here each shard
of each mapping has a thread instead; SQS queues keep MiniStack's poller.

ParallelizationFactor and tumbling windows are ignored, and destinations other than SQS queues.
"""

import json
import logging
import threading
import time

from ministack.core.arn import parse_arn
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, kinesis, lambda_svc, sqs

from . import streams
from .failure_record import failure_record
from .shard_reader import Batch, Result, ShardReader

CHECK_SECONDS = 1.0  # between two searches for mappings and shards; a new mapping is found at once

logger = logging.getLogger("event_sources")
_ensure_sqs_poller = lambda_svc._ensure_poller
_release = lambda_svc._release_esm_poll_state
_starts: dict[str, str] = {}  # by mapping: the sequence number after which it begins
_readers: dict[tuple[str, str], threading.Event] = {}  # by mapping and shard: wakes its thread
_search = threading.Event()
_manager = threading.Lock()  # held by the only thread that searches


class _StreamWake:
    """Replaces the emulator's event that a stream has new records: wakes all readers."""

    def set(self) -> None:
        for wake in list(_readers.values()):
            wake.set()


def apply() -> None:
    """Replace the emulator's poller of streams."""
    lambda_svc._poll_kinesis = lambda_svc._poll_dynamodb_streams = lambda: False
    lambda_svc._init_stream_position = note_start
    lambda_svc._release_esm_poll_state = forget_start
    lambda_svc._ensure_poller = ensure_pollers
    kinesis.esm_wake = dynamodb.esm_wake = _StreamWake()


def note_start(mapping: str, source: str, starting: str) -> None:
    """Store where a new mapping begins; the emulator calls this when it creates one.

    Args:
        mapping: its UUID.
        source: the ARN of its source.
        starting: `TRIM_HORIZON` or `LATEST`.
    """
    # A sequence number of the emulator begins with the time, 20 digits of milliseconds.
    now = f"{int(time.time() * 1000):020d}{'9' * 10}"
    _starts[mapping] = "" if starting == "TRIM_HORIZON" else now


def forget_start(mapping: str) -> None:
    """Forget a mapping that was deleted."""
    _starts.pop(mapping, None)
    _release(mapping)


def ensure_pollers() -> None:
    """Start the thread that finds mappings; the emulator calls this when it has created one."""
    _ensure_sqs_poller()
    if _manager.acquire(blocking=False):
        threading.Thread(target=_manage, name="event-sources", daemon=True).start()
    _search.set()


def _manage() -> None:
    while True:
        _search.clear()
        for account, region, mapping in lambda_svc._iter_all_esms():
            try:
                _ensure_readers(account, region, mapping)
            except Exception:
                logger.exception("event source mapping %s", mapping.get("UUID"))
        _search.wait(CHECK_SECONDS)


def _ensure_readers(account: str, region: str, mapping: dict) -> None:
    for shard in streams.shards(mapping["EventSourceArn"]):
        key = (mapping["UUID"], shard)
        if key not in _readers:
            _readers[key] = threading.Event()
            threading.Thread(
                target=_read, args=(key, account, region), name=f"shard {shard}", daemon=True
            ).start()


def _read(key: tuple[str, str], account: str, region: str) -> None:
    """Read a shard until its mapping or the shard is deleted."""
    _request_account_id.set(account)
    _request_region.set(region)
    wake, (uuid, shard) = _readers[key], key
    reader = _reader(uuid, shard)
    while (mapping := lambda_svc._esms.get(uuid)) and (
        reader.parts or shard in streams.shards(mapping["EventSourceArn"])
    ):
        wake.clear()
        longest = poll_seconds(mapping)
        pause: float | None = longest
        if is_enabled(mapping) and _function(mapping):
            try:
                pause = reader.step()
            except Exception:
                logger.exception("shard %s of mapping %s", shard, uuid)
        if pause != 0:
            wake.wait(longest if pause is None else min(pause, longest))
    del _readers[key]


def poll_seconds(mapping: dict) -> float:
    """Return the seconds between two reads of a mapping's shard if no new record wakes it."""
    return CHECK_SECONDS


def is_enabled(mapping: dict) -> bool:
    """Return whether a mapping reads its source."""
    return str(mapping.get("Enabled", True)).lower() == "true"


def _reader(uuid: str, shard: str) -> ShardReader:
    def mapping() -> dict:
        # After its deletion, the current batch ends with the original settings.
        return lambda_svc._esms.get(uuid) or original

    original = lambda_svc._esms.get(uuid) or {}
    arn = original.get("EventSourceArn", "")
    return ShardReader(
        settings=lambda: _numbers(mapping()),
        fetch=lambda number, most: streams.records_after(arn, shard, number, most),
        wanted=lambda records: lambda_svc._apply_filter_criteria(records, mapping()),
        invoke=lambda records: _invoke(mapping(), records),
        discard=lambda batch, condition: _discard(mapping(), shard, batch, condition),
        position=_starts.get(uuid, ""),
    )


_NUMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
)


def _numbers(mapping: dict) -> dict:
    # A template's parameters arrive as text.
    numbers = {name: int(mapping[name]) for name in _NUMBERS if mapping.get(name) is not None}
    bisects = str(mapping.get("BisectBatchOnFunctionError")).lower() == "true"
    return mapping | numbers | {"BisectBatchOnFunctionError": bisects}


def _function(mapping: dict) -> dict | None:
    name, qualifier = mapping["FunctionName"], mapping.get("Qualifier")
    return lambda_svc._get_func_record_for_qualifier(name, qualifier)[0]


def _invoke(mapping: dict, records: list[dict]) -> Result:
    function = _function(mapping)
    if function is None:
        return Result(throttled=True)
    answer = lambda_svc._execute_function(function, {"Records": records})
    failed = bool(answer.get("error"))
    mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if failed else "OK"
    if failed:
        logger.warning("%s failed: %s", mapping["FunctionName"], answer.get("body"))
    return Result(answer.get("body"), failed, bool(answer.get("throttle")))


def _discard(mapping: dict, shard: str, batch: Batch, condition: str) -> None:
    logger.warning("%s: %d records, %s", mapping["FunctionName"], len(batch.records), condition)
    destination = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    if not destination.get("Destination"):
        return
    function = (_function(mapping) or {}).get("config", {})
    document = failure_record(
        batch,
        condition,
        function=mapping["FunctionArn"],
        version=function.get("Version", "$LATEST"),
        stream=mapping["EventSourceArn"],
        shard=shard,
    )
    try:
        queue = sqs._queue_url(parse_arn(destination["Destination"]).resource)
        sqs._act_send_message({"MessageBody": json.dumps(document)}, queue)
    except Exception:
        logger.exception("on-failure destination of %s", mapping["FunctionName"])
