"""An alarm's state: the tables of AWS's document, M of N, and every comparison.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import pytest

from helpers.core.metric_math import Unsupported
from helpers.local.alarms.definition import alarm
from helpers.local.alarms.rules import COMPARISONS, decide

MEANING = {"0": False, "X": True, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
RETAIN, UNKNOWN = None, "INSUFFICIENT_DATA"

# "In the first table, Datapoints to Alarm and Evaluation Periods are both 3." Columns: data points,
# how many must be filled, and the state for MISSING, IGNORE, BREACHING and NOT BREACHING.
THREE_OF_THREE = [
    ("0 - X - X", 0, "OK", "OK", "OK", "OK"),
    ("0 - - - -", 2, "OK", "OK", "OK", "OK"),
    ("- - - - -", 3, UNKNOWN, RETAIN, "ALARM", "OK"),
    ("0 X X - X", 0, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("- - X - -", 2, "ALARM", RETAIN, "ALARM", "OK"),
]
# "Datapoints to Alarm is only 2 while Evaluation Periods is 3."
TWO_OF_THREE = [
    ("0 - X - X", 0, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", 0, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", 1, "OK", "OK", "ALARM", "OK"),
    ("- - - - 0", 2, "OK", "OK", "ALARM", "OK"),
    ("- - - X -", 2, "ALARM", RETAIN, "ALARM", "OK"),
]
DOCUMENTED = [(3, *row) for row in THREE_OF_THREE] + [(2, *row) for row in TWO_OF_THREE]


def points(text: str) -> list[bool | None]:
    return [MEANING[point] for point in text.split()]


@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: f"{row[0]} of 3: {row[1]}")
def test_the_states_are_those_of_the_documents_tables(row):
    needed, text, filled, *states = row
    for missing, state in zip(TREATMENTS, states, strict=True):
        decision = decide(points(text), 3, needed, missing)
        assert (decision.state, decision.filled) == (state, filled), missing


@pytest.mark.parametrize("text", ["- - - - X", "- - - X -"])
def test_a_young_breaching_datapoint_keeps_the_state(text):
    # "the alarm does not go immediately into ALARM state [...] and Datapoints to Alarm is 3"
    assert decide(points(text), 3, 3, "missing").state is RETAIN


def test_two_real_breaches_suffice_for_two_of_three_however_missing_data_is_treated():
    for missing in TREATMENTS:
        assert decide(points("- - - X X"), 3, 2, missing).state == "ALARM"


def test_the_newest_datapoints_count_and_older_ones_only_where_newer_are_missing():
    assert decide(points("X X 0 0 0"), 3, 1).state == "OK"
    assert decide(points("X - 0 - 0"), 3, 1).state == "ALARM"
    assert decide(points("X - 0 - 0"), 3, 1).used == (0, 2, 4)


@pytest.mark.parametrize("needed", [1, 2, 3, 4, 5])
def test_m_breaches_of_n_suffice_for_an_alarm(needed):
    for breaching in range(6):
        newest = [True] * breaching + [False] * (5 - breaching)
        expected = "ALARM" if breaching >= needed else "OK"
        assert decide([True, True, *newest], 5, needed).state == expected


def test_each_comparison_below_at_and_above_the_threshold():
    breaches = {name: [compare(v, 2) for v in (1, 2, 3)] for name, compare in COMPARISONS.items()}
    assert breaches == {
        "GreaterThanThreshold": [False, False, True],
        "GreaterThanOrEqualToThreshold": [False, True, True],
        "LessThanThreshold": [True, False, False],
        "LessThanOrEqualToThreshold": [True, True, False],
    }


DESCRIBED = {
    "AlarmName": "a",
    "StateValue": "OK",
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 2.0,
    "EvaluationPeriods": 3,
}
METRIC = {
    "Namespace": "N",
    "MetricName": "M",
    "Dimensions": [{"Name": "Item", "Value": "click"}],
    "Period": 10,
}


def test_an_alarm_on_one_metric_has_one_query():
    read = alarm({**DESCRIBED, **METRIC, "Statistic": "Average", "ExtendedStatistic": "p99.9"})
    assert (read.period, read.periods, read.needed, read.range) == (10, 3, 3, 5)
    assert (read.missing, read.statistic) == ("missing", "p99.9")
    assert read.queries == {
        "m1": {
            "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": METRIC["Dimensions"]},
            "Period": 10,
            "Stat": "p99.9",
        }
    }
    assert read.breaches([None, 2.0, 2.5]) == [None, False, True]


def test_an_alarm_on_an_expression_has_its_metrics_and_expressions():
    def of(name: str, **more: object) -> dict:
        return {"Id": name, "ReturnData": False, **more}

    stat = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        of("m1", MetricStat=stat),
        of("m2", MetricStat=stat),
        of("share", Expression="m1 / m2"),
        {"Id": "percent", "Expression": "100 * share"},
    ]
    read = alarm({**DESCRIBED, "Metrics": metrics, "DatapointsToAlarm": 2})
    assert (read.period, read.needed, read.result) == (60, 2, "percent")
    assert read.values({"m1": [1.0, 0.0], "m2": [4.0, 0.0]}) == [25.0, None]


@pytest.mark.parametrize(
    "changed",
    [
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"Statistic": None, "ExtendedStatistic": "tm99"},
        {"Metrics": [{"Id": "q", "Expression": "SELECT AVG(x) FROM y"}]},
    ],
    ids=["anomaly band", "trimmed mean", "SQL"],
)
def test_an_alarm_that_only_cloudwatch_can_evaluate_is_unsupported(changed):
    with pytest.raises(Unsupported):
        alarm({**DESCRIBED, **METRIC, **changed})
