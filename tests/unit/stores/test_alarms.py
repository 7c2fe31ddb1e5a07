"""What a notebook shows of alarms, against the emulator."""

import json

import pytest

from helpers import alarm_history, alarm_messages, alarm_states
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError


@pytest.fixture
def cloud(emulator, own_home) -> Cloud:
    """A prefix with one alarm, its topic and its inbox, as 3-visualize makes them."""
    cloud = Cloud(emulator.session, emulator.account, "bell", emulator.endpoint)
    topic = cloud.client("sns").create_topic(Name="bell-alarms")["TopicArn"]
    queue = cloud.client("sqs").create_queue(QueueName="bell-inbox")["QueueUrl"]
    arn = f"arn:aws:sqs:{cloud.region}:{cloud.account}:bell-inbox"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="bell-click-anomaly",
        Namespace="RealtimeWebAnalytics",
        MetricName="event_anomaly",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=2.0,
        AlarmActions=[topic],
        OKActions=[topic],
    )
    yield cloud
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["bell-click-anomaly"])
    cloud.client("sqs").delete_queue(QueueUrl=queue)
    cloud.client("sns").delete_topic(TopicArn=topic)


def ring(cloud, state, reason):
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName="bell-click-anomaly", StateValue=state, StateReason=reason
    )


def topic(cloud) -> str:
    return f"arn:aws:sns:{cloud.region}:{cloud.account}:bell-alarms"


def test_states_tell_what_each_alarm_says_and_since_when(cloud):
    ring(cloud, "ALARM", "too many")
    [row] = alarm_states(cloud).to_dict("records")
    assert (row["Alarm"], row["State"], row["Reason"]) == (
        "bell-click-anomaly",
        "ALARM",
        "too many",
    )
    assert row["Since"].tzinfo is not None


def test_the_inbox_keeps_what_it_received_for_every_kernel(cloud):
    ring(cloud, "ALARM", "too many")
    ring(cloud, "OK", "enough")
    first, second = alarm_messages(cloud), alarm_messages(cloud)  # the second finds the queue empty
    assert sorted(first["State"]) == ["ALARM", "OK"]
    assert first.equals(second)
    ring(cloud, "ALARM", "again")
    assert sorted(alarm_messages(cloud)["Reason"]) == ["again", "enough", "too many"]
    queue = cloud.client("sqs").get_queue_url(QueueName="bell-inbox")["QueueUrl"]
    assert not cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages")


def test_the_newest_message_comes_first(cloud):
    for second in (1, 3, 2):
        message = {
            "AlarmName": "bell-click-anomaly",
            "NewStateValue": "ALARM",
            "NewStateReason": str(second),
            "StateChangeTime": f"2099-11-25T00:00:0{second}.000+0000",  # as AWS writes it
        }
        cloud.client("sns").publish(TopicArn=topic(cloud), Message=json.dumps(message))
    assert list(alarm_messages(cloud)["Reason"]) == ["3", "2", "1"]


def test_more_than_one_batch_of_messages(cloud):
    for number in range(23):
        cloud.client("sns").publish(TopicArn=topic(cloud), Message=f"message {number}")
    assert set(alarm_messages(cloud)["Reason"]) == {f"message {number}" for number in range(23)}


def test_a_queue_that_was_made_anew_has_no_old_messages(cloud, own_home):
    ring(cloud, "ALARM", "before")
    assert len(alarm_messages(cloud)) == 1
    [path] = (own_home / "inbox").glob("*.json")
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({name: each | {"Time": 1.0} for name, each in kept.items()}))
    assert alarm_messages(cloud).empty
    assert list(alarm_messages(cloud).columns) == ["Time", "Alarm", "State", "Reason"]


def test_what_others_wrote_is_shown_and_does_no_harm(cloud):
    nasty = "<img src=x onerror=alert(1)>\u202etxt.exe\n"
    cloud.client("sns").publish(TopicArn=topic(cloud), Message=nasty)
    queue = cloud.client("sqs").get_queue_url(QueueName="bell-inbox")["QueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody='{"not": "from SNS"}')
    ring(cloud, "ALARM", "a < b")
    frame = alarm_messages(cloud)
    assert set(frame["Alarm"]) == {"", "bell-click-anomaly"} and len(frame) == 3
    shown = frame._repr_html_()
    assert "<img" not in shown and "\u202e" not in shown and "&lt;img" in shown
    assert '{"not": "from SNS"}' in set(frame["Reason"])


def test_history_tells_the_changes_newest_first(cloud):
    before = len(alarm_history(cloud, "click-anomaly"))
    for state, reason in (("OK", "fine"), ("ALARM", "too many"), ("ALARM", "still")):
        ring(cloud, state, reason)
    history = alarm_history(cloud, "click-anomaly")
    assert len(history) == before + 2  # the same state again is no change
    assert list(history["Reason"][:2]) == ["too many", "fine"]
    assert list(history.iloc[0][["From", "To"]]) == ["OK", "ALARM"]
    assert history.equals(alarm_history(cloud, "bell-click-anomaly"))


def test_an_alarm_that_does_not_exist_is_named_with_those_that_do(cloud):
    with pytest.raises(WorkshopError, match="bell-click-anomaly"):
        alarm_history(cloud, "no-such")
