"""publish_metrics: publishes changes of the metric rows in DynamoDB as CloudWatch metrics.

It puts the difference of each change, so that CloudWatch's sums equal DynamoDB's values.

Environment: CATALOG_TABLE, PUBLISHED_TABLE, PREFIX (the dimension `Stack`).
"""

import json
import time
from collections import Counter
from typing import Any

import delay
from botocore.exceptions import BotoCoreError, ClientError
from catalog import admit, read_metrics
from changes import NO_METRIC_ROW, Change, Sum, change_of
from cloudwatch import Refused, datum, put, why_invalid
from dimension import dimension_value
from limits import is_timely
from published import Marks, read_marks, write_marks

# The largest batch of the event source. It makes at most 500 data, so it is one call of at most
# 0.6 MB (limits: 1,000 data and 1 MB), and succeeds or fails as a whole.
CHANGES_A_CALL = 500
# The longest time of a call. Lambda must not end the function during one.
CALL_MS = 20_000


def handler(event: dict, context: Any) -> dict:  # noqa: ANN401 - AWS passes its own class
    """Publish the changes of one batch.

    Args:
        event: `{"Records": [...]}` of a DynamoDB stream with NEW_AND_OLD_IMAGES.
        context: Lambda's context, for the remaining time.

    Returns:
        The answer for Lambda's ReportBatchItemFailures: the first record to send again, if any.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: no change was published;
        Lambda sends the whole batch again.
    """
    records = event["Records"]
    counts = Counter(records=len(records))
    done, alone = 0, False
    try:
        while done < len(records) and not (alone and done and _is_late(context)):
            call = records[done : done + (1 if alone else CHANGES_A_CALL)]
            try:
                _publish(call, counts, alone)
            except Refused as reason:
                if not alone:
                    # CloudWatch counted nothing of the call. From here on, each change has its own
                    # call and is noted at once, so that it is not put again if a later one fails.
                    alone = True
                    counts["refused_calls"] += 1
                    continue
                _count_invalid(call[0]["dynamodb"], str(reason), counts)
            done += len(call)
    except (ClientError, BotoCoreError) as error:
        # CloudWatch may have counted a call whose answer was lost. Lambda sends the batch again, so
        # it may be counted twice; without that, a minute of CloudWatch's absence would lose a
        # minute of data. The log line shows when this may have happened.
        counts["failed"] = len(records) - done
        print(json.dumps({"function": "publish_metrics", "error": repr(error), **counts}))
        if done == 0:
            raise
        return _again_from(records, done)
    print(json.dumps({"function": "publish_metrics", **counts}))
    return _again_from(records, done)


def _again_from(records: list[dict], done: int) -> dict:
    rest = records[done : done + 1]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in rest]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def _is_late(context: Any) -> bool:  # noqa: ANN401 - AWS passes its own class
    return context is not None and context.get_remaining_time_in_millis() < CALL_MS


def _publish(records: list[dict], counts: Counter, alone: bool) -> None:
    changes = [(change, record) for record in records if (change := _change(record, counts))]
    if not changes:
        return
    metrics, marks = read_metrics(change.metric for change, _ in changes), read_marks()
    sums: dict[tuple[str, str, str, int], Sum] = {}
    timed: list[dict] = []
    now = time.time()
    for change, record in changes:
        metric = metrics[change.metric]
        number = record["dynamodb"]["SequenceNumber"]
        at = float(record["dynamodb"].get("ApproximateCreationDateTime", now))
        if marks.was_published(metric, number, at):
            counts["published_before"] += 1
            continue
        marks.note(metric, number, at)
        if not is_timely(change.bucket, now):
            counts["too_old_or_in_the_future"] += 1
            continue
        if change.is_none:
            counts["unchanged"] += 1
            continue
        statistic = metric.statistic or ("Sum" if change.whole else "Average")
        if statistic == "Maximum" and not change.is_new:
            # A score is final. A second put could only raise an alarm again.
            counts["final_before"] += 1
            continue
        dimension = admit(metric, dimension_value(change.item))
        sums.setdefault((change.metric, statistic, dimension, change.bucket), Sum()).add(change)
        if change.metric == delay.TIMED:
            timed.append(record["dynamodb"])
    sent = [
        datum(metrics[name], statistic, dimension, bucket, total)
        for (name, statistic, dimension, bucket), total in sums.items()
    ]
    data = [each for each in sent if each is not None and _is_valid(each, counts)]
    if data:
        # A call with one change has no other data, so an error is due to that change.
        put(data if alone else data + _delays(timed))
        counts["data"] += len(data)
        counts["calls"] += 1
    _write(marks, counts)


def _delays(changed: list[dict]) -> list[dict]:
    now = time.time()
    pairs = (delay.seconds(images, now) for images in changed)
    return delay.data((pair for pair in pairs if pair), now)


def _is_valid(datum: dict, counts: Counter) -> bool:
    reason = why_invalid(datum)
    if reason is not None:
        _count_invalid(datum, reason, counts)
    return reason is None


def _count_invalid(datum: dict, reason: str, counts: Counter) -> None:
    counts["invalid"] += 1
    line = {"function": "publish_metrics", "reason": reason, "bad_datum": datum}
    print(json.dumps(line, default=str))


def _change(record: dict, counts: Counter) -> Change | None:
    try:
        change = change_of(record)
    except NO_METRIC_ROW as reason:
        counts["bad"] += 1
        keys = record.get("dynamodb", {}).get("Keys")
        print(json.dumps({"function": "publish_metrics", "bad_record": repr(reason), "keys": keys}))
        return None
    if change is None:
        counts["removed"] += 1
    return change


def _write(marks: Marks, counts: Counter) -> None:
    try:
        write_marks(marks.new)
    except (ClientError, BotoCoreError):
        # The data were put; an error now would put them again. The marks are for re-runs only.
        counts["not_noted"] += len(marks.new)
