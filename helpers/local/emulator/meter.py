"""The price meter: counts every request that has reached a service, by caller and billed units.

A caller is in the request's User-Agent: a notebook's helper (`workshop/NAME`), or a part of the
pipeline (`app/NAME`, which boto3 writes for AWS_SDK_UA_APP_ID). Lambda's runs and what Firehose
delivers are no requests: their modules add them. `/_workshop/meter` returns all counts as JSON; as
each request, it needs this run's access key.

DynamoDB bills by an item's size, so each of its requests is made to return its units. For speed,
no body is parsed: it is searched.
"""

import dataclasses
import json
import re

import ministack.app

from helpers.core.billed_units import billed_units
from helpers.core.call_meter import CallMeter, sizes

from .exchange import App, Exchange, Receive, Send
from .settings import METER as PATH

METER = CallMeter()
# The service in `Credential=KEY/DATE/REGION/SERVICE/aws4_request`; CloudWatch's is `monitoring`.
_SERVICE = re.compile(rb"Credential=[^/]*/[^/]*/[^/]*/([a-z0-9-]+)/")
_NAMES = {"monitoring": "cloudwatch"}
_CALLER = re.compile(rb"(?:workshop|app)/([\w.-]+)")
# Controllers that read what AWS has without any call: it would bill none.
_OF_AWS = ("alarms", "fleet")
_SEARCHED = ("dynamodb", "kinesis", "cloudwatch")
_WITH_UNITS = {"GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem",
               "BatchWriteItem", "TransactGetItems", "TransactWriteItems"}  # fmt: skip
_TABLE = re.compile(rb'"TableName": ?"([^"]+)"')
_UNITS = re.compile(rb'"TableName": ?"([^"]+)", ?"CapacityUnits": ?([0-9.]+)')
_SMALLEST = {"GetItem": 0.5, "Query": 0.5}  # the units of an error's answer, which names none


def apply() -> None:
    """Count every request of the emulator."""
    ministack.app.app = metered(ministack.app.app, METER)


def metered(app: App, meter: CallMeter) -> App:
    """Return an ASGI application that counts the requests to `app`."""

    async def counting(scope: dict, receive: Receive, send: Send) -> None:
        exchange = Exchange(app, scope, receive, send)
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["path"] == PATH:
            await _show(exchange, meter)
        elif service := _service(scope):
            await _count(exchange, service, meter)
        else:
            await app(scope, receive, send)

    return counting


async def _show(exchange: Exchange, meter: CallMeter) -> None:
    readings = [dataclasses.asdict(each) for each in meter.readings()]
    body = json.dumps({"since": meter.since, "readings": readings}).encode()
    await exchange.answer(200, [(b"content-type", b"application/json")], body)


async def _count(exchange: Exchange, service: str, meter: CallMeter) -> None:
    operation = exchange.target()[1] or exchange.scope["method"]
    who = _caller(exchange.scope)
    if who in _OF_AWS:
        await exchange.app(exchange.scope, exchange.receive, exchange.send)
        return
    if service not in _SEARCHED or not exchange.target()[1]:
        meter.add(who, service, operation, billed_units(service, operation))
        await exchange.app(exchange.scope, exchange.receive, exchange.send)
        return
    body = asked = await exchange.body()
    has_units = service == "dynamodb" and operation in _WITH_UNITS
    if has_units and b'"ReturnConsumedCapacity"' not in body:
        asked = body.replace(b"{", b'{"ReturnConsumedCapacity": "TOTAL", ', 1)
    status, headers, answer = await exchange.call(asked)
    capacity = _capacity(body, operation, answer) if has_units else None
    units = billed_units(service, operation, **sizes(body), capacity=capacity)
    meter.add(who, service, operation, units)
    await exchange.answer(status, headers, answer)


def _capacity(request: bytes, operation: str, answer: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    for table, units in _UNITS.findall(answer):
        name = table.decode()
        found[name] = found.get(name, 0) + float(units)
    single = operation in ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query")
    if not found and single and (table := _TABLE.search(request)):
        # A condition that is not met costs a unit, too.
        found[table.group(1).decode()] = _SMALLEST.get(operation, 1.0)
    return found


def _service(scope: dict) -> str:
    found = _search(scope, b"authorization", _SERVICE)
    return _NAMES.get(found, found)


def _caller(scope: dict) -> str:
    return _search(scope, b"user-agent", _CALLER) or "other"


def _search(scope: dict, header: bytes, pattern: re.Pattern[bytes]) -> str:
    for name, value in scope["headers"]:
        if name.lower() == header and (found := pattern.findall(value)):
            return found[-1].decode()
    return ""
