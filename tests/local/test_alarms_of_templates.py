"""The templates' alarms: metric math, no beacons, exceptions; and the controller's process."""

import json
import time

from helpers.local import child_process
from tests.catcher import until
from tests.local.stacks import stack
from tests.local.watch import NAMESPACE
from tests.template_files import read_template


def test_an_alarm_on_metric_math_is_evaluated(watch):
    watch.alarm(
        Metrics=[
            watch.stat("bad", "exception"),
            watch.stat("good", "pageview"),
            {"Id": "share", "Expression": "bad / SUM(METRICS())", "Label": "exceptions"},
        ],
        Threshold=0.1,
        TreatMissingData="notBreaching",
    )
    described = watch.described()
    assert [entry["Id"] for entry in described["Metrics"]] == ["bad", "good", "share"]
    assert "MetricName" not in described and "Period" not in described
    assert watch.look(0) == "OK"
    watch.put(0, 90, item="pageview")
    watch.put(30, 10, item="exception")
    assert watch.look(60) == "OK"  # exactly a tenth
    watch.put(60, 89, item="pageview")
    watch.put(119, 10, item="exception")
    assert watch.look(120) == "ALARM"
    watch.put(
        120, 100, item="pageview"
    )  # without an exception there is no share, which is not breaching
    assert watch.look(240) == "ALARM"  # missing datapoints are ignored while the range has others
    assert watch.look(300) == "OK"
    assert watch.messages() == ["OK", "ALARM", "OK"]


def test_an_alarm_on_metric_math_from_a_template_is_evaluated(watch, emulator):
    stat = watch.stat("m1", "click")
    stat["MetricStat"]["Period"] = {"Ref": "Period"}  # a parameter is text
    properties = {
        "AlarmName": watch.name,
        "Metrics": [stat, {"Id": "double", "Expression": "2 * m1"}],
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 9,
    }
    parameters = {"Period": {"Type": "Number", "Default": 10}}
    resources = {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}
    with stack(emulator, watch.name, resources, Parameters=parameters):
        watch.put(0, 5)
        assert watch.look(10) == "ALARM"
    assert watch.cloudwatch.describe_alarms(AlarmNames=[watch.name])["MetricAlarms"] == []


def from_template(watch, logical: str) -> None:
    """Put an alarm of the template, on this test's metric in place of the workshop's."""
    kept = dict(read_template("3-visualize")["Resources"][logical]["Properties"])
    for key in ("AlarmName", "AlarmActions", "OKActions", "Tags"):
        del kept[key]
    text = json.dumps(kept).replace('{"Ref": "Prefix"}', '"rwa"')
    text = text.replace("RealtimeWebAnalytics", NAMESPACE)
    text = text.replace('"MetricName": "event_count"', f'"MetricName": "{watch.name}"')
    text = text.replace('{"Name": "Stack", "Value": "rwa"}, ', "")
    watch.cloudwatch.put_metric_alarm(AlarmName=watch.name, **json.loads(text))


def test_the_templates_alarm_on_missing_beacons(watch):
    from_template(watch, "NoBeaconsAlarm")
    watch.put(0, 1, item="pageview")
    watch.put(5, 1, item="click")
    # The last pageview's period is over after 10 s, and it counts for 70 s more.
    assert [watch.look(second) for second in (10, 60, 79)] == ["OK", "OK", "OK"]
    assert watch.look(90) == "ALARM"
    watch.put(95, 1, item="pageview")
    assert watch.look(100) == "OK"


def test_the_templates_alarm_on_exceptions(watch):
    from_template(watch, "ExceptionsAlarm")
    for second, exceptions in ((0, 10), (60, 11), (120, 10)):
        watch.put(second, 60, item="pageview")
        watch.put(second + 10, 30, item="click")
        watch.put(second + 50, exceptions, item="exception")
    assert [watch.look(second) for second in (60, 120, 180)] == ["OK", "ALARM", "OK"]
    assert [watch.look(second) for second in (240, 300, 360)] == ["OK"] * 3


def test_the_process_sets_alarms_on_new_data_and_ends_on_sigterm(watch, emulator, tmp_path):
    log = tmp_path / "alarms.log"
    process = child_process.start(
        ["-m", "helpers.local.alarms"], log=log, environment=emulator.child_environment()
    )
    try:
        watch.alarm()
        for second in range(560, 640, 10):  # the buckets around this moment
            watch.put(second + time.time() % 60 // 10 * 10, 5)
        until(lambda: watch.described()["StateValue"] == "ALARM")
        assert watch.messages() == ["ALARM"]
    finally:
        assert child_process.end(process) == 0, log.read_text()
    assert "ALARM" in log.read_text() and "Traceback" not in log.read_text()
