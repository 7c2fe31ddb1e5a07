"""Alarms: no evaluation in the emulator, and alarms on metric math.

MiniStack evaluates an alarm when data arrives, over any metric of that name, and knows nothing of
missing data, so that it never goes back to OK by itself. The alarm controller does it as AWS
documents, and two evaluators would contradict each other: this one is turned off.

AWS: PutMetricAlarm and AWS::CloudWatch::Alarm take `Metrics`, a list of metrics and expressions,
in place of one metric; DescribeAlarms returns it. MiniStack's API drops it, its CloudFormation
refuses it.
"""

from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

_put_metric_alarm = cloudwatch._put_metric_alarm
_record = provisioners._cw_metric_alarm_record
_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")


def apply() -> None:
    """Turn the evaluation off; let `Metrics` through."""
    cloudwatch._evaluate_alarm = cloudwatch._evaluate_all_alarms = lambda *_: None
    cloudwatch._put_metric_alarm = put_metric_alarm
    provisioners._cw_metric_alarm_record = record


def put_metric_alarm(params: dict, data: dict, is_cbor: bool, is_json: bool = False) -> tuple:
    """Answer PutMetricAlarm; keep the request's `Metrics` (boto3 speaks CBOR or JSON)."""
    answer = _put_metric_alarm(params, data, is_cbor, is_json)
    stored = cloudwatch._alarms.get(data.get("AlarmName", ""))
    if stored and data.get("Metrics"):
        _on_metrics(stored, data["Metrics"])
    return answer


def record(name: str, properties: dict) -> dict:
    """Return the emulator's dict of a template's alarm.

    Args:
        name: the alarm's.
        properties: the resource's.
    """
    metrics = properties.get("Metrics")
    if not metrics:
        return _record(name, properties)
    # MiniStack asks for one metric; it is taken out again.
    stored = _record(name, {**properties, "Metrics": None, "MetricName": "-", "Namespace": "-"})
    _on_metrics(stored, [_typed(entry) for entry in metrics])
    return stored


def _on_metrics(stored: dict, metrics: list) -> None:
    stored["Metrics"] = metrics
    for key in _ONE_METRIC:
        stored[key] = None
    stored["Dimensions"] = []


def _typed(entry: dict[str, Any]) -> dict[str, Any]:
    """Give numbers and booleans their types: a template's parameters arrive as text."""
    typed = dict(entry)
    if "ReturnData" in entry:
        typed["ReturnData"] = str(entry["ReturnData"]).lower() == "true"
    if "MetricStat" in entry:
        stat = entry["MetricStat"]
        typed["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    if "Period" in entry:
        typed["Period"] = int(entry["Period"])
    return typed
