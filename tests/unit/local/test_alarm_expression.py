"""Metric math of alarms, and the reason of a state."""

import json

import pytest

from helpers.core.metric_math import Unsupported
from helpers.local.alarms.definition import alarm, evaluate
from helpers.local.alarms.reason import reason, reason_data
from helpers.local.alarms.rules import decide

M = {"m1": [10.0, 0.0, None, 4.0], "m2": [1.0, 2.0, 3.0, None]}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("m1", [10, 0, None, 4]),
        ("m1 + 1", [11, 1, None, 5]),
        ("100 * m2 / m1", [10, None, None, None]),  # no value where it divides by 0
        ("-m1 + 2 * (m1 - 3)", [4, -6, None, -2]),
        ("m1 ^ 2", [100, 0, None, 16]),
        ("m1 > 3", [1, 0, None, 1]),
        ("m1 > 3 && m2 < 2", [1, 0, None, None]),
        ("m1 >= 10 OR m2 == 2", [1, 1, None, None]),
        ("IF(m1 > 0, m2 / m1, 0)", [0.1, 0, None, None]),
        ("IF(m1 > 0, m1)", [10, None, None, 4]),
        ("IF(m2 > 1, 7, m1)", [10, 7, 7, None]),
        ("FILL(m1, 0)", [10, 0, 0, 4]),
        ("FILL(m2, REPEAT)", [1, 2, 3, 3]),
        ("FILL(m2, m1)", [1, 2, 3, 4]),
        ("SUM([m1, m2])", [11, 2, 3, 4]),
        ("SUM(METRICS())", [11, 2, 3, 4]),
        ("MAX(METRICS()) - MIN(METRICS())", [9, 2, 0, 0]),
        ("AVG(FILL(METRICS(), 0))", [5.5, 1, 1.5, 2]),
        ("m1 / SUM(m1)", [10 / 14, 0, None, 4 / 14]),
        ("ABS(m2 - 2)", [1, 0, 1, None]),
        ("half * 2", [10, 0, None, 4]),
        ("m1 / 0", [None] * 4),
        ("m1 * (1 / 0)", [None] * 4),
        ("(m1 - 20) ^ 0.5", [None] * 4),
    ],
)
def test_an_expression_has_a_value_for_each_period(text, values):
    assert evaluate(text, M, {"half": "m1 / 2"}) == values


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "m1.real",
        "m1[0]",
        "(lambda: m1)()",
        "m3",
        "m1 +",
        "1 < m1 < 3",
        "loop",
        "7",
        "METRICS()",
        "METRICS() + 1",
        "SEARCH('{a} b', 'Sum', 10)",
        "ANOMALY_DETECTION_BAND(m1, 2)",
        "(" * 300 + "m1" + ")" * 300,
    ],
)
def test_invalid_metric_math_is_refused(text):
    with pytest.raises(Unsupported):
        evaluate(text, M, {"loop": "loop2 + 1", "loop2": "loop"})


def described(**changed: object):
    settings = {
        "AlarmName": "rwa-click-anomaly",
        "StateValue": "OK",
        "Namespace": "N",
        "MetricName": "M",
        "Statistic": "Maximum",
        "Period": 10,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 2.0,
        "TreatMissingData": "missing",
    }
    return alarm(settings | changed)


def reason_of(watched, values, start=1_795_564_800) -> str:
    decision = decide(watched.breaches(values), watched.periods, watched.needed, watched.missing)
    return reason(watched, decision, values, start)


def test_the_reason_names_the_datapoints_and_the_threshold():
    assert reason_of(described(), [1.0, 1.0, 2.0, 1.0, 3.0]) == (
        "Threshold Crossed: 2 out of the last 3 datapoints [3.0 (25/11/26 00:00:40), "
        "2.0 (25/11/26 00:00:20)] were greater than or equal to the threshold (2.0) "
        "(minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert reason_of(
        described(EvaluationPeriods=1, DatapointsToAlarm=1, StateValue="ALARM"), [1.5]
    ) == (
        "Threshold Crossed: 1 out of the last 1 datapoint [1.5 (25/11/26 00:00:00)] was not "
        "greater than or equal to the threshold (2.0) "
        "(minimum 1 datapoint for ALARM -> OK transition)."
    )


def test_the_reason_counts_missing_datapoints():
    nothing = [None] * 5
    assert reason_of(described(), nothing) == "Insufficient Data: 3 datapoints were unknown."
    assert reason_of(described(TreatMissingData="breaching"), nothing) == (
        "Threshold Crossed: no datapoints were received for 3 periods and "
        "3 missing datapoints were treated as [Breaching]."
    )
    assert "and 2 missing datapoints were treated as [NonBreaching]" in reason_of(
        described(TreatMissingData="notBreaching"), [None, None, 1.0, None, None]
    )


def test_the_reasons_data_are_json():
    watched, values = described(), [None, 9.0, None, 1.0, 3.0]
    decision = decide(watched.breaches(values), 3, 2, "missing")
    data = json.loads(reason_data(watched, decision, values, 1_795_564_800, 1_795_564_853.25))
    assert data["queryDate"] == "2026-11-25T00:00:53.250+0000"
    assert data["startDate"] == "2026-11-25T00:00:10.000+0000"
    assert data["recentDatapoints"] == [9.0, 1.0, 3.0]
    assert [p["value"] for p in data["evaluatedDatapoints"]] == [3.0, 1.0, 9.0]
    assert (data["statistic"], data["period"], data["threshold"]) == ("Maximum", 10, 2.0)
