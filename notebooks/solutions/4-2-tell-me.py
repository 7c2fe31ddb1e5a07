# ruff: noqa: F821
# Send a message when the anomaly score of page views reaches 2.0. `check` and `cloud` come from the notebook.
from helpers import alarm_messages, outputs, poll_until

topic = outputs(cloud, "3-visualize")["AlarmsTopic"]
cloudwatch, name = cloud.client("cloudwatch"), cloud.name("pageview-anomaly")
cloudwatch.put_metric_alarm(
    AlarmName=name,
    Namespace="RealtimeWebAnalytics",
    MetricName="event_anomaly",
    Dimensions=[
        {"Name": "Stack", "Value": cloud.prefix},
        {"Name": "Item", "Value": "pageview"},
    ],
    Statistic="Maximum",
    Period=10,
    EvaluationPeriods=1,
    Threshold=2.0,
    ComparisonOperator="GreaterThanOrEqualToThreshold",
    # Without beacons there is no score. Another alarm, no-beacons, reports that case.
    TreatMissingData="notBreaching",
    AlarmActions=[topic],
)
# To get an e-mail, subscribe an address. AWS sends it a message that asks for confirmation:
# cloud.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="you@example.com")

# Set the alarm by hand, to test that its message arrives.
cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="Set by hand")


def own_messages():
    messages = alarm_messages(cloud)
    return messages[messages["Alarm"] == name]


messages = poll_until(own_messages, len, "the alarm sends its message")

check.exercise(cloud, "4-2", name)

# No stack contains this alarm, so it would stay when the stacks are deleted. Delete it here.
cloudwatch.delete_alarms(AlarmNames=[name])
messages.head(3)
