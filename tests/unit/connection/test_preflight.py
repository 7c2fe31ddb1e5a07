"""`preflight` against a stand-in that answers well, badly, and not at all: each of its lines."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.credentials import Credentials, RefreshableCredentials

from helpers.connection import preflight as module
from helpers.connection import preflight_probe
from helpers.connection.aws_sign_in import sign_in
from helpers.connection.flink_dependencies import REPOSITORY_VARIABLE
from helpers.connection.preflight import CHECKS, preflight
from helpers.connection.preflight_identity import credentials, identity
from helpers.connection.preflight_probe import Probe
from helpers.connection.preflight_report import Line, Report
from helpers.connection.preflight_services import CALLS
from helpers.connection.region import SERVICES
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.local import ports
from tests.unit.connection.aws_stand_in import CUT, SILENT, caller, refused, xml
from tests.unit.connection.preflight_account import (
    FAILED,
    HASTY,
    JAR,
    LESS_HASTY,
    NAME,
    PATIENT,
    SESSION,
    UNKNOWN,
    WARNED,
    WELL,
    checked,
    line,
    probe_of,
)

NAMES = ["credentials", "clock", *CHECKS, "connector", "price"]


def test_an_account_that_answers_well_has_no_other_line(cloud, aws):
    report = preflight(cloud)
    assert [each.name for each in report] == NAMES
    assert {each.name: each.state for each in report} == dict.fromkeys(NAMES, WELL), report
    assert not [each for each in report if each.remedy]
    report.raise_if_blocked()
    assert "as Learner/ann" in line(report, "credentials").text
    assert "t4g.small: us-east-1a, us-east-1b" in line(report, "zones").text
    assert "(0 MB); module 2 downloads" in line(report, "connector").text
    assert repr(report).splitlines()[0].startswith("✓ credentials  AWS accepts them")


def test_each_service_is_called_and_nothing_is_changed(cloud, aws):
    preflight(cloud)
    operations = {operation for operation, _ in aws.seen}
    assert len(operations) >= len(CALLS)
    assert all(re.match("Get|List|Describe|Simulate", name) for name in operations), operations
    assert {service for service, _, _ in CALLS} == set(SERVICES) - {
        "application-autoscaling",
        "kms",
    }


ACCOUNT_LIMIT = {"TotalCodeSize": 1, "ConcurrentExecutions": 10}
VPC = "<item><vpcId>vpc-{}</vpcId><tagSet/></item>"
OWN_VPC = "<item><vpcId>vpc-9</vpcId><tagSet><item><key>Name</key><value>rwa-network</value></item></tagSet></item>"  # noqa: E501 fmt: skip


def vpcs(*items: str) -> tuple:
    return xml("DescribeVpcs", f"<vpcSet>{''.join(items)}</vpcSet>", wrapped=False)


def offers(*zones: str) -> tuple:
    items = "".join(
        f"<item><instanceType>t4g.small</instanceType><location>{zone}</location></item>"
        for zone in zones
    )
    result = f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>"
    return xml("DescribeInstanceTypeOfferings", result, wrapped=False)


def owned(*names: str) -> tuple:
    each = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in names)
    text = f"<ListAllMyBucketsResult><Buckets>{each}</Buckets></ListAllMyBucketsResult>"
    return 200, text.encode()


FIVE = [VPC.format(number) for number in range(5)]
OWN_BUCKETS = [f"rwa-{what}-000000000000-us-east-1" for what in ("archive", "code")]
SMALL = {"Quota": {"Value": 2.0}}
DENIED = refused("AccessDenied", "User: x is not authorized to perform: it", 403)

# The line -> an answer, the state that it leads to, words of the text and of the remedy.
BADLY = [
    ("servers", {"GetServiceQuota": {"Quota": {"Value": 8.0}}}, WARNED, "4 servers fit", "at most"),
    ("servers", {"GetServiceQuota": SMALL}, FAILED, "2 beacon servers need 4", "Service Quotas"),
    ("zones", {"DescribeInstanceTypeOfferings": offers()}, FAILED, "no zone", "another region"),
    ("zones", {"DescribeInstanceTypeOfferings": offers("us-east-1a", "us-east-1-bos-1a")}, FAILED,
     "only the zone us-east-1a", "InstanceType"),
    ("zones", {"DescribeInstanceTypeOfferings": lambda form: None if "m7g" in str(form) else offers(
        "us-east-1a")}, WARNED, "m7g.large is offered", 'InstanceType="m7g.large"'),
    ("networks", {"DescribeVpcs": vpcs(*FIVE)}, FAILED, "5 of at most 5", "Delete one"),
    ("networks", {"DescribeVpcs": vpcs(*FIVE[1:], OWN_VPC)}, WELL, "network exists", ""),
    ("networks", {"DescribeVpcs": vpcs()}, WELL, "0 of at most 5", ""),
    ("shards", {"DescribeLimits": {"ShardLimit": 20, "OpenShardCount": 19}}, WARNED, "19 of",
     "Kinesis"),
    ("KPUs", {"GetServiceQuota": {"Quota": {"Value": 1.0}}}, FAILED, "1 KPUs", "Flink"),
    ("functions", {"GetAccountSettings": {"AccountLimit": ACCOUNT_LIMIT | {
        "UnreservedConcurrentExecutions": 2}}}, WARNED, "2 functions", "Lambda"),
    ("functions", {"GetAccountSettings": {"AccountLimit": ACCOUNT_LIMIT | {
        "UnreservedConcurrentExecutions": 10}}}, WELL, "10 functions", ""),
    ("buckets", {"GetServiceQuota": SMALL, "ListBuckets": owned("a")}, FAILED, "1 of at most 2",
     "S3"),
    ("buckets", {"GetServiceQuota": SMALL, "ListBuckets": owned("a", *OWN_BUCKETS)}, WELL,
     "buckets exist", ""),
    ("buckets", {"GetServiceQuota": SMALL, "ListBuckets": owned()}, WELL, "0 of at most 2", ""),
    ("region", {"glue": refused("OptInRequired")}, FAILED, "glue in us-east-1: This AWS account "
     "can't use", "sign-up"),
    ("region", {"firehose": refused("SubscriptionRequiredException"), "sns": refused(
        "OptInRequired")}, FAILED, "firehose, sns", "sign-up"),
    ("region", {"scheduler": refused("UnrecognizedClientException")}, FAILED, "scheduler",
     "region not enabled"),
    ("region", {"athena": refused("AccessDeniedException", "not authorized to perform: athena:X "
     "with an explicit deny in a service control policy")}, FAILED, "athena:X", "organisation"),
    ("region", {"ssm": DENIED}, WELL, "they answer", ""),  # the line of the permissions has it
    ("region", {"sqs": refused("ThrottlingException")}, UNKNOWN, "sqs in us-east-1: AWS is thro",
     "Wait a minute"),
    ("region", {"logs": refused("InternalFailure", status=500)}, UNKNOWN, "logs in", "Wait"),
    ("region", {"kinesis": CUT}, UNKNOWN, "kinesis in", "the network"),
    ("region", {"elasticloadbalancing": (200, b"sign in here")}, UNKNOWN, "elbv2", "network"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answers", "state", "text", "remedy"), BADLY)
def test_a_bad_answer_is_one_line_with_its_remedy(probe, aws, name, answers, state, text, remedy):
    aws.answers |= answers
    found = checked(probe, name)
    assert (found.state, text in found.text, remedy in found.remedy) == (state, True, True), found
    assert bool(found.remedy) == (state is not WELL)


def test_only_the_service_that_does_not_answer_is_named(cloud, hasty_probe, aws):
    aws.answers["logs"] = SILENT
    probe = probe_of(cloud, PATIENT)
    probe._clients["logs"] = hasty_probe.client("logs")
    found = checked(probe, "region")
    assert found.state is UNKNOWN and "the network" in found.remedy
    assert ": logs in us-east-1: The cloud does not" in found.text


# The calls on which a line depends, each of which is enough to prevent it.
DEPENDS = [
    ("permissions", "SimulatePrincipalPolicy"),
    ("permissions", "ListRoles"),
    ("servers", "GetServiceQuota"),
    ("servers", "DescribeInstances"),
    ("zones", "DescribeInstanceTypeOfferings"),
    ("networks", "DescribeVpcs"),
    ("networks", "GetServiceQuota"),
    ("shards", "DescribeLimits"),
    ("KPUs", "GetServiceQuota"),
    ("functions", "GetAccountSettings"),
    ("buckets", "ListBuckets"),
    ("buckets", "GetServiceQuota"),
]
NOT_AT_ALL = {
    "denied": (DENIED, "did not allow", "Ask the account's administrator"),
    "throttled": (refused("Throttling", "Rate exceeded"), "throttling", "Wait a minute"),
    "failing": (refused("InternalFailure", status=500), "internal error", "Wait a minute"),
    "silent": (SILENT, "does not answer", "Check the network"),
    "cut": (CUT, "does not answer", "Check the network"),
    "empty": ((200, b""), "could not be checked", "run the cell again"),
}


@pytest.mark.parametrize("kind", NOT_AT_ALL)
@pytest.mark.parametrize(("name", "operation"), DEPENDS)
def test_a_call_without_a_usable_answer_makes_its_line_unknown(
    probe, hasty_probe, aws, name, operation, kind
):
    answer, cause, remedy = NOT_AT_ALL[kind]
    aws.answers[operation] = answer
    found = checked(hasty_probe if answer is SILENT else probe, name)
    assert found.state is UNKNOWN and found.text.startswith("could not be checked"), found
    assert cause in found.text and remedy in found.remedy, found


@pytest.mark.parametrize("kind", NOT_AT_ALL)
def test_when_no_service_answers_each_line_is_there(cloud, aws, monkeypatch, kind):
    aws.answers = {"GetCallerIdentity": caller(SESSION), "*": NOT_AT_ALL[kind][0]}
    if kind == "silent":
        monkeypatch.setattr(preflight_probe, "_CONFIG", LESS_HASTY)
    report = preflight(cloud)
    assert [each.name for each in report] == NAMES
    states = {each.name: each.state for each in report}
    answered = ["credentials", "clock", "connector", "price"]
    assert {states.pop(name) for name in answered} == {WELL}
    # A refused permission is an answer of the service.
    assert states.pop("region") is (WELL if kind == "denied" else UNKNOWN)
    assert set(states.values()) == {UNKNOWN}, report
    assert all(each.remedy for each in report.of(UNKNOWN))
    report.raise_if_blocked()  # what is unknown blocks nothing


@pytest.mark.parametrize(
    ("answer", "cause", "remedy"),
    [
        (refused("ExpiredToken", "it is over", 403), "have expired", "Get new ones"),
        (refused("InvalidClientTokenId", "it is so", 403), "refused the credentials", "Get new"),
        (SILENT, "does not answer", "Check the network"),
    ],
)
def test_credentials_that_aws_does_not_accept_are_asked_about_once(
    cloud, aws, monkeypatch, answer, cause, remedy
):
    aws.answers["GetCallerIdentity"] = answer
    if answer is SILENT:
        monkeypatch.setattr(preflight_probe, "_CONFIG", HASTY)
    report = preflight(cloud)
    assert [each.name for each in report] == NAMES
    found = line(report, "credentials")
    assert found.state is FAILED and cause in found.text and remedy in found.remedy
    assert {line(report, name).state for name in CHECKS} == {UNKNOWN}
    assert {operation for operation, _ in aws.seen} == {"GetCallerIdentity"}
    with pytest.raises(WorkshopError, match=cause):
        report.raise_if_blocked()


def test_an_endpoint_that_refuses_connections_raises_nothing(emulator, own_home, monkeypatch):
    monkeypatch.setenv(REPOSITORY_VARIABLE, "http://127.0.0.1:9")
    extras = {"analytics": lambda: None}
    nowhere = f"http://127.0.0.1:{ports.free_port()}"
    report = preflight(Cloud(emulator.session, emulator.account, "rwa", nowhere, extras=extras))
    assert [each.name for each in report] == NAMES
    assert line(report, "credentials").state is FAILED
    assert line(report, "connector").state is WARNED
    assert line(report, "price").state is WELL


def test_a_service_that_refuses_connections_fails(probe, aws):
    nowhere = f"http://127.0.0.1:{ports.free_port()}"
    closed = probe.cloud.session.client("ssm", endpoint_url=nowhere, config=preflight_probe._CONFIG)
    found = checked(replace(probe, _clients=probe._clients | {"ssm": closed}), "region")
    assert found.state is FAILED and found.text.startswith("ssm in us-east-1"), found
    assert "Check the network" in found.remedy


@pytest.mark.parametrize(
    ("skew", "state", "text"),
    [
        (0, WELL, "agrees"),
        (60, WARNED, "s behind AWS's: latencies"),
        (-60, WARNED, "s ahead of AWS's: latencies"),
        (1000, FAILED, "s behind AWS's; it refuses more than 300 s"),
        (-1000, FAILED, "s ahead of"),
    ],
)
def test_the_clock_is_compared_with_the_date_of_an_answer(probe, aws, skew, state, text):
    aws.skew = skew
    _, (_, found) = identity(probe)
    assert found.state is state and text in found.text, found
    shown = re.search(r"([\d,]+) s (ahead|behind)", found.text)
    assert abs((int(shown[1].replace(",", "")) if shown else 0) - abs(skew)) <= 5


def test_a_wrong_clock_is_named_although_aws_refuses_the_call(cloud, aws):
    aws.skew = 3600
    message = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"
    aws.answers["GetCallerIdentity"] = refused("SignatureDoesNotMatch", message, 403)
    report = preflight(cloud)
    assert "clock is wrong" in line(report, "credentials").text
    assert line(report, "clock").state is FAILED and "behind" in line(report, "clock").text
    with pytest.raises(WorkshopError, match="2 checks failed.*credentials:.*clock:") as error:
        report.raise_if_blocked()
    assert error.value.remedy.count("timedatectl") == 2


class Sessions:
    """A session with these credentials."""

    def __init__(self, found) -> None:
        self.found = found

    def get_credentials(self):
        return self.found


NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def temporary(method: str, minutes: int) -> RefreshableCredentials:
    end = datetime.now(UTC) + timedelta(hours=9)
    found = RefreshableCredentials("x", "x", "token", end, lambda: {}, method)
    found._expiry_time = NOW + timedelta(minutes=minutes)
    return found


@pytest.mark.parametrize(
    ("found", "arn", "state", "text"),
    [
        (Credentials("x", "x"), SESSION, WELL, "as Learner/ann."),
        (Credentials("x", "x", "token", "env"), SESSION, WELL, "not known here"),
        (temporary("env", 300), SESSION, WELL, "until 17:00 UTC."),
        (temporary("env", 30), SESSION, WARNED, "only until 12:30 UTC"),
        (temporary("iam-role", 30), SESSION, WELL, "until 12:30 UTC; boto3 renews them"),
        (Credentials("x", "x"), "arn:aws:iam::000000000000:root", WARNED, "root user"),
    ],
    ids=["key", "token", "hours", "minutes", "renewed", "root"],
)
def test_the_end_of_temporary_credentials_is_shown(found, arn, state, text):
    own = credentials(Sessions(found), arn, NOW)
    assert own.state is state and text in own.text
    assert bool(own.remedy) == (state is WARNED)


# The connector


def stored(home, content: bytes) -> None:
    folder = home / "managed-flink" / "lib"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(content)


def test_a_jar_that_is_here_is_compared_and_not_downloaded(probe, aws, own_home):
    stored(own_home, JAR)
    aws.files[NAME] = b"another"  # it is not read
    found = checked(probe, "connector")
    assert found.state is WELL and "matches its checksum" in found.text


def test_a_jar_that_was_changed_fails(probe, aws, own_home):
    stored(own_home, b"other")
    found = checked(probe, "connector")
    assert found.state is FAILED and "does not match" in found.text and "Delete" in found.remedy


@pytest.mark.parametrize("is_here", [True, False])
@pytest.mark.parametrize("missing", [NAME, f"{NAME}.sha1"])
def test_a_repository_without_the_jar_or_its_checksum_is_a_warning(
    probe, aws, own_home, missing, is_here
):
    del aws.files[missing]
    if is_here:
        stored(own_home, JAR)
    found = checked(probe, "connector")
    assert found.state is (WELL if is_here else WARNED)
    assert is_here or ("404" in found.text and REPOSITORY_VARIABLE in found.remedy)


def test_a_page_in_place_of_the_checksum_is_a_warning(probe, aws):
    aws.files[f"{NAME}.sha1"] = b"<html>sign in to this network</html>"
    found = checked(probe, "connector")
    assert found.state is WARNED and "has no checksum" in found.text


def test_a_check_that_takes_too_long_is_unknown(cloud, aws, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.5)
    monkeypatch.setattr(preflight_probe, "_CONFIG", LESS_HASTY)
    aws.answers["DescribeLimits"] = SILENT
    found = {each.name: each for each in module.preflight(cloud)}
    assert found["shards"].state is UNKNOWN and "no answer within" in found["shards"].text


def test_connect_stops_at_an_account_where_the_workshop_can_not_run(cloud, aws, emulator, capsys):
    """With five of five networks, two vCPUs, and no zone with Graviton."""
    aws.answers |= {"GetServiceQuota": SMALL, "DescribeVpcs": vpcs(*FIVE)}
    aws.answers |= {"DescribeInstanceTypeOfferings": offers()}
    key, place = emulator.session.get_credentials(), urlsplit(cloud.endpoint)
    session = boto3.Session(key.access_key, key.secret_key, region_name="us-east-1")

    def detour(request, **_):
        request.url = urlsplit(request.url)._replace(scheme="http", netloc=place.netloc).geturl()

    session.events.register("before-send", detour)
    with pytest.raises(WorkshopError, match="checks failed") as error:
        sign_in(session, "rwa", confirm=True)
    for words in ("2 beacon servers need 4 vCPUs", "no zone offers it", "5 of at most 2 networks"):
        assert words in error.value.cause
    for words in ("servers: Request an increase", "zones: Use another region", "networks: Delete"):
        assert words in error.value.remedy
    assert "an hour" not in capsys.readouterr().out


def test_one_failure_is_its_own_error_and_several_are_one():
    one = Line("zones", FAILED, "No zone.", "Move.")
    with pytest.raises(WorkshopError) as error:
        Report((one, Line("x", WARNED, "a", "b"))).raise_if_blocked()
    assert (error.value.cause, error.value.remedy) == ("No zone.", "Move.")
    with pytest.raises(WorkshopError) as error:
        Report((one, Line("buckets", FAILED, "Full.", "Delete."))).raise_if_blocked()
    assert error.value.cause == "2 checks failed. zones: No zone. buckets: Full."
    assert error.value.remedy == "zones: Move. buckets: Delete."


def test_the_session_is_not_asked_for_a_region_that_boto3_does_not_know():
    probe = Probe(Cloud(boto3.Session("x", "x", region_name="us-east-9"), "1"), SESSION)
    found = CHECKS["region"](probe)
    assert found.state is FAILED and "us-east-9" in found.text
