"""Every call that the helpers make, made: on the emulator, or against botocore's own models.

botocore checks each call's parameters before it sends anything. So a call that a test has made has
an operation that exists and parameters that AWS's model allows.
"""

import ast
import json
from fnmatch import fnmatchcase

import boto3
import pytest

from helpers.core.cloud import Cloud
from tests.aws_calls import calls, every_call, operations
from tests.iam_needs import ACTIONS, PREFIX, known
from tests.learners_day import HERE, exercise, only_when_it_goes_wrong
from tests.template_files import POLICIES
from tests.template_files import texts as listed

# Where a call's parameters name its resource: service -> {parameter: its ARN}.
ARN = {
    "athena": {"WorkGroup": f"arn:aws:athena:{HERE}:workgroup/{{}}"},
    "autoscaling": {"AutoScalingGroupName":
                    f"arn:aws:autoscaling:{HERE}:autoScalingGroup:1:autoScalingGroupName/{{}}"},
    "cloudformation": {"StackName": f"arn:aws:cloudformation:{HERE}:stack/{{}}/1"},
    "cloudwatch": {"DashboardName": "arn:aws:cloudwatch::000000000000:dashboard/{}",
                   "AlarmName": f"arn:aws:cloudwatch:{HERE}:alarm:{{}}"},
    "firehose": {"DeliveryStreamName": f"arn:aws:firehose:{HERE}:deliverystream/{{}}"},
    "lambda": {"FunctionName": f"arn:aws:lambda:{HERE}:function:{{}}"},
    "dynamodb": {"TableName": f"arn:aws:dynamodb:{HERE}:table/{{}}"},
    "kinesis": {"StreamName": f"arn:aws:kinesis:{HERE}:stream/{{}}"},
    "kinesisanalyticsv2": {"ApplicationName": f"arn:aws:kinesisanalytics:{HERE}:application/{{}}"},
    "logs": {"logGroupName": f"arn:aws:logs:{HERE}:log-group:{{}}:*"},
    "s3": {"Bucket": "arn:aws:s3:::{}"},
    "sqs": {"QueueName": f"arn:aws:sqs:{HERE}:{{}}", "QueueUrl": f"arn:aws:sqs:{HERE}:{{}}"},
    "ssm": {"Name": f"arn:aws:ssm:{HERE}:parameter{{}}"},
}  # fmt: skip

# Calls of this test itself, which prepare its data.
OWN = {("sqs", "SendMessage"), ("logs", "CreateLogGroup")}


@pytest.fixture(scope="module")
def made(emulator, tmp_path_factory) -> list[tuple[str, str, dict]]:
    """All calls of a learner's day, as botocore took them: service, operation, parameters."""
    seen = []

    def note(params, model, **_):
        seen.append((model.service_model.service_name, model.name, params))

    own = emulator.session.get_credentials()
    session = boto3.Session(own.access_key, own.secret_key, region_name="us-east-1")
    session.events.register("before-parameter-build", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_HOME", str(tmp_path_factory.mktemp("home")))
        cloud = Cloud(session, emulator.account, "rwa", emulator.endpoint)
        exercise(cloud, tmp_path_factory.mktemp("code"), patch)
        only_when_it_goes_wrong(session)
        session.client("sts", endpoint_url=emulator.endpoint).get_caller_identity()
    return seen


def test_each_call_in_the_code_is_an_operation_that_aws_has():
    for service, method in every_call():
        assert method in operations(service), f"{service} has no {method}"


def test_each_call_of_the_helpers_is_made_and_its_parameters_are_valid(made):
    wanted = {
        (service, operations(service)[method])
        for (service, method), files in every_call().items()
        if any(file.startswith("helpers/") for file in files)
    }
    assert len(wanted) > 50
    not_made = wanted - {(service, operation) for service, operation, _ in made}
    assert not not_made, "make these in exercise(), or with a Stubber"


def test_no_call_escapes_the_reader_of_the_code(made):
    """All calls that were recorded, except this test's own, are found in the code."""
    read = {(service, operations(service)[method]) for service, method in every_call()}
    assert {(service, operation) for service, operation, _ in made} - OWN <= read


@pytest.mark.parametrize(
    "text",
    [
        'cloud.client("kms").describe_key()',
        'kms, name = cloud.client("kms"), 1\nkms.describe_key()',
        'self._kms = client("kms")\nself._kms.describe_key()',
        'pages(cloud.client("kms"), "describe_key")',
        'kms = cloud.client("kms")\npages(kms, "describe_key")',
        'LISTED = [("key", "kms", "describe_key", "Keys")]',
    ],
)
def test_the_reader_knows_each_way_to_call(text):
    assert calls("helpers/new.py", ast.parse(text)) == {("kms", "describe_key")}


@pytest.mark.parametrize(
    "text", ["thing.whose().put_records(Records=[])", "def f(it):\n    it.describe_stacks()"]
)
def test_a_call_whose_service_can_not_be_read_is_an_error(text):
    with pytest.raises(AssertionError, match="whose"):
        calls("helpers/new.py", ast.parse(text))


def allows(statements, action: str, arn: str) -> bool:
    return any(
        action in listed(statement["Action"])
        and any(fnmatchcase(arn, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements
    )


def arns(service: str, parameters: dict) -> list[str]:
    """The ARNs of what a call's parameters name."""
    found = []
    for parameter, form in ARN.get(service, {}).items():
        if value := parameters.get(parameter):
            if parameter == "QueueUrl":
                value = value.rsplit("/", 1)[1]
            if value.startswith("arn:"):  # a stack, by its id
                value = value.split("/")[1]
            found.append(form.format(value))
    return found


def test_the_policy_allows_each_call_on_the_very_thing_it_was_made_on(made):
    statements = json.loads(POLICIES[0].read_text(encoding="utf-8"))["Statement"]
    checked = 0
    for service, operation, parameters in made:
        if (service, operation) in OWN:
            continue
        method = next(m for m, name in operations(service).items() if name == operation)
        prefix = PREFIX.get(service, service)
        for action in ACTIONS.get((service, method), [f"{prefix}:{operation}"]):
            if action.split(":")[0] != prefix:
                continue  # what another service does behind it
            kinds = known()[prefix]["Actions"][action.split(":")[1].lower()].get("Resources", [])
            for arn in arns(service, parameters):
                if "object" in kinds:
                    arn += "/" + parameters.get("Key", "any")
                assert allows(statements, action, arn), (action, arn)
                checked += 1
            if action == "cloudwatch:PutMetricData":
                (limited,) = (s for s in statements if action in listed(s["Action"]))
                spaces = limited["Condition"]["StringEquals"]["cloudwatch:namespace"]
                assert parameters["Namespace"] in spaces
                checked += 1
    assert checked > 100
