"""connect("aws") shows the account and the costs, and asks; the emulator answers for AWS."""

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import boto3
import pytest
from nbclient.exceptions import CellExecutionError

from helpers.connection import aws_sign_in
from helpers.connection.aws_sign_in import sign_in
from helpers.connection.connect import connect
from helpers.connection.flink_dependencies import REPOSITORY_VARIABLE, dependencies
from helpers.connection.preflight_identity import short_arn
from helpers.connection.preflight_report import Line, Report, State
from helpers.connection.region import SERVICES, check_region
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.planning.prices import hourly
from tests.running_notebooks import run_cells


@pytest.fixture
def session(emulator):
    """A session with the endpoints of AWS whose requests are sent to the emulator."""
    key = emulator.session.get_credentials()
    session = boto3.Session(key.access_key, key.secret_key, region_name="us-east-1")
    place = urlsplit(emulator.endpoint)

    def detour(request, **_):
        url = urlsplit(request.url)
        assert url.hostname.endswith(".amazonaws.com")
        request.url = url._replace(scheme="http", netloc=place.netloc).geturl()

    session.events.register("before-send", detour)
    return session


@pytest.fixture(autouse=True)
def clean(own_home, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv(REPOSITORY_VARIABLE, "http://127.0.0.1:9")  # refuses, at once


def answering(monkeypatch, *answers):
    """Let input() return these answers; return the list of the remaining ones."""
    left = list(answers)
    monkeypatch.setattr("builtins.input", lambda _: left.pop(0))
    return left


def test_it_shows_the_account_the_region_and_the_costs_then_asks(session, monkeypatch, capsys):
    left = answering(monkeypatch, "yes")
    cloud = sign_in(session, "rwa", confirm=False)
    shown = capsys.readouterr().out
    assert left == []
    assert (cloud.account, cloud.region, cloud.endpoint) == ("000000000000", "us-east-1", None)
    assert "AWS account 000000000000, region us-east-1, as root." in shown
    assert "root user" in shown  # the emulator's caller
    assert f"${hourly():.2f} an hour" in shown
    assert cloud.extras == {"analytics": dependencies}  # what Managed Flink needs in the zip


def test_a_confirmation_is_valid_for_the_next_notebook_but_not_for_another_prefix(
    session, monkeypatch
):
    left = answering(monkeypatch, "Yes ", "no")
    sign_in(session, "rwa", confirm=False)
    sign_in(session, "rwa", confirm=False)
    assert left == ["no"]
    with pytest.raises(WorkshopError, match="did not type yes"):
        sign_in(session, "rwb", confirm=False)
    assert left == []


def test_a_confirmation_expires(session, own_home, monkeypatch):
    left = answering(monkeypatch, "yes", "")
    sign_in(session, "rwa", confirm=False)
    answers = json.loads((own_home / "yes.json").read_text())
    (own_home / "yes.json").write_text(
        json.dumps({key: at - 7 * 86400 for key, at in answers.items()})
    )
    with pytest.raises(WorkshopError, match="did not type yes"):
        sign_in(session, "rwa", confirm=False)
    assert left == []


def test_confirm_replaces_the_question_for_the_next_notebook_too(session, monkeypatch):
    answering(monkeypatch)  # a question would find no answer
    sign_in(session, "rwa", confirm=True)
    sign_in(session, "rwa", confirm=False)


def test_without_a_terminal_it_raises_an_error_that_names_confirm(session, monkeypatch):
    def no_terminal(_):
        raise EOFError

    monkeypatch.setattr("builtins.input", no_terminal)
    with pytest.raises(WorkshopError) as error:
        sign_in(session, "rwa", confirm=False)
    assert 'connect("aws", confirm=True)' in error.value.remedy


FULL = Line("networks", State.FAILURE, "Five of five networks.", "Delete one.")
DENIED = Line("permissions", State.FAILURE, "IAM does not allow x.", "Attach the policies.")
FEW = Line("servers", State.WARNING, "Four servers fit.", "Request an increase.")
UNREAD = Line("shards", State.UNKNOWN, "could not be checked: denied.", "Ask.")
PASSED = Line("zones", State.OK, "Three zones.")


def found(monkeypatch, *lines: Line) -> None:
    """Let a preflight find these lines."""
    monkeypatch.setattr(aws_sign_in, "preflight", lambda cloud: Report(lines))


def test_what_blocks_the_workshop_stops_it_before_the_question(session, monkeypatch, capsys):
    left = answering(monkeypatch, "yes")
    found(monkeypatch, FULL, PASSED, DENIED, FEW)
    with pytest.raises(WorkshopError) as error:
        sign_in(session, "rwa", confirm=False)
    for line in (FULL, DENIED):
        assert line.text in error.value.cause and line.remedy in error.value.remedy
    shown = capsys.readouterr().out
    assert "1 of 4 checks passed" in shown and FEW.text in shown and "an hour" not in shown
    assert left == ["yes"]


def test_what_only_warns_or_is_unknown_is_printed_and_the_question_follows(
    session, monkeypatch, capsys
):
    left = answering(monkeypatch, "yes")
    found(monkeypatch, PASSED, FEW, UNREAD)
    sign_in(session, "rwa", confirm=False)
    shown = capsys.readouterr().out
    for line in (FEW, UNREAD):
        assert str(line) in shown
    assert PASSED.text not in shown and left == []


def test_a_learner_who_knows_better_leaves_the_checks_out(session, monkeypatch, capsys):
    found(monkeypatch, FULL)
    sign_in(session, "rwa", confirm=True, check=False)
    assert "checks passed" not in capsys.readouterr().out


def test_it_lists_the_deployed_modules(session, emulator, monkeypatch, capsys):
    cloud = Cloud(emulator.session, emulator.account, "listed", emulator.endpoint)
    deploy(cloud, "1-capture")
    try:
        capsys.readouterr()
        sign_in(session, "listed", confirm=True)
        assert "Deployed here as listed: 0-expiry, 1-capture (since 20" in capsys.readouterr().out
    finally:
        destroy(cloud)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KINESIS"])
def test_it_never_connects_to_an_emulator(variable, emulator, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv(variable, emulator.endpoint)
    with pytest.raises(WorkshopError, match="which is not AWS") as error:
        connect("aws", confirm=True)
    assert "AWS_ENDPOINT_URL" in error.value.remedy


@pytest.mark.parametrize(
    ("region", "cause"),
    [
        (None, "No AWS region is set"),
        ("mars", "no AWS region 'mars'"),
        ("us-est-1", "no AWS region 'us-est-1'"),
        ("us-east-9", "no AWS region 'us-east-9'"),
    ],
)
def test_a_region_that_does_not_exist_is_refused(region, cause):
    session = boto3.Session("x", "x", region_name=region)
    with pytest.raises(WorkshopError, match=cause) as error:
        check_region(session)
    assert "%env AWS_DEFAULT_REGION" in error.value.remedy


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
def test_a_region_with_every_service_is_accepted(region):
    check_region(boto3.Session("x", "x", region_name=region))


def test_the_error_for_a_region_names_the_missing_services():
    session = boto3.Session("x", "x", region_name="us-iso-west-1")
    there = {name: session.get_available_regions(name, "aws-iso") for name in SERVICES}
    lacking = [name for name, regions in there.items() if "us-iso-west-1" not in regions]
    assert 0 < len(lacking) < len(SERVICES)
    with pytest.raises(WorkshopError, match=f"us-iso-west-1 lacks .*: {', '.join(lacking)}"):
        check_region(session)


@pytest.mark.parametrize("prefix", ["My", "a", "my-shop", "rwa_", "9lives", "x" * 13])
def test_a_prefix_that_is_invalid_in_a_bucket_name_is_refused(prefix):
    with pytest.raises(WorkshopError, match="is not valid in the names"):
        connect("aws", prefix)


def test_arns_are_shortened():
    assert short_arn("arn:aws:iam::111122223333:user/ann") == "user/ann"
    assert short_arn("arn:aws:iam::111122223333:root") == "root"
    sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Lab_0a1b/ann@example.org"
    assert short_arn(sso) == "AWSReservedSSO_Lab_0a1b/ann@example.org"


def run(cells: list[str]) -> list[str]:
    """Run cells in a kernel without a front end; return their output."""
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in run_cells(*cells)]


# In a kernel: the same redirection as above, for the sessions of connect.
DETOUR = """
import boto3
from urllib.parse import urlsplit
import helpers.connection.connect
real = boto3.Session
def session():
    made = real({key!r}, {secret!r}, region_name="us-east-1")
    made.events.register("before-send", lambda request, **_: setattr(request, "url",
        urlsplit(request.url)._replace(scheme="http", netloc={place!r}).geturl()))
    return made
helpers.connection.connect.boto3.Session = session
"""
CONNECT = 'cloud = helpers.connection.connect.connect("aws", confirm=True)'


def detour_to(emulator: Cloud) -> str:
    """Return the code of a cell that redirects requests to AWS to the emulator."""
    key, place = emulator.session.get_credentials(), urlsplit(emulator.endpoint).netloc
    return DETOUR.format(place=place, key=key.access_key, secret=key.secret_key)


def test_run_all_without_input_ends_at_the_question_and_continues_with_confirm(emulator):
    detour = detour_to(emulator)
    with pytest.raises(CellExecutionError, match="These costs were not confirmed") as stopped:
        run([detour, 'helpers.connection.connect.connect("aws")', "print('spent')"])
    assert "botocore" not in stopped.value.traceback and "spent" not in str(stopped.value)
    printed = run([detour, CONNECT, "print('spent')"])
    assert "Connected (aws): account 000000000000" in printed[1] and printed[2] == "spent\n"


REFUSED = """
from botocore.stub import Stubber
kinesis = cloud.client("kinesis")
stub = Stubber(kinesis)
stub.add_client_error("list_streams", {code!r}, "so it is")
stub.activate()
kinesis.list_streams()
"""


@pytest.mark.parametrize(
    ("code", "shown", "hidden"),
    [
        ("ExpiredTokenException", "Your AWS credentials have expired: so it is", "_api_call"),
        ("Unheard", "_api_call", "→"),  # no remedy: the traceback is all there is
    ],
)
def test_a_boto3_error_in_any_cell_is_shown_in_two_lines(emulator, code, shown, hidden):
    detour = detour_to(emulator)
    with pytest.raises(CellExecutionError) as stopped:
        run([detour, CONNECT, REFUSED.format(code=code)])
    assert shown in stopped.value.traceback and hidden not in stopped.value.traceback


def test_a_script_prints_the_error(tmp_path):
    environment = os.environ | {"HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", 'from helpers import connect; connect("aws")'],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert "No AWS region is set." in ended.stderr
