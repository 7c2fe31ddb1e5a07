"""Puts rows into DynamoDB, each on the condition that the table has no newer one.

DynamoDB checks the condition and writes in one step. So the function needs no reads and no locks,
and two containers may put the same row at the same time.

The requests are signed and sent here, because boto3's `put_item` takes 0.8 ms of processor time for
each (here 0.25 ms; a Lambda function of 256 MB has a seventh of a processor). A put may be
repeated without harm, so each temporary failure is retried.
"""

import http.client
import json
import os
import random
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from rows import Row
from versions import ARCHIVED, condition, merged, unchanged

DAYS_KEPT = 7
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.05
TIMEOUT_SECONDS = 5
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
PASSING = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
}

_session = boto3.Session()
_endpoint = _session.client("dynamodb").meta.endpoint_url
_signer = SigV4Auth(_session.get_credentials(), "dynamodb", _session.region_name)
_agent = f"app/{os.environ.get('AWS_SDK_UA_APP_ID', 'process-metrics')}"  # as boto3 writes it
_of_thread = threading.local()


class PutFailed(Exception):
    """DynamoDB did not store a row, for a reason other than the row itself."""


class InvalidItem(Exception):
    """DynamoDB refuses a row as invalid."""


def item_of(row: Row, now_ms: int) -> dict:
    """Return a row as a DynamoDB item.

    Args:
        row: the row.
        now_ms: the time, epoch ms; the item expires `DAYS_KEPT` days later.

    Example:
        >>> item_of(Row("top_pages", 1795500000, "/", 7, 7, None, None), 1795500001000)["Bucket"]
        {'S': '0000001795500000#/'}
    """
    item = {
        "MetricType": {"S": row.metric},
        "Bucket": {"S": row.sort_key},
        "EventTimestamp": {"N": str(row.bucket)},
        "MetricItem": {"S": row.item},
        "UpdatedAt": {"N": str(now_ms)},
        # Time to live is in seconds; milliseconds would be the year 57971.
        "ExpireTime": {"N": str(now_ms // 1000 + DAYS_KEPT * 86400)},
    }
    # repr() returns the shortest text of exactly this double.
    name = "UnitValueFloat" if isinstance(row.value, float) else "UnitValueInt"
    item[name] = {"N": repr(row.value)}
    total, samples = row.published or (None, None)
    optional = {
        "Samples": row.samples,
        "NewestBeacon": row.newest_beacon,
        "EmittedAt": row.emitted or None,
        ARCHIVED: None if row.samples is None else row.archived_until,
        "PublishedTotal": total,
        "PublishedSamples": samples,
    }
    present = {name: {"N": repr(value)} for name, value in optional.items() if value is not None}
    return item | present


def put(row: Row) -> bool:
    """Store a row unless the table has a newer one of the same key, or a final one.

    Args:
        row: the row.

    Returns:
        True if it was stored, False if the table has a newer one.

    Raises:
        PutFailed: DynamoDB did not store it; a temporary failure is tried `ATTEMPTS` times.
        InvalidItem: DynamoDB refuses it as invalid.
    """
    own = item = item_of(row, int(time.time() * 1000))
    parameters = condition(row)
    while (stored := _put(item, parameters)) is not None:
        both = merged(row, own, stored)
        if both is None:
            return False
        item, parameters = both, unchanged(stored)
    return True


def _put(item: dict, condition: dict[str, Any]) -> dict | None:
    """Put an item; return None, or the stored item if that one does not meet the condition."""
    body = json.dumps(
        {
            "TableName": os.environ["DETAILS_TABLE"],
            "Item": item,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        | condition
    ).encode()
    for attempt in range(ATTEMPTS):
        try:
            status, text = _send(body)
        except (OSError, http.client.HTTPException) as reason:
            _of_thread.connection.close()
            status, text = 503, json.dumps({"__type": repr(reason)}).encode()
        if status == 200:
            return None
        error = _error_name(text)
        if error == "ConditionalCheckFailedException":
            return json.loads(text).get("Item", {})
        if error == "ValidationException":
            raise InvalidItem(error)
        if status < 500 and error not in PASSING:
            break
        if attempt < ATTEMPTS - 1:
            # Full jitter: rows that were throttled together are not retried together.
            time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))
    raise PutFailed(f"{status} {error}")


def _send(body: bytes) -> tuple[int, bytes]:
    request = AWSRequest(
        "POST",
        f"{_endpoint}/",
        data=body,
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810.PutItem",
            "User-Agent": _agent,
        },
    )
    _signer.add_auth(request)
    connection = _connection()
    connection.request("POST", "/", body, dict(request.headers.items()))
    answer = connection.getresponse()
    return answer.status, answer.read()


def _connection() -> http.client.HTTPConnection:
    # One for each thread, reused by later calls; http.client opens it again after close().
    if not hasattr(_of_thread, "connection"):
        url = urlsplit(_endpoint)
        secure = url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        _of_thread.connection = kind(url.netloc, timeout=TIMEOUT_SECONDS)
    return _of_thread.connection


def _error_name(text: bytes) -> str:
    try:
        return json.loads(text)["__type"].rpartition("#")[2]
    except (ValueError, KeyError, TypeError, AttributeError):
        return text[:200].decode(errors="replace")
