"""Functions call back into the emulator, with this run's key."""

import io
import json
import zipfile

from helpers.local.emulator.settings import ACCOUNT

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


def test_a_function_calls_back_into_the_same_account_with_this_runs_key(emulator):
    functions = emulator.client("lambda")
    functions.create_function(
        FunctionName="calls-back",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(FUNCTION)},
        Timeout=60,
    )
    answer = json.loads(functions.invoke(FunctionName="calls-back")["Payload"].read())
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


def test_a_custom_resources_function_can_answer(emulator):
    function = emulator.client("lambda").create_function(
        FunctionName="resource",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(RESOURCE)},
        Timeout=60,
    )
    properties = {"ServiceToken": function["FunctionArn"], "ServiceTimeout": 60}
    template = {"Resources": {"R": {"Type": "Custom::Any", "Properties": properties}}}
    formation = emulator.client("cloudformation")
    formation.create_stack(StackName="custom", TemplateBody=json.dumps(template))
    formation.get_waiter("stack_create_complete").wait(
        StackName="custom", WaiterConfig={"Delay": 1}
    )
    formation.delete_stack(StackName="custom")
