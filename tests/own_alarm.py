"""An alarm of a learner's own, which no stack has: the right one of exercise 4-2."""

from helpers.core.cloud import Cloud


def put_own_alarm(
    cloud: Cloud, stack: str | None = None, item: str = "pageview", **changes: object
) -> str:
    """Create an alarm on the anomaly score of page views; return its name.

    Args:
        cloud: the account, region and prefix.
        stack, item: the dimensions of its metric; of this pipeline by default.
        changes: parameters of PutMetricAlarm that replace the right ones.
    """
    dimensions = {"Stack": stack or cloud.prefix, "Item": item}
    right = {
        "AlarmName": cloud.name("own-alarm"),
        "Namespace": "RealtimeWebAnalytics",
        "MetricName": "event_anomaly",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Maximum",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 2.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": ["arn:aws:sns:eu-central-1:000000000000:alarms"],
    }
    cloud.client("cloudwatch").put_metric_alarm(**right | changes)
    return cloud.name("own-alarm")
