"""Batches that a function did not process within its retries: lists them, processes them again.

Lambda reports such a batch to an SQS queue. The report contains no records, only their position in
the stream, which keeps them for a day.
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed
from helpers.core.waiting import waiting
from helpers.stores.kinesis import record_pages

from .reconcile import MOST_HOURS, reconcile

PROCESS, PUBLISH = "process-metrics", "publish-metrics"
RECEIVE_SECONDS = 60  # the visibility timeout of a message while it is read
RECORDS_A_CALL = 500  # the event source's batch size
_COLUMNS = ["Function", "Reason", "Records", "Tries", "Since", "Stream", "Shard", "First", "Last"]
# The part of a report that describes its batch, by the stream that the function reads.
_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo")


def dead_letters(cloud: Cloud) -> pd.DataFrame:
    """Return the batches in the functions' dead-letter queues, and leave them there.

    Args:
        cloud: where the queues are.

    Returns:
        One row for each batch. Columns Function, Reason (AWS's word, e.g. `RecordAgeExceeded`),
        Records (how many), Tries, Since (arrival of the first record, UTC), Stream, Shard, First
        and Last (sequence numbers). Of a message that is not such a report, Reason contains the
        text, and the other columns are empty.

    Raises:
        NotDeployed: neither module 2-analyze nor 3-visualize is deployed.

    Example:
        `dead_letters(cloud)["Records"].sum()` -> `0`
    """
    rows = []
    for function, url in _queues(cloud):
        with _received(cloud, url) as messages:
            rows += [_row(function, message["Body"]) for message in messages]
    return _frame(rows, _COLUMNS)


@waiting("Processing the failed batches again")
def replay_dead_letters(cloud: Cloud) -> pd.DataFrame:
    """Process the batches in the dead-letter queues again, and delete the messages of those done.

    process-metrics is invoked with the batch's records, read from the stream. For publish-metrics,
    `reconcile` compares CloudWatch's sums with DynamoDB and puts the differences, because part of
    the batch may have been counted. Both are safe to repeat.

    Args:
        cloud: where the queues are.

    Returns:
        The batches that were in the queues, as `dead_letters` returns them, and Outcome: `done`,
        or why the batch is still in its queue.

    Raises:
        NotDeployed: neither module 2-analyze nor 3-visualize is deployed.

    Example:
        `replay_dead_letters(cloud)["Outcome"].value_counts()`
    """
    rows, sqs = [], cloud.client("sqs")
    for function, url in _queues(cloud):
        with _received(cloud, url) as messages:
            for message in list(messages):
                outcome = _outcome(cloud, function, message["Body"])
                if outcome is None:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    messages.remove(message)
                rows.append([*_row(function, message["Body"]), outcome or "done"])
    return _frame(rows, [*_COLUMNS, "Outcome"])


def failure_queue(cloud: Cloud, function: str) -> str | None:
    """Return the URL of a function's dead-letter queue; None if there is none.

    Args:
        cloud: where the queue is.
        function: without the prefix, e.g. `"process-metrics"`.

    Example:
        `failure_queue(cloud, "process-metrics")`
    """
    sqs = cloud.client("sqs")
    try:
        return sqs.get_queue_url(QueueName=cloud.name(f"{function}-failures"))["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None


def _queues(cloud: Cloud) -> list[tuple[str, str]]:
    urls = [(function, failure_queue(cloud, function)) for function in (PROCESS, PUBLISH)]
    queues = [(function, url) for function, url in urls if url]
    if not queues:
        raise NotDeployed(f"The queue {cloud.name(PROCESS)}-failures", "2-analyze")
    return queues


@contextmanager
def _received(cloud: Cloud, url: str) -> Iterator[list[dict[str, Any]]]:
    """Yield a queue's messages; those still in the list at the end become visible again."""
    sqs, messages, seen = cloud.client("sqs"), [], set()
    try:
        while True:
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=RECEIVE_SECONDS
            )
            new = [m for m in answer.get("Messages", []) if m["MessageId"] not in seen]
            if not new:
                break
            seen |= {message["MessageId"] for message in new}
            messages += new
        yield messages
    finally:
        for message in messages:
            try:
                sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            except ClientError:
                # It took longer than RECEIVE_SECONDS: the message is visible again already.
                continue


def _frame(rows: list[list[Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    since = pd.to_datetime(frame["Since"], utc=True).astype("datetime64[ns, UTC]")
    return frame.astype({"Records": "Int64", "Tries": "Int64"}).assign(Since=since)


def _row(function: str, body: str) -> list[Any]:
    report = _report(body)
    if report is None:
        return [function, body[:200], *[None] * 7]
    context, batch = report
    return [
        function,
        context["condition"],
        batch["batchSize"],
        context["approximateInvokeCount"],
        batch["approximateArrivalOfFirstRecord"],
        batch["streamArn"],
        batch["shardId"],
        batch["startSequenceNumber"],
        batch["endSequenceNumber"],
    ]


def _report(body: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the context and the batch of a report; None for another message."""
    try:
        report = json.loads(body)
        return report["requestContext"], next(report[name] for name in _BATCHES if name in report)
    except (ValueError, KeyError, TypeError, StopIteration):
        return None


def _outcome(cloud: Cloud, function: str, body: str) -> str | None:
    """Process a batch again; return None if all of it is done, else why not."""
    report = _report(body)
    if report is None:
        return "this message does not report a batch"
    _, batch = report
    if function == PUBLISH:
        return _published(cloud, batch)
    records = _records(cloud, batch)
    if len(records) < batch["batchSize"]:
        return f"the stream still has {len(records)} of its {batch['batchSize']} records"
    for first in range(0, len(records), RECORDS_A_CALL):
        answer = cloud.client("lambda").invoke(
            FunctionName=cloud.name(function),
            Payload=json.dumps({"Records": records[first : first + RECORDS_A_CALL]}),
        )
        response = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            return f"the function failed again: {response[:200]}"
        if (json.loads(response or "null") or {}).get("batchItemFailures"):
            return "the function did not process all of its records"
    return None


def _published(cloud: Cloud, batch: dict[str, Any]) -> str | None:
    differing = reconcile(cloud, repair=True)
    unrepaired = int(differing["Verdict"].ne("repaired").sum())
    if unrepaired:
        return f"{unrepaired} sums still differ: see reconcile(cloud)"
    # `reconcile` did not compare older buckets, so the report of an older batch must stay.
    age = pd.Timestamp.now("UTC") - pd.Timestamp(batch["approximateArrivalOfFirstRecord"])
    if age > pd.Timedelta(hours=MOST_HOURS):
        return f"older than {MOST_HOURS} hours: CloudWatch has no sums of 10 seconds to compare"
    return None


def _records(cloud: Cloud, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a batch's records from its stream, in the form in which Lambda passes them."""
    arn, shard, last = batch["streamArn"], batch["shardId"], int(batch["endSequenceNumber"])
    stream = arn.rsplit("/", 1)[1].removeprefix(cloud.name(""))
    start = {
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": batch["startSequenceNumber"],
    }
    events: list[dict[str, Any]] = []
    try:
        for page in record_pages(cloud, stream, shard, **start):
            for record in page:
                if int(record["SequenceNumber"]) > last:
                    return events
                events.append(_event(arn, shard, record, cloud.region))
    except (NotDeployed, cloud.client("kinesis").exceptions.InvalidArgumentException):
        return []
    return events


def _event(arn: str, shard: str, record: dict[str, Any], region: str) -> dict[str, Any]:
    # https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, "Example event"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "awsRegion": region,
        "eventSourceARN": arn,
    }
