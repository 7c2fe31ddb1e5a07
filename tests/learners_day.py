"""A learner's day: every call that the helpers make, on the emulator or with its answers."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber

import helpers.audit.diagnosis
import helpers.audit.ledger
import helpers.deployment.deploy
import helpers.deployment.destroy
import helpers.deployment.flink_application
import helpers.stores.athena
from helpers.audit.dead_letters import dead_letters, replay_dead_letters
from helpers.audit.reconcile import reconcile
from helpers.audit.stage_counts import shown, whole_buckets
from helpers.connection.preflight import preflight
from helpers.connection.preflight_permissions import permissions
from helpers.connection.preflight_probe import Probe
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.dashboards.cloudwatch_dashboard import add_widget, dashboard_json
from helpers.dashboards.queries import Query, Reader
from helpers.dashboards.search import parse_search
from helpers.deployment import leftover_resources
from helpers.deployment.cost import cost
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.fleet import beacon_url, fleet_size
from helpers.deployment.flink_application import start_analytics, stop_analytics, update_analytics
from helpers.deployment.quotas import VCPUS, quota
from helpers.deployment.stacks import MODULES
from helpers.exercises.reading import exercise_stream
from helpers.experiments.late_data import send_late
from helpers.generator.clicks_stream import ClicksStream
from helpers.generator.duplicates import Duplicates
from helpers.sharing.joining import join_class, leave_class
from helpers.stores.alarms import alarm_history, alarm_messages, alarm_states
from helpers.stores.archive import archived_beacons
from helpers.stores.athena import query_archive
from helpers.stores.dynamodb import catalog, metric_values
from helpers.stores.kinesis import newest_records
from helpers.teaching.class_page import class_progress
from helpers.timing.datapoint_probe import CloudWatchWatch
from tests.own_alarm import put_own_alarm
from tests.small_code import small_code

ACCOUNT = "000000000000"
HERE = f"us-east-1:{ACCOUNT}"


def exercise(cloud: Cloud, folder, patch) -> None:
    """Make the calls of a learner's day, on the emulator."""
    (folder / "main.py").write_text("")
    small = small_code(folder)
    preflight(cloud, learners=2)
    patch.setattr(helpers.deployment.deploy, "CODE", small)
    patch.setattr(
        helpers.deployment.flink_application, "check_code", lambda code, groups: None
    )  # Flink's, and slow
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
    helpers.audit.ledger._made(cloud)
    helpers.audit.diagnosis.archive_interval(cloud)
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
    alarm_messages(cloud)
    cloud.client("s3").put_object(
        Bucket=cloud.bucket("archive"),
        Key=datetime.now(UTC).strftime("beacons/year=%Y/month=%m/day=%d/hour=%H/one"),
        Body=b'{"beacon_id": "1"}\n',
    )
    archived_beacons(cloud)
    join_class(cloud, "Ada")
    class_progress(cloud)
    leave_class(cloud)
    query_archive(cloud, "SELECT 1 AS one")
    with exercise_stream(cloud):
        pass
    put_own_alarm(cloud)
    destroy(cloud)
    # A function's last run may create its log group again.
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


def looked_up(cloud: Cloud) -> None:
    """Look up each kind of resource that AWS's list of tags may have long after its deletion."""
    ec2 = cloud.client("ec2")
    with Stubber(ec2) as stub:
        for kind, (_, call, parameter, key) in leftover_resources._IN_EC2.items():
            stub.add_response(call, {key: []}, {parameter: ["id-1"]})
            assert leftover_resources._is_ended(cloud, f"arn:aws:ec2:{HERE}:{kind}/id-1")


def ask_about_permissions_and_default_quotas(cloud: Cloud) -> None:
    """Make the calls of `preflight` for a caller that is not root, in an account without quotas."""
    probe = Probe(cloud, f"arn:aws:sts::{ACCOUNT}:assumed-role/Learner/ann")
    probe.create_clients()
    found = {"RoleName": "Learner", "Arn": f"arn:aws:iam::{ACCOUNT}:role/Learner", "Path": "/",
             "RoleId": "AROA000000000000", "CreateDate": datetime.now(UTC)}  # fmt: skip
    with Stubber(probe.client("iam")) as stub:
        stub.add_response("list_roles", {"Roles": [found]})
        stub.add_client_error("simulate_principal_policy", "AccessDenied")
        with pytest.raises(Exception, match="AccessDenied"):
            permissions(probe)
    with Stubber(cloud.client("service-quotas")) as stub:
        stub.add_client_error("get_service_quota", "NoSuchResourceException")
        stub.add_response("get_aws_default_service_quota", {"Quota": {"Value": 5.0}})
        assert quota(cloud.client, *VCPUS) == 5.0


def only_when_it_goes_wrong(session: boto3.Session) -> None:
    """Make the calls of the mishaps that the emulator can't be brought to: with their answers."""
    cloud = Cloud(session, ACCOUNT)
    ask_about_permissions_and_default_quotas(cloud)
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
        said = helpers.deployment.deploy._validation_error(cloud, stack)
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
            patch.setattr(helpers.deployment.destroy, "_ATTEMPTS", 1)
            with pytest.raises(WorkshopError, match="Key: it is in use"):
                helpers.deployment.destroy.delete_stack(cloud, "rwa-1-capture")
    looked_up(cloud)
    athena = cloud.client("athena")
    with Stubber(athena) as stub, pytest.MonkeyPatch.context() as patch:
        patch.setattr(helpers.stores.athena, "LONGEST_SECONDS", -1)
        running = {"QueryExecution": {"Status": {"State": "RUNNING"}}}
        stub.add_response("get_query_execution", running, {"QueryExecutionId": "1"})
        stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "1"})
        with pytest.raises(WorkshopError, match="was cancelled"):
            helpers.stores.athena._wait(athena, "1")
