"""CloudWatch: alarms on metric math, no evaluation of alarms, less frequent eviction of metrics.

MiniStack evaluates an alarm when data arrives, over any metric of that name, and ignores missing
data, so an alarm never returns to OK by itself. The alarm controller evaluates alarms as AWS
documents; MiniStack's evaluation is turned off, because the two would contradict each other.

AWS: PutMetricAlarm and AWS::CloudWatch::Alarm accept `Metrics`, a list of metrics and expressions,
in place of one metric; DescribeAlarms returns it. MiniStack's API drops it, its CloudFormation
refuses it.

MiniStack rewrites the list of every metric's points at each request, to drop those older than two
weeks. This slows down a chart's refresh with every point ever put. Here that happens once a minute.
"""

import time
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

SECONDS_BETWEEN_EVICTIONS = 60
_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")
_evict = cloudwatch._evict_old_metrics
_put_metric_alarm = cloudwatch._put_metric_alarm
_record = provisioners._cw_metric_alarm_record
_last_eviction = 0.0


def apply() -> None:
    """Turn the evaluation off, accept `Metrics`, and evict old metrics once a minute."""
    cloudwatch._evaluate_alarm = cloudwatch._evaluate_all_alarms = lambda *_: None
    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._evict_old_metrics = evict_old_metrics
    provisioners._cw_metric_alarm_record = record


def evict_old_metrics() -> None:
    """Run the emulator's own eviction if it last ran over a minute ago."""
    global _last_eviction
    if time.monotonic() - _last_eviction > SECONDS_BETWEEN_EVICTIONS:
        _last_eviction = time.monotonic()
        _evict()


def put_metric_alarm(params: dict, data: dict, is_cbor: bool, is_json: bool = False) -> tuple:
    """Answer PutMetricAlarm; keep the request's `Metrics` (boto3 sends CBOR or JSON)."""
    answer = _put_metric_alarm(params, data, is_cbor, is_json)
    stored = cloudwatch._alarms.get(data.get("AlarmName", ""))
    if stored and data.get("Metrics"):
        _set_metrics(stored, data["Metrics"])
    return answer


def record(name: str, properties: dict) -> dict:
    """Return the emulator's dict of a template's alarm."""
    metrics = properties.get("Metrics")
    if not metrics:
        return _record(name, properties)
    # MiniStack requires one metric; `_set_metrics` removes it again.
    stored = _record(name, {**properties, "Metrics": None, "MetricName": "-", "Namespace": "-"})
    _set_metrics(stored, [_with_types(entry) for entry in metrics])
    return stored


def _set_metrics(stored: dict, metrics: list) -> None:
    stored |= {"Metrics": metrics, "Dimensions": [], **dict.fromkeys(_ONE_METRIC)}


def _with_types(entry: dict[str, Any]) -> dict[str, Any]:
    # A template's parameters arrive as text.
    typed = dict(entry)
    if "ReturnData" in entry:
        typed["ReturnData"] = str(entry["ReturnData"]).lower() == "true"
    if "MetricStat" in entry:
        stat = entry["MetricStat"]
        typed["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    if "Period" in entry:
        typed["Period"] = int(entry["Period"])
    return typed
