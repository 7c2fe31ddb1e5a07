"""connect("aws"): what it shows, what it asks, what it refuses. The emulator answers for AWS."""

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import boto3
import pytest

from helpers.connection.aws_sign_in import SERVICES, check_region, short_arn, sign_in
from helpers.connection.connect import connect
from helpers.connection.flink_dependencies import dependencies
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.planning.prices import hourly
from tests.running_notebooks import run_cells


@pytest.fixture
def session(emulator):
    """A session that means AWS, endpoints and all; its requests arrive at the emulator."""
    # Where the emulator answers for AWS, its key is the account's.
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


def answering(monkeypatch, *answers):
    """Let input() give these answers; return the list of what is not given yet."""
    left = list(answers)
    monkeypatch.setattr("builtins.input", lambda _: left.pop(0))
    return left


def test_it_shows_who_where_and_how_much_then_asks(session, monkeypatch, capsys):
    left = answering(monkeypatch, "yes")
    cloud = sign_in(session, "rwa", confirm=False)
    told = capsys.readouterr().out
    assert left == []
    assert (cloud.account, cloud.region, cloud.endpoint) == ("000000000000", "us-east-1", None)
    assert "AWS account 000000000000, region us-east-1, as root." in told
    assert "root user" in told  # the emulator's caller is one
    assert f"${hourly():.2f} an hour" in told
    assert cloud.extras == {"analytics": dependencies}  # what Managed Flink needs in the zip


def test_one_yes_holds_for_the_next_notebook_but_for_no_other_workshop(session, monkeypatch):
    left = answering(monkeypatch, "Yes ", "no")
    sign_in(session, "rwa", confirm=False)
    sign_in(session, "rwa", confirm=False)
    assert left == ["no"]
    with pytest.raises(WorkshopError, match="did not say yes"):
        sign_in(session, "rwb", confirm=False)
    assert left == []


def test_a_yes_of_last_week_is_over(session, own_home, monkeypatch):
    left = answering(monkeypatch, "yes", "")
    sign_in(session, "rwa", confirm=False)
    answers = json.loads((own_home / "yes.json").read_text())
    (own_home / "yes.json").write_text(
        json.dumps({key: at - 7 * 86400 for key, at in answers.items()})
    )
    with pytest.raises(WorkshopError, match="did not say yes"):
        sign_in(session, "rwa", confirm=False)
    assert left == []


def test_confirm_says_it_in_the_cell(session, monkeypatch):
    answering(monkeypatch)  # a question would find no answer
    sign_in(session, "rwa", confirm=True)
    sign_in(session, "rwa", confirm=False)  # and it holds for the next notebook


def test_where_nobody_can_be_asked_nothing_is_started(session, monkeypatch):
    def no_terminal(_):
        raise EOFError

    monkeypatch.setattr("builtins.input", no_terminal)
    with pytest.raises(WorkshopError) as error:
        sign_in(session, "rwa", confirm=False)
    assert 'connect("aws", confirm=True)' in error.value.remedy


def test_what_is_deployed_already_is_told(session, emulator, monkeypatch, capsys):
    cloud = Cloud(emulator.session, emulator.account, "told", emulator.endpoint)
    deploy(cloud, "1-capture")
    try:
        capsys.readouterr()
        sign_in(session, "told", confirm=True)
        assert "Deployed here as told: 0-expiry, 1-capture (since 20" in capsys.readouterr().out
    finally:
        destroy(cloud)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KINESIS"])
def test_it_never_falls_through_to_an_emulator(variable, emulator, monkeypatch):
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
        ("mars", "no AWS region called 'mars'"),
        ("us-est-1", "no AWS region 'us-est-1'"),
        ("us-east-9", "no AWS region 'us-east-9'"),
    ],
)
def test_a_region_that_is_none_is_refused(region, cause):
    session = boto3.Session("x", "x", region_name=region)
    with pytest.raises(WorkshopError, match=cause) as error:
        check_region(session)
    assert "%env AWS_DEFAULT_REGION" in error.value.remedy


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
def test_a_region_with_every_service_is_accepted(region):
    check_region(boto3.Session("x", "x", region_name=region))


def test_a_region_that_lacks_a_service_names_it():
    session = boto3.Session("x", "x", region_name="us-iso-west-1")
    there = {name: session.get_available_regions(name, "aws-iso") for name in SERVICES}
    lacking = [name for name, regions in there.items() if "us-iso-west-1" not in regions]
    assert 0 < len(lacking) < len(SERVICES)
    with pytest.raises(WorkshopError, match=f"us-iso-west-1 lacks .*: {', '.join(lacking)}"):
        check_region(session)


@pytest.mark.parametrize("prefix", ["My", "a", "my-shop", "rwa_", "9lives", "x" * 13])
def test_a_prefix_that_no_bucket_could_bear_is_refused_at_once(prefix):
    with pytest.raises(WorkshopError, match="can't begin the names"):
        connect("aws", prefix)


def test_arns_are_shortened():
    assert short_arn("arn:aws:iam::111122223333:user/ann") == "user/ann"
    assert short_arn("arn:aws:iam::111122223333:root") == "root"
    sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Lab_0a1b/ann@example.org"
    assert short_arn(sso) == "AWSReservedSSO_Lab_0a1b/ann@example.org"


def run(cells: list[str]) -> list[str]:
    """Run cells in a kernel that nobody watches; return what they printed."""
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in run_cells(*cells)]


# In a kernel: the same detour as above, around the whole of connect.
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


def detour_to(emulator: Cloud) -> str:
    """Return the code of a cell that sends what means AWS to the emulator."""
    key, place = emulator.session.get_credentials(), urlsplit(emulator.endpoint).netloc
    return DETOUR.format(place=place, key=key.access_key, secret=key.secret_key)


def test_run_all_without_a_reader_ends_at_the_question_and_goes_on_with_a_confirmed_one(emulator):
    detour = detour_to(emulator)
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match="Nobody is there to say yes") as stopped:
        run([detour, 'helpers.connection.connect.connect("aws")', "print('spent')"])
    assert "botocore" not in stopped.value.traceback and "spent" not in str(stopped.value)
    told = run(
        [
            detour,
            'cloud = helpers.connection.connect.connect("aws", confirm=True)',
            "print('spent')",
        ]
    )
    assert "Connected (aws): account 000000000000" in told[1] and told[2] == "spent\n"


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
def test_in_a_notebook_any_cells_boto3_error_has_two_lines(emulator, code, shown, hidden):
    detour = detour_to(emulator)
    connected = 'cloud = helpers.connection.connect.connect("aws", confirm=True)'
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError) as stopped:
        run([detour, connected, REFUSED.format(code=code)])
    assert shown in stopped.value.traceback and hidden not in stopped.value.traceback


def test_a_script_without_a_terminal_gets_two_lines(tmp_path):
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
