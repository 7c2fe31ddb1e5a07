"""Firehose: buffers the records of a Kinesis source and delivers gzip objects, as on AWS.

AWS: Firehose "buffers incoming data before delivering it to S3", to the buffer size or the
interval, whichever is reached first (BufferingHints: 1-128 MB, 0-900 s), compresses it with the
CompressionFormat, and evaluates the prefix with the arrival time of the oldest record in the
buffer. MiniStack writes one uncompressed object for each record, and keeps all of them in memory.
"""

import gzip
import threading
import time
from dataclasses import dataclass, field

from ministack.core import responses
from ministack.services import firehose

from helpers.core.billed_units import FIREHOSE_BYTES, billed_units

from .meter import METER

SECONDS_BETWEEN_CHECKS = 0.25
_buffers: dict[tuple[str, str, str], "Buffer"] = {}
_lock = threading.Lock()


@dataclass
class Buffer:
    """The records of the next object of a delivery stream."""

    opened: float = field(default_factory=time.time)
    records: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, data: bytes) -> None:
        self.records.append(data)
        self.size += len(data)


def apply() -> None:
    """Replace the delivery from a Kinesis source, and start the thread that flushes buffers."""
    firehose.ingest_from_kinesis_source = buffer_records
    threading.Thread(target=_flush_buffers, name="firehose-buffers", daemon=True).start()


def buffer_records(stream_arn: str, records: list[tuple[str, bytes]]) -> None:
    """Buffer the records of a Kinesis stream for each delivery stream that reads from it.

    Args:
        stream_arn: the Kinesis stream.
        records: `(partition key, data)` of each record, in order.
    """
    with _lock:
        for key, stream in list(firehose._streams._data.items()):
            source = (stream.get("kinesis_source") or {}).get("KinesisStreamARN")
            if source == stream_arn and _s3_destination(stream):
                buffer = _buffers.setdefault(key, Buffer())
                for _, data in records:
                    buffer.add(data)
                steps = sum(-(-len(data) // FIREHOSE_BYTES) for _, data in records)
                units = {"GB archived": steps * FIREHOSE_BYTES / 1024**3}
                METER.add("firehose", "firehose", "record", units, calls=len(records))


def _s3_destination(stream: dict) -> dict | None:
    kinds = ("ExtendedS3", "S3")
    return next((d["config"] for d in stream.get("destinations", []) if d["type"] in kinds), None)


def _flush_buffers() -> None:
    while True:
        time.sleep(SECONDS_BETWEEN_CHECKS)
        for key in list(_buffers):
            try:
                _flush_if_due(key)
            except Exception:
                # One broken delivery stream must not stop the others; its records are kept.
                firehose.logger.exception("Firehose could not deliver %s", key)


def _flush_if_due(key: tuple[str, str, str]) -> None:
    stream = firehose._streams._data.get(key)
    with _lock:
        buffer = _buffers[key]
        if stream is None:
            del _buffers[key]
            return
        config = _s3_destination(stream)
        hints = config.get("BufferingHints") or {}
        age = time.time() - buffer.opened
        # A template's parameters arrive as text.
        size_limit = int(hints.get("SizeInMBs", 5)) * 1024 * 1024
        if age < int(hints.get("IntervalInSeconds", 300)) and buffer.size < size_limit:
            return
        del _buffers[key]
    try:
        _in_account(key, _deliver, stream, config, buffer)
        METER.add("firehose", "s3", "PUT", billed_units("s3", "PUT"))
    except Exception:
        _put_back(key, buffer)
        raise


def _put_back(key: tuple[str, str, str], buffer: Buffer) -> None:
    with _lock:
        later = _buffers.pop(key, Buffer())
        for data in later.records:
            buffer.add(data)
        _buffers[key] = buffer


def _in_account(key: tuple[str, str, str], call, *arguments) -> None:  # noqa: ANN001, ANN002
    # The emulator reads the account and region of a call from context variables.
    account = responses._request_account_id.set(key[0])
    region = responses._request_region.set(key[1])
    try:
        call(*arguments)
    finally:
        responses._request_account_id.reset(account)
        responses._request_region.reset(region)


def _deliver(stream: dict, config: dict, buffer: Buffer) -> None:
    body, extension = b"".join(buffer.records), ""
    if config.get("CompressionFormat") == "GZIP":
        body, extension = gzip.compress(body, compresslevel=6), ".gz"
    opened = time.gmtime(buffer.opened)
    prefix = firehose._evaluate_prefix(config.get("Prefix", ""), opened)
    stamp = time.strftime("%Y-%m-%d-%H-%M-%S", opened)
    name = f"{stream['name']}-{stream.get('version', 1)}-{stamp}-{responses.new_uuid()}"
    bucket = firehose._s3_bucket_from_arn(config["BucketARN"])
    extension = config.get("FileExtension") or extension
    firehose._put_s3_object(bucket, f"{prefix}{name}{extension}", body)
