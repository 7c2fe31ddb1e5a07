"""The alarms' states, messages and history, read from the emulator."""

import json

import pytest

from helpers import alarm_history, alarm_messages, alarm_states
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError


@pytest.fixture
def cloud(emulator, own_home) -> Cloud:
    """A prefix with one alarm, its topic and its inbox, as in 3-visualize."""
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


def set_state(cloud, state, reason):
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName="bell-click-anomaly", StateValue=state, StateReason=reason
    )


def publish(cloud, message: str):
    topic = f"arn:aws:sns:{cloud.region}:{cloud.account}:bell-alarms"
    cloud.client("sns").publish(TopicArn=topic, Message=message)


def test_alarm_states_returns_the_state_its_time_and_its_reason(cloud):
    set_state(cloud, "ALARM", "too many")
    [row] = alarm_states(cloud).to_dict("records")
    assert row.pop("Since").tzinfo is not None
    assert row == {"Alarm": "bell-click-anomaly", "State": "ALARM", "Reason": "too many"}


def test_messages_that_were_received_stay_available_to_every_kernel(cloud):
    set_state(cloud, "ALARM", "too many")
    set_state(cloud, "OK", "enough")
    first, second = alarm_messages(cloud), alarm_messages(cloud)  # then the queue is empty
    assert sorted(first["State"]) == ["ALARM", "OK"]
    assert first.equals(second)
    set_state(cloud, "ALARM", "again")
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
        publish(cloud, json.dumps(message))
    assert list(alarm_messages(cloud)["Reason"]) == ["3", "2", "1"]


def test_all_batches_of_messages_are_received(cloud):
    for number in range(23):
        publish(cloud, f"message {number}")
    assert set(alarm_messages(cloud)["Reason"]) == {f"message {number}" for number in range(23)}


def test_messages_from_before_the_queues_creation_are_left_out(cloud, own_home):
    set_state(cloud, "ALARM", "before")
    assert len(alarm_messages(cloud)) == 1
    [path] = (own_home / "inbox").glob("*.json")
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({name: each | {"Time": 1.0} for name, each in kept.items()}))
    assert alarm_messages(cloud).empty
    assert list(alarm_messages(cloud).columns) == ["Time", "Alarm", "State", "Reason"]


def test_messages_of_other_senders_are_shown_as_escaped_text(cloud):
    nasty = "<img src=x onerror=alert(1)>\u202etxt.exe\n"
    publish(cloud, nasty)
    queue = cloud.client("sqs").get_queue_url(QueueName="bell-inbox")["QueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody='{"not": "from SNS"}')
    set_state(cloud, "ALARM", "a < b")
    frame = alarm_messages(cloud)
    assert set(frame["Alarm"]) == {"", "bell-click-anomaly"} and len(frame) == 3
    shown = frame._repr_html_()
    assert "<img" not in shown and "\u202e" not in shown and "&lt;img" in shown
    assert '{"not": "from SNS"}' in set(frame["Reason"])


def test_alarm_history_returns_the_changes_newest_first(cloud):
    before = len(alarm_history(cloud, "click-anomaly"))
    for state, reason in (("OK", "fine"), ("ALARM", "too many"), ("ALARM", "still")):
        set_state(cloud, state, reason)
    history = alarm_history(cloud, "click-anomaly")
    assert len(history) == before + 2  # the same state again is no change
    assert list(history["Reason"][:2]) == ["too many", "fine"]
    assert list(history.iloc[0][["From", "To"]]) == ["OK", "ALARM"]
    assert history.equals(alarm_history(cloud, "bell-click-anomaly"))


def test_an_unknown_alarm_raises_an_error_with_the_names_of_the_alarms(cloud):
    with pytest.raises(WorkshopError, match="bell-click-anomaly"):
        alarm_history(cloud, "no-such")
