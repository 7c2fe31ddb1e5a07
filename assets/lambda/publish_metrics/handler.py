"""publish_metrics: changes of the metric rows in DynamoDB -> CloudWatch metrics.

For each change the difference is put, so that CloudWatch's sums are DynamoDB's values.

Environment: CATALOG_TABLE, PREFIX (the dimension `Stack`).
"""

import json
import time
from collections import Counter
from typing import Any

import delay
from botocore.exceptions import BotoCoreError, ClientError
from catalog import Metric, admit, note_published, read_metric
from changes import NO_METRIC_ROW, Change, Sum, change_of
from cloudwatch import datum, put
from dimension import dimension_value

# So many changes make at most so many data: one call of at most 0.6 MB (limits: 1,000 and 1 MB).
# The event source brings no more at once, so a batch is one call, and fails or succeeds as one.
CHANGES_A_CALL = 500
# What CloudWatch takes, https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
# API_MetricDatum.html, less five minutes for the way there.
OLDEST_SECONDS = 14 * 86400 - 300
NEWEST_SECONDS = 2 * 3600 - 300


def handler(event: dict, context: Any) -> dict:  # noqa: ANN401 - AWS passes its own class
    """Publish the changes of one batch.

    Args:
        event: `{"Records": [...]}` of a DynamoDB stream with NEW_AND_OLD_IMAGES.
        context: unused.

    Returns:
        What Lambda's ReportBatchItemFailures asks for: the first record to send again, if any.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: nothing of the batch was
        put; Lambda sends it again.
    """
    records = event["Records"]
    counts = Counter(records=len(records))
    done = 0
    try:
        while done < len(records):
            _publish(records[done : done + CHANGES_A_CALL], counts)
            done += CHANGES_A_CALL
    except (ClientError, BotoCoreError) as error:
        # The one case nobody can decide: CloudWatch counted a call, and the answer was lost. Lambda
        # sends the batch again, so it may be counted twice; if it were not sent again, a minute
        # without CloudWatch would lose a minute of data. This line says when it may have happened.
        counts["failed"] = len(records) - done
        print(json.dumps({"function": "publish_metrics", "error": repr(error), **counts}))
        if done == 0:
            raise
        first = records[done]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": first}]}
    print(json.dumps({"function": "publish_metrics", **counts}))
    return {"batchItemFailures": []}


def _publish(records: list[dict], counts: Counter) -> None:
    metrics: dict[str, Metric] = {}
    sums: dict[tuple[str, str, str, int], Sum] = {}
    last: dict[str, tuple[str, float]] = {}
    timed: list[dict] = []
    now = time.time()
    for record in records:
        change = _change(record, counts)
        if change is None:
            continue
        if change.metric not in metrics:
            metrics[change.metric] = read_metric(change.metric)
        metric = metrics[change.metric]
        number = record["dynamodb"]["SequenceNumber"]
        at = float(record["dynamodb"].get("ApproximateCreationDateTime", now))
        if metric.was_published(number, at):
            counts["published_before"] += 1
            continue
        last[change.metric] = (number, max(at, last.get(change.metric, ("", 0.0))[1]))
        if not now - OLDEST_SECONDS < change.bucket < now + NEWEST_SECONDS:
            counts["too_old_or_in_the_future"] += 1
            continue
        if change.is_none:
            counts["unchanged"] += 1
            continue
        statistic = metric.statistic or ("Sum" if change.whole else "Average")
        if statistic == "Maximum" and not change.is_new:
            # A score is final. Put again, it could only raise an alarm for a second time.
            counts["final_before"] += 1
            continue
        dimension = admit(metric, dimension_value(change.item))
        sums.setdefault((change.metric, statistic, dimension, change.bucket), Sum()).add(change)
        if change.metric == delay.TIMED:
            timed.append(record["dynamodb"])
    found = [
        datum(metrics[name], statistic, dimension, bucket, total)
        for (name, statistic, dimension, bucket), total in sums.items()
    ]
    data = [one for one in found if one is not None]
    if data:
        counts["invalid"] += put(data + _delays(timed))
        counts["data"] += len(data)
        counts["calls"] += 1
    _note(metrics, last, counts)


def _delays(changed: list[dict]) -> list[dict]:
    now = time.time()
    found = (delay.seconds(images, now) for images in changed)
    return delay.data((pair for pair in found if pair), now)


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


def _note(metrics: dict[str, Metric], last: dict[str, tuple[str, float]], counts: Counter) -> None:
    for name, (number, at) in last.items():
        try:
            note_published(metrics[name], number, at)
        except (ClientError, BotoCoreError):
            # The data are put: failing now would put them again. The note only helps a re-run.
            counts["not_noted"] += 1
