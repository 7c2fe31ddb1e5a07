"""AWS's pace, a setting of the emulator: it takes the times and keeps the limits of AWS."""

import io
import time
import zipfile
from itertools import pairwise

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from helpers.core.waiting import wait_until
from helpers.dashboards.queries import Reader
from helpers.dashboards.search import parse_search
from helpers.deployment.leftover_resources import remaining
from helpers.local.emulator.pace import listings
from helpers.local.emulator.pace.deletions import KINDS
from helpers.local.emulator.pace.event_sources import SECONDS_UNTIL_ENABLED
from helpers.local.emulator.pace.flink import SECONDS
from helpers.local.emulator.pace.metrics import SECONDS_UNTIL_LISTED, SECONDS_UNTIL_READ
from helpers.local.emulator.pace.roles import SECONDS_UNTIL_KNOWN
from helpers.stores.cloudwatch import cloudwatch_values, values_now
from tests.local.roles import new_role
from tests.local.stacks import stack
from tests.running_emulator import running_emulator
from tests.unit.functions.lambdas import own_tables, put_catalog, row
from tests.unit.stores.written import send

# Times as fast as AWS, for times of seconds and of minutes.
SLOW, QUICK = 10, 60
NO_RETRIES = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A Cloud on an emulator in AWS's pace, for the shorter times."""
    with running_emulator(tmp_path_factory.mktemp("slow"), WORKSHOP_AWS_PACE=str(SLOW)) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A Cloud on an emulator in AWS's pace, for minutes."""
    with running_emulator(tmp_path_factory.mktemp("quick"), WORKSHOP_AWS_PACE=str(QUICK)) as cloud:
        yield cloud


def once(cloud, service: str):
    """Return a client that reports each error, without another attempt."""
    session = cloud.session
    return session.client(service, endpoint_url=cloud.endpoint, config=NO_RETRIES)


class Change:
    """A call after which a value changes in AWS's pace.

    On a busy machine a look may come too late to see a state; only then it is not required.
    """

    def __init__(self, call) -> None:
        self.began = time.monotonic()
        self.answer = call()

    def is_over(self, seconds: float) -> bool:
        """Return whether so many seconds have passed since the call."""
        return time.monotonic() - self.began >= seconds

    def passes(self, value, states: list, seconds: float) -> None:
        """Assert that a value takes the states, of which each but the last lasts so long."""
        seen, looks = [], [self.began]

        def read():
            found = value()
            looks.append(time.monotonic())
            if not seen or seen[-1] != found:
                seen.append(found)
            return found

        wait_until(read, 300, lambda found: found == states[-1], delay=0.1)
        longest_gap = max(later - earlier for earlier, later in pairwise(looks))
        if longest_gap >= seconds:
            states = [state for state in states[:-1] if state in seen] + states[-1:]
        assert seen == states, longest_gap


def test_a_new_metric_is_read_later_and_listed_much_later(quick):
    cloudwatch = quick.client("cloudwatch")
    new = {"MetricName": "sales", "Value": 7.0, "Unit": "Count"}
    change = Change(lambda: cloudwatch.put_metric_data(Namespace="pace", MetricData=[new]))
    now = time.time()
    metric = {"Namespace": "pace", "MetricName": "sales"}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}

    def read() -> tuple[list[float], int]:
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[query], StartTime=now - 300, EndTime=now + 300
        )
        listed = cloudwatch.list_metrics(Namespace="pace")["Metrics"]
        return answer["MetricDataResults"][0]["Values"], len(listed)

    change.passes(read, [([], 0), ([7.0], 0), ([7.0], 1)], SECONDS_UNTIL_READ / QUICK)


def test_readers_wait_for_a_new_item_and_do_not_need_the_list(quick, monkeypatch):
    cloud, bucket = own_tables(quick, monkeypatch), int(time.time()) // 10 * 10 - 60
    put_catalog(cloud)
    change = Change(lambda: send(cloud, row(3, "/a", bucket)))
    search = f'{{RealtimeWebAnalytics,Stack,Item}} MetricName="top_pages" Stack="{cloud.prefix}"'
    assert values_now(cloud, "top_pages").empty or change.is_over(SECONDS_UNTIL_READ / QUICK)
    assert cloudwatch_values(cloud, "top_pages")["Value"].tolist() == [3]
    found = Reader(cloud).search(parse_search(search))
    assert [dict(dimensions)["Item"] for _, dimensions in found] == ["/a"]
    listed = cloud.client("cloudwatch").list_metrics(MetricName="top_pages")["Metrics"]
    assert not listed or change.is_over(SECONDS_UNTIL_LISTED / QUICK)


def test_a_shard_answers_five_reads_a_second_and_some_are_empty(quick):
    quick.client("kinesis").create_stream(StreamName="reads", ShardCount=1)
    kinesis = once(quick, "kinesis")
    records = [{"Data": b"%d" % n, "PartitionKey": "x"} for n in range(40)]
    kinesis.put_records(StreamName="reads", Records=records)
    at = kinesis.get_shard_iterator(
        StreamName="reads", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    read, refused, empty = [], 0, 0
    while len(read) < 40:
        try:
            answer = kinesis.get_records(ShardIterator=at, Limit=2)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
            refused += 1
            continue
        if not answer["Records"]:
            assert answer["MillisBehindLatest"] > 0
            empty += 1
        read += [record["Data"] for record in answer["Records"]]
        at = answer["NextShardIterator"]
    assert read == [record["Data"] for record in records]
    assert refused and empty
    quick.client("kinesis").delete_stream(StreamName="reads")


def test_a_deleted_stream_goes_on_for_a_while_and_lists_are_late(slow):
    kinesis = slow.client("kinesis")

    def status() -> str:
        try:
            found = kinesis.describe_stream_summary(StreamName="short")
        except kinesis.exceptions.ResourceNotFoundException:
            return "gone"
        return found["StreamDescriptionSummary"]["StreamStatus"]

    def is_listed() -> bool:
        return "short" in kinesis.list_streams()["StreamNames"]

    creation = Change(lambda: kinesis.create_stream(StreamName="short", ShardCount=1))
    assert status() == "ACTIVE"
    creation.passes(is_listed, [False, True], listings.SECONDS_UNTIL_LISTED / SLOW)
    deletion = Change(lambda: kinesis.delete_stream(StreamName="short"))
    seconds = KINDS["AWS::Kinesis::Stream"].seconds / SLOW
    try:
        kinesis.delete_stream(StreamName="short")
    except kinesis.exceptions.ResourceInUseException:
        pass
    except kinesis.exceptions.ResourceNotFoundException:
        assert deletion.is_over(seconds)
    deletion.passes(status, ["DELETING", "gone"], seconds)
    deletion.passes(is_listed, [True, False], listings.SECONDS_STILL_LISTED / SLOW)


def test_a_service_cannot_assume_a_new_role_at_once(slow):
    role = Change(lambda: new_role(slow, "new"))
    analytics = once(slow, "kinesisanalyticsv2")

    def create() -> str:
        try:
            analytics.create_application(
                ApplicationName="new",
                RuntimeEnvironment="FLINK-1_20",
                ServiceExecutionRole=role.answer,
            )
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "created"

    role.passes(create, ["InvalidArgumentException", "created"], SECONDS_UNTIL_KNOWN / SLOW)


def test_an_application_starts_and_stops_slowly(quick):
    analytics = quick.client("kinesisanalyticsv2")
    arn = new_role(quick, "starts")

    def created() -> bool:
        try:
            analytics.create_application(
                ApplicationName="starts", RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=arn
            )
        except ClientError:
            return False
        return True

    assert wait_until(created, 300, delay=0.2)

    def status() -> str:
        found = analytics.describe_application(ApplicationName="starts")
        return found["ApplicationDetail"]["ApplicationStatus"]

    start = Change(lambda: analytics.start_application(ApplicationName="starts"))
    start.passes(status, ["STARTING", "RUNNING"], SECONDS["STARTING"] / QUICK)
    stop = Change(lambda: analytics.stop_application(ApplicationName="starts"))
    stop.passes(status, ["STOPPING", "READY"], SECONDS["STOPPING"] / QUICK)


def test_a_stack_takes_its_time_and_its_resources_stay_tagged(quick):
    tagging = quick.client("resourcegroupstaggingapi")
    resources = {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": "tagged", "Tags": [{"Key": "pace", "Value": "yes"}]},
        },
        "Stream": {
            "Type": "AWS::Kinesis::Stream",
            "Properties": {"Name": "tagged", "ShardCount": 1},
        },
    }

    def status() -> str:
        found = quick.client("kinesis").describe_stream_summary(StreamName="tagged")
        return found["StreamDescriptionSummary"]["StreamStatus"]

    def tagged() -> list[str]:
        found = tagging.get_resources(TagFilters=[{"Key": "pace"}])["ResourceTagMappingList"]
        return [entry["ResourceARN"] for entry in found]

    with stack(quick, "tagged", resources):
        [arn] = tagged()
        assert status() == "ACTIVE"
        deletion = Change(lambda: None)
    deletion.passes(tagged, [[arn], []], listings.SECONDS_TAGGED / QUICK)


def test_an_event_source_is_created_first_and_reads_nothing_meanwhile(slow):
    functions, kinesis = slow.client("lambda"), slow.client("kinesis")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context):\n    return {}\n")
    functions.create_function(
        FunctionName="reads",
        Runtime="python3.12",
        Handler="handler.handler",
        Role=f"arn:aws:iam::{slow.account}:role/reads",
        Code={"ZipFile": code.getvalue()},
    )
    kinesis.create_stream(StreamName="source", ShardCount=1)
    kinesis.put_record(StreamName="source", Data=b"x", PartitionKey="x")
    arn = kinesis.describe_stream_summary(StreamName="source")["StreamDescriptionSummary"][
        "StreamARN"
    ]
    creation = Change(
        lambda: functions.create_event_source_mapping(
            EventSourceArn=arn, FunctionName="reads", StartingPosition="TRIM_HORIZON"
        )
    )

    def result_and_state() -> tuple[str, str]:
        found = functions.get_event_source_mapping(UUID=creation.answer["UUID"])
        return found["LastProcessingResult"], found["State"]

    def state() -> str:
        result, now = result_and_state()
        assert now == "Enabled" or result == "No records processed"
        return now

    creation.passes(state, ["Creating", "Enabled"], SECONDS_UNTIL_ENABLED / SLOW)
    assert wait_until(lambda: result_and_state()[0] == "OK", 300)


def test_the_clean_up_does_not_report_a_stream_that_is_only_still_listed(slow):
    kinesis = slow.client("kinesis")
    kinesis.create_stream(StreamName="rwa-gone", ShardCount=1)
    deletion = Change(lambda: kinesis.delete_stream(StreamName="rwa-gone"))
    kinesis.get_waiter("stream_not_exists").wait(
        StreamName="rwa-gone", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    is_listed = "rwa-gone" in streams(slow)
    assert is_listed or deletion.is_over(listings.SECONDS_STILL_LISTED / SLOW)
    assert "stream rwa-gone" not in remaining(slow)


def streams(cloud) -> list[str]:
    return cloud.client("kinesis").list_streams()["StreamNames"]
