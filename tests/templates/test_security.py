"""What the templates keep secret, and whom they let in. (Buckets, IAM: the tests beside this.)"""

from pathlib import Path

import pytest

from tests.template_files import read_template

TEMPLATES = sorted((Path(__file__).resolve().parents[2] / "cfn").glob("*.yaml"))
RESOURCES = {
    name: resource
    for path in TEMPLATES
    for name, resource in read_template(path)["Resources"].items()
}
QUEUES = [name for name, one in RESOURCES.items() if one["Type"] == "AWS::SQS::Queue"]
TOPICS = [name for name, one in RESOURCES.items() if one["Type"] == "AWS::SNS::Topic"]


def of_type(name: str) -> list[dict]:
    found = [one["Properties"] for one in RESOURCES.values() if one["Type"] == name]
    assert found, f"there is no {name} any more: look for its heir"
    return found


def test_streams_tables_queues_and_topics_are_encrypted():
    for stream in of_type("AWS::Kinesis::Stream"):
        assert stream["StreamEncryption"]["EncryptionType"] == "KMS"
    for queue in of_type("AWS::SQS::Queue"):
        assert queue["SqsManagedSseEnabled"] is True
    for topic in of_type("AWS::SNS::Topic"):
        assert topic["KmsMasterKeyId"]
    for table in of_type("AWS::DynamoDB::Table"):
        # Without a word DynamoDB encrypts with a key of AWS's own: it must not be switched off.
        assert table.get("SSESpecification", {}).get("SSEEnabled", True) is True


def refuses_plain_text(policy: dict) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy["PolicyDocument"]["Statement"]
    )


@pytest.mark.parametrize("name", QUEUES + TOPICS)
def test_a_queue_or_topic_is_reached_by_tls_only(name):
    kind, listed = (
        ("AWS::SQS::QueuePolicy", "Queues")
        if name in QUEUES
        else ("AWS::SNS::TopicPolicy", "Topics")
    )
    policies = [policy for policy in of_type(kind) if {"Ref": name} in policy[listed]]
    assert any(map(refuses_plain_text, policies)), "no policy denies what comes without TLS"


@pytest.mark.parametrize("name", QUEUES + TOPICS)
def test_nobody_but_a_service_or_this_account_may_send(name):
    for kind, listed in (("AWS::SQS::QueuePolicy", "Queues"), ("AWS::SNS::TopicPolicy", "Topics")):
        for policy in of_type(kind):
            for statement in policy["PolicyDocument"]["Statement"]:
                if {"Ref": name} in policy[listed] and statement["Effect"] == "Allow":
                    assert statement["Principal"] != "*"
                    assert statement["Condition"], "a service acts for anyone, unless told for whom"


def test_a_beacon_servers_credentials_are_not_given_to_a_simple_get():
    for template in of_type("AWS::EC2::LaunchTemplate"):
        options = template["LaunchTemplateData"]["MetadataOptions"]
        assert options["HttpTokens"] == "required" and options["HttpPutResponseHopLimit"] == 1
