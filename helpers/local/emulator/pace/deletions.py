"""Deletes that take their time: the resource is DELETING first.

D: "After a stream is in the DELETING state" DeleteStream goes on, and the stream "might continue to
accept data read and write operations" (Kinesis API reference, DeleteStream). A table is "in the
DELETING state until DynamoDB completes the deletion"; so is a delivery stream. M: each takes half a
minute, a Flink application a minute.
"""

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import dynamodb, firehose, kinesis
from ministack.services import kinesisanalyticsv2 as analytics

from helpers.local.pace import scaled

DELETING = "DELETING"


@dataclass(frozen=True)
class Kind:
    """A kind of resource that is deleted slowly.

    Args:
        store: the emulator's records by name.
        field: the field of a record's status.
        key: the request's field with its name.
        seconds: AWS's time.
    """

    store: Any
    field: str
    key: str
    seconds: float


# By CloudFormation's type: stacks.py waits as long.
KINDS = {
    "AWS::Kinesis::Stream": Kind(kinesis._streams, "StreamStatus", "StreamName", 30),
    "AWS::DynamoDB::Table": Kind(dynamodb._tables, "TableStatus", "TableName", 30),
    "AWS::KinesisFirehose::DeliveryStream": Kind(
        firehose._streams, "status", "DeliveryStreamName", 30
    ),
    "AWS::KinesisAnalyticsV2::Application": Kind(
        analytics._applications, "ApplicationStatus", "ApplicationName", 60
    ),
}


def apply() -> None:
    """Let the services' own calls return before the resource is deleted."""
    stream, table, delivery, application = KINDS.values()
    kinesis._delete_stream = slowly(stream, kinesis._delete_stream)
    dynamodb._delete_table = slowly(table, dynamodb._delete_table)
    for kind, handlers, operation in (
        (delivery, firehose._HANDLERS, "DeleteDeliveryStream"),
        (application, analytics._HANDLERS, "DeleteApplication"),
    ):
        handlers[operation] = slowly(kind, handlers[operation])


def slowly(kind: Kind, delete: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    """Return a call that answers at once, and deletes later."""

    def begin(data: dict) -> tuple:
        name = data.get(kind.key, "")
        record = kind.store.get(name)
        if record is None:
            return delete(data)  # its own error
        if record[kind.field] == DELETING:
            return error_response_json("ResourceInUseException", f"{name} is being deleted.", 400)
        context = contextvars.copy_context()  # holds the account and the region
        work = threading.Thread(target=context.run, args=(wait_then, kind, name, delete, data))
        work.daemon = True
        work.start()
        return json_response({"TableDescription": {"TableName": name, "TableStatus": DELETING}})

    return begin


def wait_then(kind: Kind, name: str, delete: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401
    """Mark a resource as DELETING, and delete it after AWS's time.

    Args:
        kind: its kind.
        name: its name.
        delete: the emulator's function that deletes it.
        arguments: those of `delete`.
    """
    record = kind.store.get(name)
    if record is not None:
        status, record[kind.field] = record[kind.field], DELETING
        time.sleep(scaled(kind.seconds))
        record[kind.field] = status  # the emulator's own check needs it
    delete(*arguments)
