"""The alarm controller against the real emulator: states, messages, history.

The tests put data into buckets of the past and evaluate the alarm at chosen moments.
"""

import json

import pytest

from helpers.local.alarms.controller import SETTLING_SECONDS


def test_each_change_of_state_sends_one_message_and_is_in_the_history(watch):
    watch.alarm()
    for second, value in ((0, 1), (10, 5), (20, 1)):
        watch.put(second, value)
    states = [watch.look(second) for second in (10, 13, 17, 20, 23, 26, 28, 30, 33, 36)]
    assert states == ["OK"] * 3 + ["ALARM"] * 4 + ["OK"] * 3
    assert watch.messages() == ["OK", "ALARM", "OK"]
    assert watch.history()[-3:] == ["OK", "ALARM", "OK"]
    assert "[1.0 (" in watch.described()["StateReason"]
    data = json.loads(watch.described()["StateReasonData"])
    assert data["evaluatedDatapoints"][0]["value"] == 1.0


def test_a_state_that_stays_is_not_set_again(watch):
    watch.alarm()
    for second in (0, 10, 20):
        watch.put(second, 5)
    seen = []
    for second in (10, 20, 30):
        watch.look(second)
        seen.append(watch.described()["StateReasonData"])  # it contains the time of the evaluation
    assert seen[0] == seen[1] == seen[2]


def test_the_emulator_itself_evaluates_no_alarm(watch):
    watch.put(0, 100)
    watch.alarm()
    watch.put(595, 100)
    assert watch.described()["StateValue"] == "INSUFFICIENT_DATA"
    assert watch.messages() == []


def test_a_period_that_is_not_complete_is_not_evaluated(watch):
    watch.alarm(TreatMissingData="notBreaching")
    watch.put(10, 5)
    assert [watch.look(19.9), watch.look(22)] == ["OK", "ALARM"]


@pytest.mark.parametrize(
    ("missing", "after_good", "after_bad", "after_nothing"),
    [
        ("missing", "INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "INSUFFICIENT_DATA"),
        ("ignore", "OK", "ALARM", "INSUFFICIENT_DATA"),
        ("breaching", "ALARM", "ALARM", "ALARM"),
        ("notBreaching", "OK", "OK", "OK"),
    ],
)
def test_missing_data_is_treated_in_each_of_the_four_ways(
    watch, missing, after_good, after_bad, after_nothing
):
    watch.alarm(TreatMissingData=missing)
    assert watch.look(0) == after_nothing
    watch.put(10, 1)
    # The range is three periods: the datapoint counts as long as it is in the range.
    assert [watch.look(second) for second in (20, 30, 40)] == ["OK"] * 3
    assert watch.look(50) == after_good
    watch.put(60, 5)
    assert [watch.look(second) for second in (70, 80, 90)] == ["ALARM"] * 3
    assert watch.look(100) == after_bad


def test_two_breaches_of_three_suffice_for_two_of_three(watch):
    watch.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    for second, value in enumerate((5, 1, 1, 5, 1, 5, 1, 1)):
        watch.put(10 * second, value)
    states = [watch.look(second) for second in (30, 40, 50, 60, 70, 80)]
    assert states == ["OK", "OK", "OK", "ALARM", "OK", "OK"]


def test_an_alarm_of_a_longer_period_reads_only_its_own_items_values(watch):
    watch.alarm(Period=60, Statistic="Sum", Threshold=10)
    watch.put(0, 4)
    watch.put(30, 4)
    watch.put(30, 100, item="pageview")
    assert watch.look(60) == "OK"
    watch.put(60, 6)
    watch.put(119, 6)
    assert watch.look(120) == "ALARM"


def test_an_alarm_on_a_percentile_is_evaluated(watch):
    watch.alarm(Statistic=None, ExtendedStatistic="p90", Threshold=8.0)
    watch.put(0, *range(10))  # p90 is 8.1, the mean 4.5, the sum 45
    assert watch.look(10) == "ALARM"
    assert "[8.1 (" in watch.described()["StateReason"]


def test_disabled_actions_send_no_message(watch):
    watch.alarm(ActionsEnabled=False)
    watch.put(0, 5)
    assert watch.look(10) == "ALARM"
    assert watch.messages() == []
    watch.cloudwatch.enable_alarm_actions(AlarmNames=[watch.name])
    watch.put(10, 1)
    assert watch.look(20) == "OK"
    assert watch.messages() == ["OK"]


def test_a_deleted_alarm_is_forgotten_and_a_changed_one_is_evaluated_at_once(watch):
    watch.alarm()
    watch.put(0, 5)
    assert watch.look(10) == "ALARM"
    watch.cloudwatch.delete_alarms(AlarmNames=[watch.name])
    watch.controller.step(watch.start + 20)
    assert not [key for key in watch.controller._due if key[0] == watch.name]
    watch.alarm(Threshold=7.0)  # the same name again: a new alarm
    assert watch.described()["StateValue"] == "INSUFFICIENT_DATA"
    assert watch.look(10) == "OK"


def test_an_alarm_that_cannot_be_evaluated_delays_no_other(watch, emulator):
    odd = {"AlarmName": f"{watch.name}-a", "EvaluationPeriods": 1}  # comes first by its name
    watch.alarm(**odd, Metrics=[{"Id": "q", "Expression": "SELECT AVG(x) FROM y"}])
    watch.alarm(AlarmName=f"{watch.name}-b")
    watch.put(0, 5)
    watch.controller.step(watch.start + 10 + SETTLING_SECONDS)
    watch.controller.step(watch.start + 14 + SETTLING_SECONDS)
    alarms = watch.cloudwatch.describe_alarms(AlarmNamePrefix=f"{watch.name}-")["MetricAlarms"]
    assert [alarm["StateValue"] for alarm in alarms] == ["INSUFFICIENT_DATA", "ALARM"]
    watch.cloudwatch.delete_alarms(AlarmNames=[f"{watch.name}-a", f"{watch.name}-b"])
