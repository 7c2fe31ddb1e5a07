"""The corrections of the emulator: it behaves as AWS documents."""

import gzip
import json
import socket
import time

import pytest
import yaml

from helpers.core.paths import REPOSITORY
from tests.local.roles import new_role
from tests.local.stacks import stack


@pytest.fixture
def archive(emulator):
    """A stream, a bucket, and a delivery stream between them that buffers for two seconds."""
    kinesis, s3 = emulator.client("kinesis"), emulator.client("s3")
    firehose = emulator.client("firehose")
    kinesis.create_stream(StreamName="corrections", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="corrections")["StreamDescription"]["StreamARN"]
    s3.create_bucket(Bucket="corrections")
    role = new_role(emulator, "corrections")
    firehose.create_delivery_stream(
        DeliveryStreamName="corrections",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "BucketARN": "arn:aws:s3:::corrections",
            "RoleARN": role,
            "Prefix": "beacons/hour=!{timestamp:HH}/",
            "ErrorOutputPrefix": "failed/",
            "CompressionFormat": "GZIP",
            "BufferingHints": {"IntervalInSeconds": 2, "SizeInMBs": 1},
        },
    )
    yield kinesis, s3
    firehose.delete_delivery_stream(DeliveryStreamName="corrections")
    kinesis.delete_stream(StreamName="corrections")


def objects(s3, expected_bytes: int) -> dict[str, bytes]:
    """Wait until the archive holds that many bytes; return its objects, unpacked."""
    for _ in range(100):
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket="corrections").get("Contents", [])]
        bodies = {
            key: gzip.decompress(s3.get_object(Bucket="corrections", Key=key)["Body"].read())
            for key in keys
        }
        if sum(map(len, bodies.values())) >= expected_bytes:
            return bodies
        time.sleep(0.1)
    raise AssertionError(f"{expected_bytes} bytes did not arrive: {bodies.keys()}")


def test_firehose_delivers_gzip_objects_in_hour_partitions(archive):
    kinesis, s3 = archive
    lines = [f'{{"n": {n}}}\n'.encode() for n in range(300)]
    for start in range(0, 300, 100):
        records = [{"Data": line, "PartitionKey": "x"} for line in lines[start : start + 100]]
        kinesis.put_records(StreamName="corrections", Records=records)
    small = objects(s3, sum(map(len, lines)))
    assert len(small) == 1, "the records of one interval make one object"
    [(key, body)] = small.items()
    assert body == b"".join(lines)
    assert key.startswith("beacons/hour=") and key.endswith(".gz")

    big = b"x" * 400_000 + b"\n"
    for _ in range(3):  # over 1 MB: delivered by size, before the interval ends
        kinesis.put_record(StreamName="corrections", Data=big, PartitionKey="x")
    both = objects(s3, sum(map(len, lines)) + 3 * len(big))
    assert b"".join(both[key] for key in sorted(both)).count(b"\n") == 303


def test_records_past_their_retention_are_gone_and_the_others_stay():
    from helpers.local.emulator import kinesis

    now = time.time()
    ages = [25 * 3600, 24.5 * 3600, 23 * 3600, 0]
    records = [{"ApproximateArrivalTimestamp": now - age, "n": age} for age in ages]
    stream = {"RetentionPeriodHours": 24, "shards": {"shard-0": {"records": records}}}
    kinesis.expire_records(stream)
    assert [r["n"] for r in stream["shards"]["shard-0"]["records"]] == ages[2:]


def test_iterators_end_after_five_minutes_and_the_others_stay(monkeypatch):
    from ministack.services import kinesis as original

    from helpers.local.emulator import kinesis

    kept = original.AccountRegionScopedDict()
    monkeypatch.setattr(original, "_shard_iterators", kept)
    now = time.time()
    for age in (400, 301, 299, 0):
        kept[str(age)] = {"created_at": now - age}
    kinesis.expire_iterators()
    assert sorted(kept) == ["0", "299"]


def test_a_reader_misses_no_record_while_older_ones_expire(monkeypatch):
    """\"GetRecords: ... the position in the shard from which you want to start reading\"."""
    from ministack.services import kinesis as original

    from helpers.local.emulator import kinesis

    monkeypatch.setattr(original, "_expire_records", kinesis.expire_records)
    now, hour = time.time(), 3600
    original._create_stream({"StreamName": "old", "ShardCount": 1})
    stream = original._streams["old"]
    [(shard, records)] = [(name, each["records"]) for name, each in stream["shards"].items()]
    for n in range(6):
        at = now - 23 * hour + n
        records.append({"SequenceNumber": str(n), "ApproximateArrivalTimestamp": at, "Data": "",
                        "PartitionKey": "x"})  # fmt: skip

    def content(answer):
        return json.loads(answer[2])

    request = {"StreamName": "old", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = content(original._get_shard_iterator(request))["ShardIterator"]
    first = content(original._get_records({"ShardIterator": iterator, "Limit": 4}))
    for record in records[:3]:
        record["ApproximateArrivalTimestamp"] -= 2 * hour  # as if time had passed
    rest = content(original._get_records({"ShardIterator": first["NextShardIterator"]}))
    original._delete_stream({"StreamName": "old"})
    assert [r["SequenceNumber"] for r in first["Records"] + rest["Records"]] == list("012345")


@pytest.fixture
def application(emulator):
    """The client of Managed Flink, and a function that deletes the application `busy`."""
    analytics = emulator.client("kinesisanalyticsv2")
    role = f"arn:aws:iam::{emulator.account}:role/corrections"
    created = analytics.create_application(
        ApplicationName="busy", RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=role
    )["ApplicationDetail"]["CreateTimestamp"]

    def delete():
        analytics.delete_application(ApplicationName="busy", CreateTimestamp=created)

    yield analytics, delete
    if "busy" in applications(analytics):
        delete()


def applications(analytics) -> dict[str, dict]:
    summaries = analytics.list_applications()["ApplicationSummaries"]
    return {summary["ApplicationName"]: summary for summary in summaries}


def test_applications_are_listed(application):
    summary = applications(application[0])["busy"]
    assert summary["ApplicationStatus"] == "READY" and summary["ApplicationVersionId"] == 1


def test_a_table_from_a_template_has_its_time_to_live(emulator):
    properties = {
        "TableName": "expiring",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "Expires", "Enabled": True},
    }
    dynamodb = emulator.client("dynamodb")
    table = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
    with stack(emulator, "expiring", {"Table": table}):
        described = dynamodb.describe_time_to_live(TableName="expiring")["TimeToLiveDescription"]
        assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "Expires"}


OF_TABLES, WRITES = {"ServiceNamespace": "dynamodb"}, "dynamodb:table:WriteCapacityUnits"


def scaled_table(name: str, most: int = 700) -> dict:
    """Return resources: a table of 50 write units, a target that adds more, and its policy."""
    keys = [{"AttributeName": "k", "AttributeType": "S"}]
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": name,
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": "50"},
                "AttributeDefinitions": keys,
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "dynamodb",
                "ResourceId": {"Fn::Sub": "table/${Table}"},
                "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
                "MinCapacity": "50",
                "MaxCapacity": str(most),
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": f"{name}-writes",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": "70",
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "DynamoDBWriteCapacityUtilization"
                    },
                },
            },
        },
    }


def test_the_scaling_of_a_table_is_recorded_and_deleted_with_its_stack(emulator):
    scaling = emulator.client("application-autoscaling")
    with stack(emulator, "scaled", scaled_table("scaled")):
        table = emulator.client("dynamodb").describe_table(TableName="scaled")["Table"]
        assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 50
        (target,) = scaling.describe_scalable_targets(
            **OF_TABLES, ResourceIds=["table/scaled"], ScalableDimension=WRITES
        )["ScalableTargets"]
        assert (target["MinCapacity"], target["MaxCapacity"]) == (50, 700)
        (policy,) = scaling.describe_scaling_policies(**OF_TABLES, ResourceId="table/scaled")[
            "ScalingPolicies"
        ]
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        assert (policy["PolicyName"], configuration["TargetValue"]) == ("scaled-writes", 70)
        assert policy["ScalableDimension"] == target["ScalableDimension"]
        other = scaling.describe_scalable_targets(**OF_TABLES, ResourceIds=["table/another"])
        assert other["ScalableTargets"] == []
        with pytest.raises(scaling.exceptions.ClientError, match="not emulated"):
            scaling.register_scalable_target(
                **OF_TABLES, ResourceId="table/scaled", ScalableDimension=WRITES
            )
    assert scaling.describe_scalable_targets(**OF_TABLES)["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(**OF_TABLES)["ScalingPolicies"] == []


def test_the_scaling_of_a_missing_table_fails_as_on_aws():
    from helpers.local.emulator.table_scaling import Scaling

    scaling = Scaling()
    properties = scaled_table("none")["Target"]["Properties"] | {"ResourceId": "table/none"}
    with pytest.raises(ValueError, match="does not exist"):
        scaling.put_target("Target", properties, "stack")
    with pytest.raises(ValueError, match="No scalable target"):
        scaling.put_policy("Policy", {"ScalingTargetId": "table/none"}, "stack")
    assert not scaling.targets and not scaling.policies


def test_an_updated_target_keeps_its_policy(emulator):
    scaling, formation = (emulator.client(name) for name in
                          ("application-autoscaling", "cloudformation"))  # fmt: skip
    with stack(emulator, "rescaled", scaled_table("rescaled")):
        body = json.dumps({"Resources": scaled_table("rescaled", most=90)})
        formation.update_stack(StackName="rescaled", TemplateBody=body)
        waiter = formation.get_waiter("stack_update_complete")
        waiter.wait(StackName="rescaled", WaiterConfig={"Delay": 1})
        (target,) = scaling.describe_scalable_targets(**OF_TABLES)["ScalableTargets"]
        assert target["MaxCapacity"] == 90
        assert len(scaling.describe_scaling_policies(**OF_TABLES)["ScalingPolicies"]) == 1


def test_an_applications_operations_are_listed_newest_first(application):
    analytics, delete = application

    def operations():
        listed = analytics.list_application_operations(ApplicationName="busy")
        return [entry["Operation"] for entry in listed["ApplicationOperationInfoList"]]

    assert operations() == []
    analytics.start_application(ApplicationName="busy", RunConfiguration={})
    with pytest.raises(analytics.exceptions.ResourceInUseException):
        analytics.start_application(ApplicationName="busy", RunConfiguration={})
    analytics.describe_application(ApplicationName="busy")
    analytics.stop_application(ApplicationName="busy")
    assert operations() == ["StopApplication", "StartApplication"]
    delete()
    with pytest.raises(analytics.exceptions.ResourceNotFoundException):
        analytics.list_application_operations(ApplicationName="busy")


def test_a_load_balancer_from_a_template_has_an_address_without_a_listener(emulator):
    """A health check of its usual name would query the real DNS."""
    balancer = {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "Properties": {"Name": "nowhere", "Subnets": ["subnet-1", "subnet-2"]},
    }
    outputs = {"Address": {"Value": {"Fn::GetAtt": ["Balancer", "DNSName"]}}}
    elb = emulator.client("elbv2")
    with stack(emulator, "nowhere", {"Balancer": balancer}, Outputs=outputs) as described:
        address = elb.describe_load_balancers(Names=["nowhere"])["LoadBalancers"][0]["DNSName"]
        assert described["Outputs"][0]["OutputValue"] == address
        host, port = address.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)


@pytest.mark.parametrize("template", sorted(REPOSITORY.glob("cfn/*.yaml")), ids=lambda t: t.stem)
def test_the_parser_in_c_reads_the_same_in_a_template(template, monkeypatch):
    from ministack.services.cloudformation import engine  # a second of a core, so not for all

    from helpers.local.emulator import cloudformation

    text = template.read_text(encoding="utf-8")
    before = engine._parse_template(text)
    monkeypatch.setattr(engine, "CfnLoader", engine.CfnLoader)
    cloudformation.use_parser_in_c()
    assert engine.CfnLoader.__mro__[1] is yaml.CSafeLoader
    assert engine._parse_template(text) == before
