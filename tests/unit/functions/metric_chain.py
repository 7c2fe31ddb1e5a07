"""Runs both functions: from rows of Flink to CloudWatch's sums."""

import time
from datetime import UTC, datetime

import pytest

from tests.unit.functions.lambdas import changes, container, kinesis_event, put_catalog

HOUR = int(time.time()) // 3600 * 3600 - 3600  # the start of the previous hour
NAMESPACE = "RealtimeWebAnalytics"


class Chain:
    """process_metrics, the table, its stream, publish_metrics, CloudWatch."""

    def __init__(self, cloud):
        self.cloud, self.position = cloud, 0
        self.process, self.publish = container("process_metrics"), container("publish_metrics")

    def new_changes(self):
        records = changes(self.cloud)[self.position :]
        self.position += len(records)
        return {"Records": records}

    def send(self, *rows, publish=None):
        """Store rows and publish them; return the published batch of changes."""
        assert self.process.run(kinesis_event(list(rows)), None) == {"batchItemFailures": []}
        batch = self.new_changes()
        assert (publish or self.publish).run(batch, None) == {"batchItemFailures": []}
        return batch

    def read(self, metric="top_pages", statistic="Sum", period=10):
        """Return CloudWatch's values by item, then by start of the period."""
        cloudwatch, values = self.cloud.client("cloudwatch"), {}
        for each in self.metrics(metric):
            points = cloudwatch.get_metric_statistics(
                Namespace=NAMESPACE,
                MetricName=metric,
                Dimensions=each["Dimensions"],
                StartTime=datetime.fromtimestamp(HOUR - 3600, UTC),
                EndTime=datetime.fromtimestamp(HOUR + 7200, UTC),
                Period=period,
                Statistics=[statistic],
            )["Datapoints"]
            item = next(d["Value"] for d in each["Dimensions"] if d["Name"] == "Item")
            values[item] = {int(p["Timestamp"].timestamp()): p[statistic] for p in points}
        return values

    def metrics(self, metric="top_pages"):
        stack = [{"Name": "Stack", "Value": self.cloud.prefix}]
        pages = self.cloud.client("cloudwatch").get_paginator("list_metrics")
        pages = pages.paginate(Namespace=NAMESPACE, MetricName=metric, Dimensions=stack)
        return pages.build_full_result()["Metrics"]

    def total(self, metric="top_pages"):
        return sum(sum(points.values()) for points in self.read(metric).values())


@pytest.fixture
def chain(cloud):
    put_catalog(cloud)
    return Chain(cloud)
