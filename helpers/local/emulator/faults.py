"""Injected faults: requests hang, are throttled, or fail before or after they reach the emulator.

`helpers.experiments.fault_injection` writes the faults to `faults.json`. Here each request's
operation is read from its X-Amz-Target header (boto3 sends AWS JSON to all three services). Each
operation that a fault names first waits for the seconds of `delay`. Then a share of them, set by
the learner,

    hang          gets no answer, and has no effect
    throttle      gets the service's own throttling error, and has no effect
    error         gets status 500, and has no effect
    lost_answer   has its effect, and gets no answer
    partial       (PutRecords and BatchWriteItem:) has this share of its entries refused
"""

import asyncio
import json
import random
import time
from pathlib import Path

import ministack.app

from helpers.core.paths import read_json
from helpers.core.target_files import faults_file

from .exchange import App, Exchange, Receive, Send
from .refusals import SPLIT, TOO_MUCH

SERVICE_OF = {
    "Kinesis_20131202": "kinesis",
    "DynamoDB_20120810": "dynamodb",
    "GraniteServiceVersion20100801": "cloudwatch",
}
# Status, error code and message, as each service's API reference has them.
THROTTLED = {
    "kinesis": (400, TOO_MUCH, "Rate exceeded for the stream."),
    "dynamodb": (400, TOO_MUCH, "The provisioned throughput of the table was exceeded."),
    "cloudwatch": (400, "Throttling", "Rate exceeded"),
}
FAILED = {
    "kinesis": (500, "InternalFailure", "The service failed."),
    "dynamodb": (500, "InternalServerError", "The service failed."),
    "cloudwatch": (500, "InternalFailure", "The service failed."),
}
# Longer than boto3 waits by itself (60 s).
HANG_SECONDS, SECONDS_BETWEEN_LOOKS = 70, 0.2


def apply() -> None:
    """Wrap the emulator."""
    ministack.app.app = faulty(ministack.app.app, Faults(faults_file()))


class Faults:
    """The faults of `faults.json`, which is read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._all: list[dict] = []

    def now(self) -> list[dict]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return []
        if (status.st_ino, status.st_mtime_ns) != self._read_at:
            self._read_at = status.st_ino, status.st_mtime_ns
            self._all = read_json(self._path, default=[])
        moment = time.time()
        return [fault for fault in self._all if moment < fault["until"]]


def faulty(app: App, faults: Faults) -> App:
    """Return an ASGI application that injects the faults."""

    async def with_faults(scope: dict, receive: Receive, send: Send) -> None:
        current = faults.now() if scope["type"] == "http" else []
        if current:
            exchange = Exchange(app, scope, receive, send)
            api, operation = exchange.target()
            for fault in current:
                is_service = fault["service"] == SERVICE_OF.get(api)
                applies = is_service and operation in fault["operations"]
                if applies and await _inject(fault, operation, exchange, faults):
                    return
        await app(scope, receive, send)

    return with_faults


async def _inject(fault: dict, operation: str, exchange: Exchange, faults: Faults) -> bool:
    # Returns whether the request is finished.
    def happens(kind: str) -> bool:
        return random.random() < fault.get(kind, 0)

    await asyncio.sleep(fault.get("delay", 0))
    if happens("hang"):
        await exchange.body()
        await _hang(fault, exchange, faults)
        exchange.hang_up()
    elif happens("throttle"):
        await exchange.body()
        await exchange.refuse(*THROTTLED[fault["service"]])
    elif happens("error"):
        await exchange.body()
        await exchange.refuse(*FAILED[fault["service"]])
    elif happens("lost_answer"):
        await exchange.call()
        exchange.hang_up()
    elif fault.get("partial") and operation in SPLIT:
        await _refuse_partly(fault, operation, exchange)
    else:
        return False
    return True


async def _hang(fault: dict, exchange: Exchange, faults: Faults) -> None:
    # Until the client gives up or the fault ends.
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline and fault in faults.now():
        if await exchange.is_given_up(SECONDS_BETWEEN_LOOKS):
            return


async def _refuse_partly(fault: dict, operation: str, exchange: Exchange) -> None:
    request, share = json.loads(await exchange.body()), fault["partial"]
    parts = SPLIT[operation](request, lambda _: random.random() < share)
    if parts.rest is None and parts.merge is None:
        await exchange.refuse(*THROTTLED[fault["service"]])
        return
    status, headers, body = 200, [(b"content-type", b"application/x-amz-json-1.1")], b"{}"
    if parts.rest is not None:
        status, headers, body = await exchange.call(json.dumps(parts.rest).encode())
    if status == 200 and parts.merge is not None:
        body = json.dumps(parts.merge(json.loads(body))).encode()
    await exchange.answer(status, headers, body)
