# ruff: noqa: F821
# A message when the anomaly score of page views passes 2.0. `cloud` is the notebook's.
from helpers import inbox, let_run, outputs

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
    # A score comes only with beacons; whether there are any is another alarm's business.
    TreatMissingData="notBreaching",
    AlarmActions=[topic],
)
# For an e-mail, subscribe; AWS then asks the address whether it wants this:
# cloud.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="you@example.com")

# Ring it by hand, to see that the wire is whole.
cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="Rung by hand")
let_run(seconds=3)
messages = inbox(cloud)

# No stack knows of an alarm made by hand, so none would take it down.
cloudwatch.delete_alarms(AlarmNames=[name])
messages[messages["Alarm"] == name].head(3)
