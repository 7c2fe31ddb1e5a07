"""(f) How many records per second do the two functions process, on the emulator?

Each gets its own backlog while the other is disabled. All records have different keys, which is
the most work: process_metrics puts only the newest row of a key in a batch.
"""

import json
import time
from collections.abc import Callable

from bench.chain import chain
from helpers.core.cloud import Cloud
from helpers.deployment.flink_application import stop_analytics

METRIC, ITEMS = "event_count", ("pageview", "click", "login", "logoff", "conversion")
BUCKET = 10
LONGEST_SECONDS = 90


def measure(records: int = 5_000) -> dict:
    """Return `process_metrics_rows_per_second` and `publish_metrics_changes_per_second`.

    Args:
        records: number in each backlog.
    """
    cloud = chain(warm=False)
    stop_analytics(cloud)
    publish = _mapping(cloud, "publish-metrics")
    _disable(cloud, publish)
    # CloudWatch keeps values of ten seconds for three hours, so half of the rows are in the future.
    begin = (int(time.time()) - records // len(ITEMS) * BUCKET // 2) // BUCKET * BUCKET
    rows = [_row(begin, number) for number in range(records)]
    process = _mapping(cloud, "process-metrics")
    _disable(cloud, process)
    _put(cloud, rows)
    stored = _seconds(cloud, process, lambda: all(_stored(cloud, row) for row in rows[-5:]))
    published = _seconds(cloud, publish, lambda: all(_published(cloud, row) for row in rows[-5:]))
    return {
        "process_metrics_rows_per_second": round(records / stored),
        "publish_metrics_changes_per_second": round(records / published),
        "functions": {"records": records},
    }


def _seconds(cloud: Cloud, mapping: str, done: Callable[[], bool]) -> float:
    """Return how long a backlog takes, from enabling its function: the start is included."""
    began = time.monotonic()
    cloud.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    while not done():
        if time.monotonic() > began + LONGEST_SECONDS:
            raise RuntimeError(f"the functions did not finish within {LONGEST_SECONDS} s")
        time.sleep(0.02)
    return time.monotonic() - began


def _row(begin: int, number: int) -> dict:
    now = int(time.time() * 1000)
    return {
        "MetricType": METRIC,
        "EventTimestamp": begin + number // len(ITEMS) * BUCKET,
        "MetricItem": ITEMS[number % len(ITEMS)],
        "UnitValueInt": number + 1,
        "UnitValueFloat": None,
        "Samples": number + 1,
        "NewestBeacon": now,
        "EmittedAt": now,
    }


def _put(cloud: Cloud, rows: list[dict]) -> None:
    for start in range(0, len(rows), 500):
        changes = ({"before": None, "after": row, "op": "c"} for row in rows[start : start + 500])
        records = [{"PartitionKey": METRIC, "Data": json.dumps(each).encode()} for each in changes]
        cloud.client("kinesis").put_records(StreamName=cloud.name("metrics"), Records=records)


def _mapping(cloud: Cloud, function: str) -> str:
    answer = cloud.client("lambda").list_event_source_mappings(FunctionName=cloud.name(function))
    return answer["EventSourceMappings"][0]["UUID"]


def _disable(cloud: Cloud, mapping: str) -> None:
    cloud.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    time.sleep(1.5)  # until a running call has ended


def _stored(cloud: Cloud, row: dict) -> bool:
    key = {
        "MetricType": {"S": row["MetricType"]},
        "Bucket": {"S": f"{row['EventTimestamp']:016d}#{row['MetricItem']}"},
    }
    name = cloud.name("MetricDetails")
    return "Item" in cloud.client("dynamodb").get_item(TableName=name, Key=key)


def _published(cloud: Cloud, row: dict) -> bool:
    client, at = cloud.client("cloudwatch"), row["EventTimestamp"]
    answer = client.get_metric_statistics(
        Namespace="RealtimeWebAnalytics",
        MetricName=METRIC,
        Dimensions=[
            {"Name": "Stack", "Value": cloud.prefix},
            {"Name": "Item", "Value": row["MetricItem"]},
        ],
        StartTime=at,
        EndTime=at + BUCKET,
        Period=BUCKET,
        Statistics=["Sum"],
    )
    return any(point["Sum"] == row["UnitValueInt"] for point in answer["Datapoints"])
