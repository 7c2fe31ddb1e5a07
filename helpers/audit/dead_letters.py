"""What the functions gave up after all retries: looked at, and done once more.

Lambda reports such a batch to a queue. The report holds no records: it says where in the stream
they are, and there they stay for a day.
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

# Which function reports to which queue is agreed by name: <function>-failures.
PROCESS, PUBLISH = "process-metrics", "publish-metrics"
RECEIVE_SECONDS = 60  # for so long nobody else sees a message that is being looked at
RECORDS_A_CALL = 500  # as many as the event source brings at once
_COLUMNS = ["Function", "Reason", "Records", "Tries", "Since", "Stream", "Shard", "First", "Last"]
_WHOLE = ("Records", "Tries")
_LETTER = ("KinesisBatchInfo", "DDBStreamBatchInfo")


def dead_letters(cloud: Cloud) -> pd.DataFrame:
    """Return what the functions gave up; nothing is taken out of the queues.

    Args:
        cloud: where the queues are.

    Returns:
        One row a batch, empty if none was given up. Columns Function, Reason (AWS's word, e.g.
        `RecordAgeExceeded`), Records (how many), Tries, Since (when the first of them came, UTC),
        Stream, Shard, First and Last (sequence numbers). A message that is no such report has its
        text under Reason.

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


@waiting("Reading the failed batches once more")
def replay_dead_letters(cloud: Cloud) -> pd.DataFrame:
    """Do once more what the functions gave up, and take out of the queues what is done.

    process-metrics is called with the records themselves, read from the stream. publish-metrics'
    are not put a second time: CloudWatch's sums are held against DynamoDB, and the differences put
    (see `reconcile`), for part of the batch may have been counted. Both may be repeated.

    Args:
        cloud: where the queues are.

    Returns:
        As `dead_letters`, what was in the queues, and Outcome: `done`, or why it is still there.

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
    """Return the URL of the queue to which a function's lost batches are reported; None if none.

    Args:
        cloud: where it is.
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
    found = [(function, url) for function, url in urls if url]
    if not found:
        raise NotDeployed(f"The queue {cloud.name(PROCESS)}-failures", "2-analyze")
    return found


@contextmanager
def _received(cloud: Cloud, url: str) -> Iterator[list[dict[str, Any]]]:
    """Give a queue's messages; those that are left in the list go back to it at the end."""
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
                # It took longer than RECEIVE_SECONDS: the message went back by itself.
                continue


def _frame(rows: list[list[Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    since = pd.to_datetime(frame["Since"], utc=True).astype("datetime64[ns, UTC]")
    return frame.astype(dict.fromkeys(_WHOLE, "Int64")).assign(Since=since)


def _row(function: str, body: str) -> list[Any]:
    try:
        context, where = json.loads(body)["requestContext"], _where(body)
    except (ValueError, KeyError, TypeError):
        return [function, body[:200], None, None, None, None, None, None, None]
    return [
        function,
        context["condition"],
        where["batchSize"],
        context["approximateInvokeCount"],
        where["approximateArrivalOfFirstRecord"],
        where["streamArn"],
        where["shardId"],
        where["startSequenceNumber"],
        where["endSequenceNumber"],
    ]


def _where(body: str) -> dict[str, Any]:
    report = json.loads(body)
    return next(report[name] for name in _LETTER if name in report)


def _outcome(cloud: Cloud, function: str, body: str) -> str | None:
    """Do a batch once more; return None if all of it is done, else why not."""
    try:
        where = _where(body)
    except (ValueError, KeyError, TypeError, StopIteration):
        return "this message is no report of a batch"
    if function == PUBLISH:
        return _published(cloud, where)
    records = _records(cloud, where)
    if len(records) < where["batchSize"]:
        return f"the stream still holds {len(records)} of its {where['batchSize']} records"
    for first in range(0, len(records), RECORDS_A_CALL):
        answer = cloud.client("lambda").invoke(
            FunctionName=cloud.name(function),
            Payload=json.dumps({"Records": records[first : first + RECORDS_A_CALL]}),
        )
        told = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            return f"the function failed again: {told[:200]}"
        if (json.loads(told or "null") or {}).get("batchItemFailures"):
            return "the function could not take all of it"
    return None


def _published(cloud: Cloud, where: dict[str, Any]) -> str | None:
    left = reconcile(cloud, repair=True)
    waits = left[~left["Verdict"].eq("repaired")]
    if not waits.empty:
        return f"{len(waits)} sums still differ: see reconcile(cloud)"
    # What was not compared is not known to be right, so the report of it must stay.
    age = pd.Timestamp.now("UTC") - pd.Timestamp(where["approximateArrivalOfFirstRecord"])
    if age > pd.Timedelta(hours=MOST_HOURS):
        return f"older than {MOST_HOURS} hours: CloudWatch has no sums of 10 seconds to compare"
    return None


def _records(cloud: Cloud, where: dict[str, Any]) -> list[dict[str, Any]]:
    """Read a batch from its stream again, as the function is given it."""
    arn, shard, last = where["streamArn"], where["shardId"], int(where["endSequenceNumber"])
    stream = arn.rsplit("/", 1)[1].removeprefix(cloud.name(""))
    start = {
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": where["startSequenceNumber"],
    }
    found: list[dict[str, Any]] = []
    try:
        for page in record_pages(cloud, stream, shard, **start):
            for record in page:
                if int(record["SequenceNumber"]) > last:
                    return found
                found.append(_event(arn, shard, record, cloud.region))
    except (NotDeployed, cloud.client("kinesis").exceptions.InvalidArgumentException):
        return []
    return found


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
