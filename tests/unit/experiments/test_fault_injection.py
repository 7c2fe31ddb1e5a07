"""Faults on request: what a client sees of each, and what the service has done."""

import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import home, write_json
from helpers.experiments.fault_injection import fault
from tests.running_emulator import running_emulator

ONCE = {"total_max_attempts": 1}
TOO_MUCH = "ProvisionedThroughputExceededException"


def client(cloud, service, **options):
    config = Config(retries=ONCE, **options)
    return cloud.session.client(service, endpoint_url=cloud.endpoint, config=config)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """An emulator with its own `.workshop`, a stream and a table; clients do not retry."""
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch, running_emulator(folder) as cloud:
        patch.setenv("WORKSHOP_HOME", str(folder))
        write_json(home() / "local.json", {"endpoint": cloud.endpoint})
        for service in ("kinesis", "dynamodb", "cloudwatch"):
            cloud._clients[service] = client(cloud, service)
        cloud.client("kinesis").create_stream(StreamName="stream", ShardCount=1)
        cloud.client("dynamodb").create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield cloud


class Kinesis:
    name, throttled, failed = "kinesis", TOO_MUCH, "InternalFailure"

    def __init__(self, cloud):
        self.client = cloud.client("kinesis")

    def put(self):
        self.client.put_record(StreamName="stream", Data=b"x", PartitionKey="p")

    def count(self):
        return len(stored(self.client))


class DynamoDB:
    name, throttled, failed = "dynamodb", TOO_MUCH, "InternalServerError"

    def __init__(self, cloud):
        self.client = cloud.client("dynamodb")

    def put(self):
        self.client.put_item(TableName="table", Item={"k": {"S": str(time.time_ns())}})

    def count(self):
        return self.client.scan(TableName="table")["Count"]


class CloudWatch:
    name, throttled, failed = "cloudwatch", "Throttling", "InternalFailure"

    def __init__(self, cloud):
        self.client = cloud.client("cloudwatch")

    def put(self):
        # Long enough to be compressed on its way.
        data = [{"MetricName": f"m{i}" * 50, "Value": 1} for i in range(200)]
        self.client.put_metric_data(Namespace="n", MetricData=data)

    def count(self):
        now = time.time()
        answer = self.client.get_metric_statistics(
            Namespace="n", MetricName="m0" * 50, Period=3600, Statistics=["SampleCount"],
            StartTime=now - 7200, EndTime=now + 3600,
        )  # fmt: skip
        return int(sum(point["SampleCount"] for point in answer["Datapoints"]))


@pytest.fixture(params=[Kinesis, DynamoDB, CloudWatch], ids=lambda service: service.name)
def service(request, cloud):
    return request.param(cloud)


@pytest.mark.parametrize(
    ("share", "code", "status"), [("throttle", "throttled", 400), ("error", "failed", 500)]
)
def test_a_refused_call_gets_the_services_own_error_and_has_no_effect(
    cloud, service, share, code, status
):
    before = service.count()
    with fault(cloud, service.name, **{share: 1}), pytest.raises(ClientError) as caught:
        service.put()
    assert caught.value.response["Error"]["Code"] == getattr(service, code)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert service.count() == before


def test_a_call_that_hangs_has_no_effect_and_its_client_times_out(cloud, service):
    before, patient = service.count(), service.client
    service.client = client(cloud, service.name, read_timeout=2)
    with fault(cloud, service.name, hang=1), pytest.raises(ReadTimeoutError):
        service.put()
    service.client = patient
    assert service.count() == before


def test_a_lost_answer_is_of_a_call_that_took_effect(cloud, service):
    before = service.count()
    with fault(cloud, service.name, lost_answer=1), pytest.raises(ConnectionClosedError):
        service.put()
    assert service.count() == before + 1


def test_delayed_calls_wait_and_then_succeed(cloud, service):
    before, begun = service.count(), time.monotonic()
    with fault(cloud, service.name, delay=0.5):
        service.put()
    assert time.monotonic() - begun >= 0.5
    assert service.count() == before + 1


def test_a_share_is_a_share(cloud, service):
    before, refused = service.count(), 0
    with fault(cloud, service.name, throttle=0.3):
        for _ in range(60):
            try:
                service.put()
            except ClientError:
                refused += 1
    assert 3 < refused < 40  # the chance of less or more is about one in 300,000
    assert service.count() == before + 60 - refused


def test_put_records_refuses_some_records_and_stores_the_others(cloud):
    kinesis, stream = cloud.client("kinesis"), Kinesis(cloud)
    before = stream.count()
    records = [{"Data": b"%d" % i, "PartitionKey": "p"} for i in range(200)]
    with fault(cloud, "kinesis", partial=0.3):
        answer = kinesis.put_records(StreamName="stream", Records=records)
    refused = [r for r in answer["Records"] if "ErrorCode" in r]
    assert 20 < len(refused) == answer["FailedRecordCount"] < 120
    assert {r["ErrorCode"] for r in refused} == {TOO_MUCH}
    taken = {
        r["SequenceNumber"]: i for i, r in enumerate(answer["Records"]) if "ErrorCode" not in r
    }
    assert stream.count() == before + len(taken) == before + 200 - len(refused)
    assert {n: int(r["Data"]) for n, r in stored(kinesis).items() if n in taken} == taken
    with fault(cloud, "kinesis", partial=1):
        answer = kinesis.put_records(StreamName="stream", Records=records[:1])
    assert answer["FailedRecordCount"] == 1 and answer["Records"][0]["ErrorCode"] == TOO_MUCH


def stored(kinesis) -> dict:
    shard = kinesis.list_shards(StreamName="stream")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName="stream", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    return {record["SequenceNumber"]: record for record in records}


def test_batch_write_item_leaves_some_items_unprocessed(cloud):
    dynamodb, table = cloud.client("dynamodb"), DynamoDB(cloud)
    before, left = table.count(), {}
    for start in range(0, 100, 25):
        items = [{"PutRequest": {"Item": {"k": {"S": f"b{start + i}"}}}} for i in range(25)]
        with fault(cloud, "dynamodb", partial=0.3):
            answer = dynamodb.batch_write_item(RequestItems={"table": items})
        for item in answer["UnprocessedItems"].get("table", []):
            left[item["PutRequest"]["Item"]["k"]["S"]] = item
    assert 5 < len(left) < 70
    assert table.count() == before + 100 - len(left)
    keys = {item["k"]["S"] for item in dynamodb.scan(TableName="table")["Items"]}
    assert not keys & left.keys()
    with fault(cloud, "dynamodb", partial=1), pytest.raises(ClientError) as caught:
        dynamodb.batch_write_item(RequestItems={"table": list(left.values())[:25]})
    assert caught.value.response["Error"]["Code"] == TOO_MUCH


def test_a_fault_ends_by_itself_and_leaves_other_calls_alone(cloud, service):
    on = fault(cloud, service.name, throttle=1, seconds=1).start()
    assert cloud.client("kinesis").list_streams()["StreamNames"] == ["stream"]
    deadline = time.monotonic() + 60
    while on.is_on() and time.monotonic() < deadline:
        time.sleep(0.05)
    service.put()


def test_each_of_two_faults_is_switched_off_by_itself(cloud, service):
    throttled, failing = (fault(cloud, service.name, **{k: 1}) for k in ("throttle", "error"))
    throttled.start()
    failing.start()
    throttled.stop()
    with pytest.raises(ClientError) as caught:
        service.put()
    assert caught.value.response["Error"]["Code"] == service.failed
    failing.stop()
    failing.stop()
    service.put()
    assert not (home() / "faults.json").exists()


def test_an_error_inside_switches_it_off_too(cloud, service):
    with pytest.raises(ZeroDivisionError), fault(cloud, service.name, hang=1):
        raise ZeroDivisionError
    service.put()


def test_calls_that_hang_are_let_go_when_the_fault_ends(cloud):
    fault(cloud, "kinesis", hang=1, seconds=5).start()
    with pytest.raises(ConnectionClosedError):
        Kinesis(cloud).put()


@pytest.mark.parametrize(
    ("service", "settings", "words"),
    [
        ("s3", {"throttle": 0.5}, "Faults of 's3' can't"),
        ("kinesis", {}, "no effect"),
        ("kinesis", {"throttle": 30}, "throttle can't be 30"),
        ("kinesis", {"error": "some"}, "error can't be 'some'"),
        ("kinesis", {"delay": -1}, "delay can't be -1"),
        ("cloudwatch", {"partial": 0.5}, "as a whole"),
    ],
)
def test_an_invalid_argument_is_explained(cloud, service, settings, words):
    with pytest.raises(WorkshopError, match=words):
        fault(cloud, service, **settings)


def test_an_account_gets_no_faults(cloud):
    account = Cloud(cloud.session, "123456789012")
    with pytest.raises(WorkshopError, match="Fault Injection Service"):
        fault(account, "kinesis", throttle=0.3)
