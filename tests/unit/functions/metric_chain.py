"""From rows of Flink to CloudWatch's sums, through both functions, by hand."""

import time
from datetime import UTC, datetime

import pytest

from tests.unit.functions.lambdas import changes, container, kinesis_event, put_catalog

HOUR = int(time.time()) // 3600 * 3600 - 3600  # one hour that is over
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
        """Let rows go the whole way; return the batch of changes that was published."""
        assert self.process.run(kinesis_event(list(rows)), None) == {"batchItemFailures": []}
        batch = self.new_changes()
        assert (publish or self.publish).run(batch, None) == {"batchItemFailures": []}
        return batch

    def read(self, metric="top_pages", statistic="Sum", period=10):
        """CloudWatch's values by item, then by start of the period."""
        cloudwatch, found = self.cloud.client("cloudwatch"), {}
        for one in self.metrics(metric):
            points = cloudwatch.get_metric_statistics(
                Namespace=NAMESPACE,
                MetricName=metric,
                Dimensions=one["Dimensions"],
                StartTime=datetime.fromtimestamp(HOUR - 3600, UTC),
                EndTime=datetime.fromtimestamp(HOUR + 7200, UTC),
                Period=period,
                Statistics=[statistic],
            )["Datapoints"]
            item = next(d["Value"] for d in one["Dimensions"] if d["Name"] == "Item")
            found[item] = {int(p["Timestamp"].timestamp()): p[statistic] for p in points}
        return found

    def metrics(self, metric="top_pages"):
        stack = [{"Name": "Stack", "Value": self.cloud.prefix}]
        pages = self.cloud.client("cloudwatch").get_paginator("list_metrics")
        found = pages.paginate(Namespace=NAMESPACE, MetricName=metric, Dimensions=stack)
        return found.build_full_result()["Metrics"]

    def total(self, metric="top_pages"):
        return sum(sum(points.values()) for points in self.read(metric).values())


@pytest.fixture
def chain(cloud):
    put_catalog(cloud)
    return Chain(cloud)
