"""The templates: names, tags, limits, encryption, and access.

(What IAM allows: test_iam.py. All of them deployed: test_life.py.)
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.core.paths import REPOSITORY
from helpers.deployment.stacks import MODULES
from tests.template_files import RESOURCES, TEMPLATES, read_template, texts, walk

NAMES = ["0-expiry", "1-capture", "1-frontend", "1-network", "2-analyze", "3-visualize"]
# Types that have no tags, or have them elsewhere (a launch template in its TagSpecifications).
UNTAGGED = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::AutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Dashboard",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::Route",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::InstanceProfile",
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
    "AWS::Logs::LogStream",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::Scheduler::Schedule",
    "AWS::SQS::QueuePolicy",
}
METRICS = {
    *("event_count", "top_pages", "agent_count", "referral_count", "visitor_count"),
    *("hourly_events", "event_anomaly", "rejected_count", "duplicate_count", "bot_count"),
    *("visit_count", "bounce_count", "visit_seconds", "entry_pages", "exit_pages", "source_count"),
    *("campaign_count", "conversion_count", "browser_count", "system_count", "device_count"),
}
FIELDS = {
    *("MetricType", "Title", "Unit", "BucketSeconds", "Statistic", "MaxItems", "IsWholeNumber"),
}
each = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)


def test_the_templates_are_there():
    assert [path.stem for path in TEMPLATES] == NAMES == sorted(MODULES)


def test_cfn_lint_finds_nothing():
    linter = Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([linter, *TEMPLATES], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@each
def test_a_template_is_small_enough_to_read_and_to_send(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 350
    assert len(text.encode()) <= 51_200  # CloudFormation's limit for a template sent inline


@each
def test_parameters_are_described_and_checked(path):
    for name, parameter in read_template(path)["Parameters"].items():
        checks = {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter)
        assert parameter.get("Description") and checks, name


@each
def test_outputs_are_described_and_exported_under_the_prefix(path):
    for name, output in read_template(path)["Outputs"].items():
        assert output["Description"], name
        assert output["Export"]["Name"] == {"Fn::Sub": f"${{Prefix}}-{name}"}


def test_every_import_is_exported_by_an_earlier_template():
    exported = set()
    for name in MODULES:
        template = read_template(name)
        wanted = {
            node["Fn::ImportValue"]["Fn::Sub"]
            for node in walk(template)
            if isinstance(node, dict) and "Fn::ImportValue" in node
        }
        assert wanted <= exported, name
        exported |= {output["Export"]["Name"]["Fn::Sub"] for output in template["Outputs"].values()}


@each
def test_every_resource_is_tagged(path):
    for name, resource in read_template(path)["Resources"].items():
        if resource["Type"] not in UNTAGGED:
            assert "realtime-web-analytics" in texts(resource["Properties"]["Tags"]), name


@each
def test_every_name_begins_with_the_prefix(path):
    named = 0
    for logical, resource in read_template(path)["Resources"].items():
        own = resource["Type"].rsplit("::", 1)[1] + "Name"
        value = resource["Properties"].get(own)
        if resource["Type"].startswith("AWS::EC2::") and "Tags" in resource["Properties"]:
            # EC2 gives its things ids; their name is a tag.
            (value,) = [t["Value"] for t in resource["Properties"]["Tags"] if t["Key"] == "Name"]
        if isinstance(value, dict) and "Fn::Sub" in value:
            named += 1
            assert "${Prefix}-" in value["Fn::Sub"], logical
    assert named >= 3


def named(kind: str) -> dict[str, dict]:
    """The properties of all resources of a type, by their names."""
    found = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == kind}
    assert found, f"there is no {kind} any more: look for what has replaced it"
    return found


def of_type(kind: str) -> list[dict]:
    return list(named(kind).values())


def test_no_event_source_can_be_blocked_by_one_bad_record():
    sources = of_type("AWS::Lambda::EventSourceMapping")
    assert len(sources) == 2
    for source in sources:
        assert source["BisectBatchOnFunctionError"] is True
        # A time, not a number of tries: five tries are over before a short outage is.
        assert 60 <= source["MaximumRecordAgeInSeconds"] < 24 * 3600
        assert "MaximumRetryAttempts" not in source
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["DestinationConfig"]["OnFailure"]["Destination"]


def test_the_changes_of_rows_are_streamed():
    table = RESOURCES["DetailsTable"]["Properties"]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_the_catalog_describes_every_metric_but_the_learners_own():
    rows = json.loads((REPOSITORY / "assets" / "catalog.json").read_text(encoding="utf-8"))
    assert {row["MetricType"] for row in rows} == METRICS and len(rows) == len(METRICS)
    for row in rows:
        assert set(row) == FIELDS
        assert row["Unit"] in {"Count", "Milliseconds", "Seconds", "None"}
        assert row["Statistic"] in {"Sum", "Average", "Maximum"}
        assert row["BucketSeconds"] % 10 == 0 and row["MaxItems"] >= 1
        assert re.fullmatch(r"[A-Z][A-Za-z', ]+", row["Title"])
        assert row["IsWholeNumber"] is (row["Statistic"] == "Sum")


def test_streams_tables_queues_and_topics_are_encrypted():
    for stream in of_type("AWS::Kinesis::Stream"):
        assert stream["StreamEncryption"]["EncryptionType"] == "KMS"
    for queue in of_type("AWS::SQS::Queue"):
        assert queue["SqsManagedSseEnabled"] is True
    for topic in of_type("AWS::SNS::Topic"):
        assert topic["KmsMasterKeyId"]
    for table in of_type("AWS::DynamoDB::Table"):
        # By default, DynamoDB encrypts with AWS's own key: a template must not disable that.
        assert table.get("SSESpecification", {}).get("SSEEnabled", True) is True


def test_buckets_are_private_and_encrypted():
    buckets = named("AWS::S3::Bucket")
    assert set(buckets) == {"ArchiveBucket", "CodeBucket"}
    for bucket in buckets.values():
        assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
        assert bucket["BucketEncryption"]


POLICIES = {  # resource -> the statements of its policy
    name: [
        statement
        for policy in of_type(f"{kind}Policy")
        if {"Ref": name} in (policy.get("Queues") or policy.get("Topics") or [policy.get("Bucket")])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket")
    for name in named(kind)
}
each_policy = pytest.mark.parametrize("statements", POLICIES.values(), ids=POLICIES)


@each_policy
def test_a_bucket_queue_or_topic_is_reached_by_tls_only(statements):
    plain_text = {"Bool": {"aws:SecureTransport": "false"}}
    assert [
        statement
        for statement in statements
        if (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        and statement["Condition"] == plain_text
    ]


@each_policy
def test_only_a_service_or_this_account_may_send(statements):
    for statement in statements:
        if statement["Effect"] == "Allow":
            assert statement["Principal"] != "*"
            assert statement["Condition"], "without a condition, a service acts for any account"


def test_a_beacon_servers_credentials_are_not_given_to_a_simple_get():
    for template in of_type("AWS::EC2::LaunchTemplate"):
        options = template["LaunchTemplateData"]["MetadataOptions"]
        assert options["HttpTokens"] == "required" and options["HttpPutResponseHopLimit"] == 1
