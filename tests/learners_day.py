"""A learner's day: every call that the helpers make, on the emulator or with its answers."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber

import helpers.accounts
import helpers.analytics
import helpers.athena
import helpers.causes
import helpers.deployment
import helpers.leftovers
import helpers.teardown
from helpers.alarms import alarm_history, alarm_states, inbox
from helpers.analytics import start_analytics, stop_analytics, update_analytics
from helpers.archive import archived_beacons
from helpers.athena import query_archive
from helpers.bill import cost
from helpers.cloud import Cloud
from helpers.dashboard_query import Query, Reader
from helpers.dashboard_search import parse_search
from helpers.dashboards import add_widget, dashboard_json
from helpers.datapoint_watch import CloudWatchWatch
from helpers.dead_letter_queue import dead_letters, replay_dead_letters
from helpers.deployment import deploy
from helpers.dynamodb import catalog, metric_values
from helpers.errors import WorkshopError
from helpers.fleet import beacon_url, fleet_size
from helpers.generator.clicks_stream import ClicksStream
from helpers.generator.duplicates import Duplicates
from helpers.late_lab import send_late
from helpers.reconciling import reconcile
from helpers.stacks import MODULES
from helpers.stages import shown, whole_buckets
from helpers.stream import newest_records
from helpers.teardown import destroy
from tests.small_code import small_code

ACCOUNT = "000000000000"
HERE = f"us-east-1:{ACCOUNT}"


def exercise(cloud: Cloud, folder, patch) -> None:
    """Make the calls of a learner's day, on the emulator."""
    (folder / "main.py").write_text("")
    small = small_code(folder)
    patch.setattr(helpers.deployment, "CODE", small)
    patch.setattr(helpers.analytics, "check_code", lambda code, groups: None)  # Flink's, and slow
    for module in MODULES:
        deploy(cloud, module)
    deploy(cloud, "1-capture", BufferSeconds=5)
    own = cloud.session.get_credentials()
    other = boto3.Session(own.access_key, own.secret_key, region_name="us-east-1")
    other = other.client("ssm", endpoint_url=cloud.endpoint)
    other.put_parameter(Name="/rwa/beacon-url", Value=f"{cloud.endpoint}/beacon", Overwrite=True)
    beacon_url(cloud)
    fleet_size(cloud, 2)
    start_analytics(cloud)
    cost(cloud)
    stop_analytics(cloud)
    update_analytics(cloud, folder)
    send_late(cloud, 2, at=datetime.now(UTC) - timedelta(minutes=5))
    newest_records(cloud, seconds=60)
    clicks = ClicksStream(lambda: cloud.client("kinesis"), cloud.name("clicks"), lambda line: None)
    clicks.attempt(Duplicates(clicks).read)
    now = int(datetime.now(UTC).timestamp())
    now -= now % 10
    cloud.client("dynamodb").put_item(
        TableName="rwa-MetricDetails",
        Item={"MetricType": {"S": "event_count"}, "Bucket": {"S": f"{now:016d}#click"},
              "EventTimestamp": {"N": str(now)}, "MetricItem": {"S": "click"},
              "UnitValueInt": {"N": "3"}, "Samples": {"N": "3"}, "NewestBeacon": {"N": "1"},
              "UpdatedAt": {"N": "1"}},
    )  # fmt: skip
    metric_values(cloud, "event_count")
    catalog(cloud)
    reader = Reader(cloud)
    reader.search(parse_search('{RealtimeWebAnalytics,Stack,Item} MetricName="event_count"'))
    reader.fetch([Query("RealtimeWebAnalytics", "event_count", (), "Sum", 10)], now - 60, now)
    CloudWatchWatch(cloud, "event_count", "click", datetime.now(UTC)).total()
    reconcile(cloud, repair=True)
    shown(cloud, whole_buckets(*(datetime.fromtimestamp(at, UTC) for at in (now - 60, now))))
    helpers.accounts._made(cloud)
    helpers.causes.archive_interval(cloud)
    give_up_a_batch(cloud)
    dead_letters(cloud)
    replay_dead_letters(cloud)
    dashboard_json(cloud)
    add_widget(cloud, {"title": "Mine", "metrics": [["RealtimeWebAnalytics", "event_count"]]})
    alarm_states(cloud)
    alarm_history(cloud, "click-anomaly")
    cloud.client("sqs").send_message(
        QueueUrl=cloud.client("sqs").get_queue_url(QueueName="rwa-inbox")["QueueUrl"],
        MessageBody="hello",
    )
    inbox(cloud)
    cloud.client("s3").put_object(
        Bucket=cloud.bucket("archive"),
        Key=datetime.now(UTC).strftime("beacons/year=%Y/month=%m/day=%d/hour=%H/one"),
        Body=b'{"beacon_id": "1"}\n',
    )
    archived_beacons(cloud)
    query_archive(cloud, "SELECT 1 AS one")
    destroy(cloud)
    # A last run of a function may make its log group anew.
    cloud.client("logs").create_log_group(logGroupName="/aws/lambda/rwa-process-metrics")
    destroy(cloud)


def give_up_a_batch(cloud: Cloud) -> None:
    """Put a record, and the report that process-metrics gave it up, as Lambda would."""
    put = cloud.client("kinesis").put_record(StreamName="rwa-metrics", Data=b"{}", PartitionKey="a")
    batch = {"batchSize": 1, "shardId": put["ShardId"],
             "streamArn": f"arn:aws:kinesis:{HERE}:stream/rwa-metrics",
             "startSequenceNumber": put["SequenceNumber"],
             "endSequenceNumber": put["SequenceNumber"],
             "approximateArrivalOfFirstRecord": datetime.now(UTC).isoformat()}  # fmt: skip
    context = {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3}
    sqs = cloud.client("sqs")
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName="rwa-process-metrics-failures")["QueueUrl"],
        MessageBody=json.dumps({"requestContext": context, "KinesisBatchInfo": batch}),
    )


def only_when_it_goes_wrong(session: boto3.Session) -> None:
    """Make the calls of the mishaps that the emulator can't be brought to: with their answers."""
    cloud = Cloud(session, ACCOUNT)
    client = cloud.client("cloudformation")
    stack = {"StackId": "arn:aws:cloudformation:us-east-1:000000000000:stack/rwa-1-capture/1",
             "StackName": "rwa-1-capture", "CreationTime": datetime.now(UTC)}  # fmt: skip
    with Stubber(client) as stub:
        stub.add_response(
            "describe_events",
            {"OperationEvents": [{"EventId": "1", "EventType": "VALIDATION_ERROR",
              "LogicalResourceId": "Bucket", "Timestamp": datetime.now(UTC),
              "ValidationStatusReason": "it exists"}]},
            {"StackName": stack["StackId"]},
        )  # fmt: skip
        said = helpers.deployment._refused_before_start(cloud, stack)
        assert said == "Bucket: it exists"
        standing = {"Stacks": [stack | {"StackStatus": "CREATE_COMPLETE"}]}
        stub.add_response("describe_stacks", standing, {"StackName": "rwa-1-capture"})
        stub.add_response("delete_stack", {}, {"StackName": stack["StackId"]})
        failed = {"Stacks": [stack | {"StackStatus": "DELETE_FAILED"}]}
        stub.add_response("describe_stacks", failed, {"StackName": stack["StackId"]})
        stub.add_response(
            "describe_stack_resources",
            {"StackResources": [{"LogicalResourceId": "Key", "ResourceType": "AWS::KMS::Key",
              "Timestamp": datetime.now(UTC), "ResourceStatus": "DELETE_FAILED",
              "ResourceStatusReason": "it is in use"}]},
            {"StackName": stack["StackId"]},
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(helpers.teardown, "_ATTEMPTS", 1)
            with pytest.raises(WorkshopError, match="Key: it is in use"):
                helpers.teardown.delete_stack(cloud, "rwa-1-capture")
    ec2 = cloud.client("ec2")
    with Stubber(ec2) as stub:
        ended = {"Reservations": [{"Instances": [{"State": {"Name": "terminated"}}]}]}
        stub.add_response("describe_instances", ended, {"InstanceIds": ["i-1"]})
        assert helpers.leftovers._is_ended(cloud, f"arn:aws:ec2:{HERE}:instance/i-1")
    athena = cloud.client("athena")
    with Stubber(athena) as stub, pytest.MonkeyPatch.context() as patch:
        patch.setattr(helpers.athena, "LONGEST_SECONDS", -1)
        running = {"QueryExecution": {"Status": {"State": "RUNNING"}}}
        stub.add_response("get_query_execution", running, {"QueryExecutionId": "1"})
        stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "1"})
        with pytest.raises(WorkshopError, match="was told to stop"):
            helpers.athena._wait(athena, "1")
