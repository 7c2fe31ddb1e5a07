"""Functions call the emulator with this run's key."""

import io
import json
import zipfile

from helpers.local.emulator.settings import ACCOUNT
from tests.local.stacks import stack

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
FUNCTION = """
import boto3, os
def handler(event, context):
    who = boto3.client("sts").get_caller_identity()["Account"]
    boto3.client("sqs").create_queue(QueueName="made-by-a-function")
    return {"account": who, "credentials": boto3.Session().get_credentials().access_key}
"""


def zipped(code: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.py", code)
    return file.getvalue()


def create_function(emulator, name: str, code: str) -> str:
    """Create a function; return its ARN."""
    return emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(code)},
        Timeout=60,
    )["FunctionArn"]


def test_a_function_calls_back_into_the_same_account_with_this_runs_key(emulator):
    create_function(emulator, "calls-back", FUNCTION)
    invoked = emulator.client("lambda").invoke(FunctionName="calls-back")
    answer = json.loads(invoked["Payload"].read())
    assert answer == {
        "account": ACCOUNT,
        "credentials": emulator.session.get_credentials().access_key,
    }
    assert emulator.client("sqs").get_queue_url(QueueName="made-by-a-function")["QueueUrl"]


RESOURCE = """
import json, urllib.request
def handler(event, context):
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "p"}
    body, url = json.dumps(answer).encode(), event["ResponseURL"]
    urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")).read()
"""


def test_a_custom_resources_function_answers_cloudformation(emulator):
    function = create_function(emulator, "resource", RESOURCE)
    properties = {"ServiceToken": function, "ServiceTimeout": 60}
    resource = {"Type": "Custom::Any", "Properties": properties}
    with stack(emulator, "custom", {"R": resource}) as described:
        assert described["StackStatus"] == "CREATE_COMPLETE"
