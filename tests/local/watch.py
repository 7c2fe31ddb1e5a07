"""One alarm, which the controller evaluates at chosen moments of the past."""

import itertools
import json
import time
from datetime import UTC, datetime

import pytest

from helpers.local.alarms.controller import SETTLING_SECONDS, Controller

NAMESPACE = "AlarmTests"
names = (f"alarm-test-{number}" for number in itertools.count())


class Watch:
    """One alarm on one metric, with a topic and a queue of its own."""

    def __init__(self, cloud):
        self.name, self.cloud = next(names), cloud
        self.cloudwatch, self.sqs = cloud.client("cloudwatch"), cloud.client("sqs")
        self.start = int(time.time()) // 60 * 60 - 600
        self.controller = Controller(self.cloudwatch)
        self.topic = cloud.client("sns").create_topic(Name=self.name)["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        cloud.client("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )

    def alarm(self, **changed):
        """Put the alarm: over 2 in one period of 10 s, unless `changed`."""
        actions = ("AlarmActions", "OKActions", "InsufficientDataActions")
        settings = {
            "AlarmName": self.name,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 2.0,
            **dict.fromkeys(actions, [self.topic]),
        }
        if "Metrics" not in changed:
            settings |= {"Statistic": "Sum", "Period": 10, "Namespace": NAMESPACE}
            settings |= {"MetricName": self.name, "Dimensions": self.dimensions("click")}
        settings = {key: value for key, value in (settings | changed).items() if value is not None}
        self.cloudwatch.put_metric_alarm(**settings)

    def dimensions(self, item):
        return [{"Name": "Item", "Value": item}]

    def stat(self, name, item, period=60):
        metric = {"Namespace": NAMESPACE, "MetricName": self.name}
        metric["Dimensions"] = self.dimensions(item)
        stat = {"Metric": metric, "Period": period, "Stat": "Sum"}
        return {"Id": name, "ReturnData": False, "MetricStat": stat}

    def put(self, second, *values, item="click"):
        """Put values to the metric, `second` s after the start."""
        for value in values:
            datum = {"MetricName": self.name, "Value": value, "StorageResolution": 1}
            datum["Timestamp"] = datetime.fromtimestamp(self.start + second, UTC)
            datum["Dimensions"] = self.dimensions(item)
            self.cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])

    def look(self, second):
        """Evaluate the alarm when the data up to `second` are complete; return the state."""
        self.controller.step(self.start + second + SETTLING_SECONDS)
        return self.described()["StateValue"]

    def described(self):
        return self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]

    def messages(self):
        """Return the new states of the messages, in order."""
        states = []
        while batch := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for received in batch:
                self.sqs.delete_message(
                    QueueUrl=self.queue, ReceiptHandle=received["ReceiptHandle"]
                )
                message = json.loads(json.loads(received["Body"])["Message"])
                assert message["AlarmName"] == self.name
                states.append(message["NewStateValue"])
        return states

    def history(self):
        items = self.cloudwatch.describe_alarm_history(
            AlarmName=self.name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
        )["AlarmHistoryItems"]
        return [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items]

    def remove(self):
        self.cloudwatch.delete_alarms(AlarmNames=[self.name])
        self.cloud.client("sns").delete_topic(TopicArn=self.topic)
        self.sqs.delete_queue(QueueUrl=self.queue)


@pytest.fixture
def watch(emulator):
    watch = Watch(emulator)
    yield watch
    watch.remove()
